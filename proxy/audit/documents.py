"""A file as the JSON values in it: one document, one a line, or within the lines of a log. Reads a line at a time."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from schemas.catalog import Json, too_deep

LONGEST = 64 << 20
"""Bytes of one line that are read; a longer one is none that an agent wrote."""
WHOLE = 512 << 20
"""Bytes of one document over several lines: it has to be read whole."""

_NAMES = re.compile(r"\[([^\[\]]{1,100})\]")
_NO_NAMES = re.compile(r"(?:info|error|warn|warning|debug|trace|notice)$|.*(?:->|→)|[\d:.\-T Z]+$", re.IGNORECASE)
"""What stands in brackets before a message and names no server: a level, a direction, a time."""

_decoder = json.JSONDecoder()


class Malformed(str):
    """Why a line is no JSON value."""

    __slots__ = ()


def documents(path: Path) -> Iterator[tuple[int, Json | Malformed]]:
    """Each value with the number of its line; what cannot be read comes as `Malformed`. Raises `OSError`."""
    with path.open("rb") as file:
        whole = _spread(file)
        if whole is not None:
            yield 1, whole
            return
        file.seek(0)
        yield from _lines(file)


def _spread(file: IO[bytes]) -> Json | None:
    """The one document that goes over several lines, None where lines are values of their own."""
    first = b"\n"
    while first and not first.strip():
        first = file.readline(LONGEST)
    text = _text(first).lstrip()
    if text[:1] not in ("{", "[") or not isinstance(_value(text), Malformed) or file.seek(0, 2) > WHOLE:
        return None
    file.seek(0)
    value = _value(_text(file.read()))
    return None if isinstance(value, Malformed) else value


def _lines(file: IO[bytes]) -> Iterator[tuple[int, Json | Malformed]]:
    log = False
    number = 0
    while raw := file.readline(LONGEST):
        number += 1
        if len(raw) == LONGEST:
            while raw and not raw.endswith(b"\n"):
                raw = file.readline(LONGEST)
            yield number, Malformed(f"longer than {LONGEST >> 20} MB")
            continue
        text = _text(raw).strip()
        if not text:
            continue
        log = log or text[0] not in "{["
        found = _within(text) if text[0] not in "{[" else _value(text)
        if found is not None or not log:
            yield number, found


def _within(text: str) -> Json | Malformed | None:
    """The JSON object inside a line of a log, with the server that the line names; None where the line has none."""
    begin = text.find("{")
    if begin < 0:
        return None
    try:
        value = _decoder.raw_decode(text, begin)[0]
    except (ValueError, RecursionError):
        return Malformed("no whole JSON") if '"jsonrpc"' in text or '"method"' in text else None
    if isinstance(_checked(value), Malformed):
        return _checked(value)
    servers = [name for name in _NAMES.findall(text[:begin]) if not _NO_NAMES.match(name)]
    return {"server": servers[0], "message": value} if servers else {"message": value}


def _value(text: str) -> Json | Malformed:
    try:
        return _checked(json.loads(text))
    except RecursionError:
        return Malformed("nested too deep")
    except ValueError as error:
        return Malformed(f"no JSON: {error}")


def _checked(value: Json) -> Json | Malformed:
    return Malformed("nested too deep") if too_deep(value) else value


def _text(raw: bytes) -> str:
    return raw.decode("utf-8-sig", "replace")
