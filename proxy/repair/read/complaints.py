"""The complaints that validators print in a form of their own: pydantic, and zod as JSON or as lines. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from proxy.repair.read import phrases
from proxy.repair.view.values import MISSING, inside, segments
from schemas.catalog import as_list, as_object
from schemas.plan import Location


@dataclass(frozen=True)
class Issue:
    """One complaint of a structured validator."""

    where: Location
    message: str
    kind: str


def complaints(text: str, sent: Mapping[str, Any]) -> Iterator[Issue]:
    """Everything that a validator complains of in a text about a call with these arguments."""
    yield from _pydantic(text, sent)
    yield from _zod(text)
    yield from _zod_lines(text)
    yield from _places(text, sent)


def _pydantic(text: str, sent: Mapping[str, Any]) -> Iterator[Issue]:
    if "validation error" not in text:
        return
    for match in phrases.PYDANTIC.finditer(text):
        parts = [int(part) if part.isdecimal() and len(part) < 10 else part for part in match[1].strip().split(".")]
        while len(parts) > 1 and parts[0] not in sent and parts[1] in sent:
            parts = parts[1:]
        yield Issue(tuple(parts), match[2], match[3])


def _zod(text: str) -> Iterator[Issue]:
    start = text.find("[")
    if '"code"' not in text or '"path"' not in text or start < 0:
        return
    try:
        issues, _ = json.JSONDecoder().raw_decode(text[start:])
    except (ValueError, RecursionError):
        return
    for entry in as_list(issues) or []:
        keys = as_object(entry) or {}
        if keys.get("code") == "unrecognized_keys":
            yield from (Issue((str(name),), "", "unrecognized") for name in as_list(keys.get("keys")) or [])
            continue
        where: Location = tuple(as_list(keys.get("path")) or [])
        message, expected = str(keys.get("message", "")), keys.get("expected")
        absent = keys.get("received") == "undefined" or "received undefined" in message
        options = as_list(keys.get("options")) or as_list(keys.get("values"))
        if options:
            message = f"must be one of {', '.join(map(repr, options))}"
        elif expected:
            message = f"expected {expected}; {message}"
        yield Issue(where, message, "missing" if absent else str(keys.get("code")))


def _places(text: str, sent: Mapping[str, Any]) -> Iterator[Issue]:
    """Complaints about a dotted place: `children.0 should be of type object`."""
    for match in phrases.PLACE.finditer(text):
        where = location(match[1])
        if inside(dict(sent), where) is not MISSING:
            yield Issue(where, text[match.end() : match.end() + 200].split("\n")[0], "")


def _zod_lines(text: str) -> Iterator[Issue]:
    """Zod's complaints one to a line, `Invalid input: expected array, received string at edits[0].lines`."""
    for match in phrases.ZOD_LINE.finditer(text):
        absent = match[1].endswith("received undefined")
        yield Issue(location(match[2]), match[1], "missing" if absent else "")


def location(path: str) -> Location:
    """The place that a validator writes as `items[0].name` or `/items/0/name`."""
    parts = segments(path.replace("/", ".").lstrip("."))
    return tuple(int(part) if part.isdecimal() and len(part) < 10 else part for part in parts)
