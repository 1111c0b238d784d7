"""What a run that is killed needs to be gone on with, exactly: its plan, and every call with its reply.

Kept apart from the journal, which leaves secrets out: one file a run, readable by its owner alone, begun with the first
call that may have an effect and deleted when the run ends. Nothing is ever read back that was cut or redacted.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from filelock import FileLock, Timeout

from schemas.catalog import Effect, Json, as_object
from schemas.trial import Lost, Reply, StepRun, Verdict

LARGEST = 64 << 20
"""Bytes that are kept of one run; a run that needs more cannot be gone on with."""


DAYS = 30
"""Days after which a run that nobody went on with is forgotten."""


class MissingError(Exception):
    """What is missing of a run, as a sentence."""


@dataclass
class Checkpoint:
    """The file of one run; without a path nothing is kept. Writing never fails a call: a file that breaks is cut."""

    path: Path | None = None
    _file: IO[str] | None = None
    _size: int = 0
    _plan: Json = field(default=None)

    def plan(self, plan: Json) -> None:
        """Note the plan that the run has come to."""
        self._plan = plan
        self._write({"plan": plan})

    def sending(self, run: StepRun, earlier: Iterable[StepRun]) -> None:
        """Note a call that may have an effect before it leaves; the first one begins the file with all before it."""
        if self.path is not None and self._file is None:
            self._begin(earlier)
        self._write({"sending": _line(run)})

    def sent(self, run: StepRun) -> None:
        """Note a call and its reply."""
        self._write({"sent": _line(run)})

    def end(self) -> None:
        """Delete what was kept: the run has come to its end."""
        if self._file is not None:
            self._file.close()
            self._file = None
        if self.path is not None:
            self.path.unlink(missing_ok=True)
            lock(self.path).release(force=True)
            Path(lock(self.path).lock_file).unlink(missing_ok=True)

    def _begin(self, earlier: Iterable[StepRun]) -> None:
        assert self.path is not None  # noqa: S101  asked for just before
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _forget_old(self.path.parent)
            lock(self.path).acquire(timeout=0)
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            self._file = os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogatepass")
        except (OSError, Timeout):
            self.path = None
            return
        self._write({"plan": self._plan})
        for run in earlier:
            self.sent(run)

    def _write(self, line: dict[str, Any]) -> None:
        if self._file is None:
            return
        text = json.dumps(line)
        self._size += len(text)
        if self._size > LARGEST:
            text = '{"cut": true}'
        try:
            self._file.write(text + "\n")
            self._file.flush()
        except OSError:
            self._size = LARGEST


def lock(path: Path) -> FileLock:
    """What a run holds while it goes on, so that nobody goes on with it meanwhile."""
    return FileLock(f"{path}.lock", is_singleton=True)


def _forget_old(folder: Path) -> None:
    for old in folder.iterdir():
        if time.time() - old.stat().st_mtime > DAYS * 86_400:
            old.unlink(missing_ok=True)


def read(path: Path) -> tuple[Json, dict[str, list[StepRun]]]:
    """The last plan of a run and its calls by step; raises `MissingError` where anything of it is not there."""
    try:
        with lock(path).acquire(timeout=0):
            pass
    except (Timeout, OSError) as error:
        if path.exists():
            raise MissingError("it is still under way") from error
    try:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8", errors="surrogatepass").splitlines()]
    except FileNotFoundError as error:
        why = "nothing was kept of it: it has come to its end, sent nothing that may have an effect, or kept no journal"
        raise MissingError(why) from error
    except (OSError, ValueError, RecursionError) as error:
        raise MissingError(f"what was kept of it cannot be read ({path}: {error})") from error
    if any("cut" in line for line in lines):
        raise MissingError(f"it needed more than the {LARGEST >> 20} MB that are kept of one run")
    calls: dict[str, StepRun] = {}
    plan: Json = None
    for line in lines:
        plan = line.get("plan", plan)
        written = as_object(line.get("sent")) or as_object(line.get("sending"))
        if written is not None:
            run = _run(written, done="sent" in line)
            calls[run.call_id] = run
    found: dict[str, list[StepRun]] = {}
    for run in calls.values():
        found.setdefault(run.step, []).append(run)
    return plan, found


def _line(run: StepRun) -> dict[str, Any]:
    reply = run.reply or Reply()
    return {
        "step": run.step, "server": run.server, "tool": run.tool, "arguments": run.arguments, "call_id": run.call_id,
        "verdict": run.verdict.value, "effect": run.effect.value, "ms": run.ms, "value": run.value,
        "result": reply.result, "error": reply.error, "lost": reply.lost, "message": reply.message,
        "blamed": sorted(run.blamed),
    }  # fmt: skip


def _run(written: dict[str, Any], *, done: bool) -> StepRun:
    lost = Lost(written["lost"]) if written["lost"] else None
    reply = Reply(written["result"], written["error"], lost, written["message"])
    if not done:
        reply = Reply(lost=Lost.BROKEN, message="the run was cut off before a reply was noted")
    return StepRun(
        written["step"], written["server"], written["tool"], written["arguments"],
        Verdict(written["verdict"]) if done else Verdict.UNKNOWN, reply, written["value"], written["call_id"],
        Effect(written["effect"]), written["ms"], blamed=frozenset(written["blamed"]),
    )  # fmt: skip
