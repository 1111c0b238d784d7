"""Files and folders to transcripts: which format a record is in shows by its own shape."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from proxy.audit import captures, exports
from proxy.audit.captures import Captures
from proxy.audit.documents import Malformed, documents
from proxy.audit.exports import Exports
from proxy.audit.messages import Messages
from proxy.audit.transcript import Transcript
from schemas.catalog import Json

KINDS = frozenset({".json", ".jsonl", ".ndjson", ".log", ".txt"})
"""Suffixes of the files that are read where a folder is named."""
NAMED = 20
"""Malformed lines of a file that are named; the others are counted."""


def files(paths: Sequence[Path]) -> list[Path]:
    """The files that are meant: those named, and in folders those that may be transcripts."""
    found: dict[Path, None] = {}
    for path in paths:
        inside = sorted(one for one in path.rglob("*") if one.suffix in KINDS and one.is_file())
        found |= dict.fromkeys(inside if path.is_dir() else [path])
    return list(found)


def transcripts(paths: Sequence[Path]) -> Iterator[Transcript]:
    """Each file read; raises `OSError` for one that cannot be."""
    for path in files(paths):
        yield read(path)


def read(path: Path) -> Transcript:
    """One file, whatever its format; what cannot be read is counted and named."""
    found = Transcript(str(path))
    capture, export, messages = Captures(_server_of(path)), Exports(), Messages()
    strange = 0
    for line, value in documents(path):
        found.lines += 1
        if isinstance(value, Malformed):
            found.unread += 1
            if len(found.malformed) < NAMED:
                found.malformed.append((line, str(value)))
            continue
        strange += not _taken(found, value, line, capture, export, messages)
    if strange and found.format:
        found.left["no call and no answer in it"] = strange
    found.format = found.format or "nothing that is known here"
    return found


def _taken(found: Transcript, value: Json, line: int, capture: Captures, export: Exports, messages: Messages) -> bool:
    """Take one record in by the first reader that knows it; False where none does."""
    events = export.read(value, line)
    if events is not None:
        found.format = found.format or exports.FORMAT
        found.take(events)
        return True
    events = messages.read(value, line)
    if events is not None:
        found.take(events)
        found.format = messages.format or found.format
        return True
    events = capture.read(value, line)
    if events is None:
        return False
    found.format = found.format or captures.FORMAT
    found.take(events)
    return True


def _server_of(path: Path) -> str:
    """The server that a log's name tells: Claude Desktop writes `mcp-server-NAME.log`."""
    return re.sub(r"^mcp-server-", "", path.stem) if path.name.startswith("mcp-server-") else "server"
