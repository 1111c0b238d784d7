"""Records that a disk has cost, kept where a full disk still takes them: in a file that has its size from the start.

Every process that loses records has a line of its own in it and writes over that alone, so that nobody waits for a
lock. A folder that cannot be written at all keeps none, and the log lines of the process are what is left.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

LINES, WIDTH = 64, 256
"""Lines of the file, and bytes of each."""
DAYS = 90
"""How long a loss is told."""


@dataclass(frozen=True)
class Loss:
    """What one process could not write down: how many records, from when to when, and why."""

    pid: int
    since: float
    until: float
    records: int
    reason: str


def losses_path(journal: Path) -> Path:
    """Where the losses of a journal are kept."""
    return journal.with_name("journal.lost")


def prepare(journal: Path) -> None:
    """Make the file in its full size while there is room for it; one that cannot be made is none."""
    path = losses_path(journal)
    with suppress(OSError):
        handle = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            size = os.fstat(handle).st_size
            if size < LINES * WIDTH:
                os.lseek(handle, size, os.SEEK_SET)
                os.write(handle, (b" " * (WIDTH - 1) + b"\n") * LINES)
                os.ftruncate(handle, LINES * WIDTH)
        finally:
            os.close(handle)


def note(journal: Path, loss: Loss) -> None:
    """Write a loss over this process's earlier one, else over a free line or the oldest; without a file, nowhere."""
    prepare(journal)
    with suppress(OSError):
        handle = os.open(losses_path(journal), os.O_RDWR)
        try:
            lines = _lines(_read(handle))
            ages = [0.0 if line is None else line.until for line in lines]
            mine = next((at for at, line in enumerate(lines) if line is not None and _same(line, loss)), None)
            place = ages.index(min(ages)) if mine is None else mine
            os.lseek(handle, place * WIDTH, os.SEEK_SET)
            os.write(handle, _line(loss))
        finally:
            os.close(handle)


def losses(journal: Path) -> list[Loss]:
    """The losses that are known, oldest first; those of long ago are forgotten."""
    try:
        found = _lines(losses_path(journal).read_bytes())
    except OSError:
        return []
    recent = time.time() - DAYS * 86400
    return sorted((line for line in found if line is not None and line.until > recent), key=lambda line: line.since)


def told(found: Iterable[Loss]) -> str:
    """The losses in a sentence, "" where there are none."""
    found = list(found)
    if not found:
        return ""
    records, last = sum(loss.records for loss in found), max(found, key=lambda loss: loss.until)
    when = datetime.fromtimestamp(last.until).astimezone().strftime("%Y-%m-%d %H:%M")
    plural = "record is" if records == 1 else "records are"
    return f"{records} {plural} not in the journal, last at {when}: {last.reason}; no call failed for it"


def _same(one: Loss, other: Loss) -> bool:
    return (one.pid, one.since) == (other.pid, other.since)


def _line(loss: Loss) -> bytes:
    reason = loss.reason
    while len(text := json.dumps({**asdict(loss), "reason": reason}).encode()) > WIDTH - 1:
        reason = reason[: len(reason) // 2]
    return text.ljust(WIDTH - 1) + b"\n"


def _read(handle: int) -> bytes:
    os.lseek(handle, 0, os.SEEK_SET)
    return os.read(handle, LINES * WIDTH)


def _lines(content: bytes) -> list[Loss | None]:
    return [_loss(content[at * WIDTH : (at + 1) * WIDTH]) for at in range(LINES)]


def _loss(line: bytes) -> Loss | None:
    try:
        keys = json.loads(line)
        return Loss(int(keys["pid"]), float(keys["since"]), float(keys["until"]), int(keys["records"]), keys["reason"])
    except (ValueError, KeyError, TypeError):
        return None
