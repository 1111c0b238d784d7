"""Put mcp-mend into a client's JSON file and take it out again, leaving every other character as it was. Pure.

Only local servers are wrapped: signing in to a remote one belongs to its client.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from proxy.settings.clients import holder
from proxy.settings.jsonc import Document, Path, parse
from proxy.settings.selfcall import Ours, ours
from schemas.catalog import as_list, as_object

_Edit = tuple[int, int, str]
"""Offsets and what stands there afterwards."""


@dataclass(frozen=True)
class Rewritten:
    """A file's new text; `changed` names the entries that are different, `left` says why others are not."""

    text: str
    changed: tuple[str, ...] = ()
    left: Mapping[str, str] | None = None


def wrapped(text: str, us: Sequence[str], *, only: Collection[str] = (), options: Sequence[str] = ()) -> Rewritten:
    """Wrap every local server, or only those named; `us` is the command line that starts mcp-mend."""

    def one(document: Document, path: Path, entry: Mapping[str, Any]) -> list[_Edit] | str:
        name = str(path[-1])
        if only and name not in only:
            return "not asked for"
        line = _line(entry)
        if line is None:
            return "an unusual form of command" if entry.get("command") else "remote"
        if ours(line[0], line[1:]):
            return "mcp-mend is there already"
        return _command_line(document, path, [*us, "wrap", "--name", name, *options, "--", *line])

    return _each(text, one)


def unwrapped(text: str) -> Rewritten:
    """Take mcp-mend out: wrapped servers start by themselves again, entries that serve are removed."""

    def one(document: Document, path: Path, entry: Mapping[str, Any]) -> list[_Edit] | str:
        us = _ours(entry)
        if us is None or not us.wrapped:
            return "not of mcp-mend"
        return _command_line(document, path, us.wrapped)

    freed = _each(text, one)
    text, changed = freed.text, [*freed.changed]
    while (found := _serving(document := parse(text))) is not None:
        text = _applied(text, [_removal(document, found)])
        changed.append(str(found[-1]))
    left = {name: why for name, why in (freed.left or {}).items() if name not in changed}
    return Rewritten(text, tuple(changed), left)


def added(text: str, table: str, name: str, entry: Mapping[str, Any]) -> Rewritten:
    """Add one entry to the table of servers, which is made where there is none; one of that name stays as it is."""
    document = parse(text if text.strip() else "{}\n")
    path = holder(document.value)
    if path is None:
        return Rewritten(_applied(document.text, [_member(document, (), table, {name: entry})]), (name,))
    if (*path, name) in document.spans:
        return Rewritten(document.text, (), {name: "there already"})
    return Rewritten(_applied(document.text, [_member(document, path, name, entry)]), (name,))


def _entries(document: Document) -> dict[Path, Mapping[str, Any]]:
    """The entries that are objects, by their path."""
    path = holder(document.value)
    if path is None:
        return {}
    table: Any = document.value
    for key in path:
        table = table[key]
    return {(*path, name): known for name, one in table.items() if (known := as_object(one)) is not None}


def _line(entry: Mapping[str, Any]) -> list[str] | None:
    """The command line of an entry, None where it has none of the usual form."""
    command, args = entry.get("command"), as_list(entry.get("args") or [])
    return [command, *map(str, args)] if isinstance(command, str) and args is not None else None


def _ours(entry: Mapping[str, Any]) -> Ours | None:
    line = _line(entry)
    return ours(line[0], line[1:]) if line else None


def _serving(document: Document) -> Path | None:
    """An entry that starts mcp-mend and wraps no command."""
    return next((path for path, entry in _entries(document).items() if (us := _ours(entry)) and not us.wrapped), None)


def _each(text: str, one: Callable[[Document, Path, Mapping[str, Any]], list[_Edit] | str]) -> Rewritten:
    document = parse(text)
    edits: list[_Edit] = []
    changed: list[str] = []
    left: dict[str, str] = {}
    for path, entry in _entries(document).items():
        found = one(document, path, entry)
        if isinstance(found, str):
            left[str(path[-1])] = found
        else:
            edits += found
            changed.append(str(path[-1]))
    return Rewritten(_applied(document.text, edits), tuple(changed), left)


def _command_line(document: Document, path: Path, line: Sequence[str]) -> list[_Edit]:
    """Exchange the command and the arguments of an entry."""
    start, end = document.spans[*path, "command"]
    args = _json(list(line[1:]))
    edits: list[_Edit] = [(start, end, _json(line[0]))]
    if span := document.spans.get((*path, "args")):
        return [*edits, (*span, args)]
    return [*edits, (end, end, f', "args": {args}')]


def _removal(document: Document, path: Path) -> _Edit:
    """Cut one member out of an object with one of the commas around it."""
    start, end = document.keys[path], document.spans[path][1]
    behind = document.blank(end)
    siblings = [
        document.spans[other][1] for other in document.keys if other[:-1] == path[:-1] and document.keys[other] < start
    ]
    if document.text[behind] == ",":
        return start, document.blank(behind + 1), ""
    return (max(siblings), end, "") if siblings else (start, end, "")


def _member(document: Document, path: Path, name: str, value: Mapping[str, Any]) -> _Edit:
    """Put a member first into an object, indented as the object's own members would be."""
    start, end = document.spans[path]
    empty = document.blank(start + 1) == end - 1
    line = document.text[document.text.rfind("\n", 0, start) + 1 : start]
    outer = line[: len(line) - len(line.lstrip())]
    written = json.dumps(value, indent=2, ensure_ascii=False).replace("\n", f"\n{outer}  ")
    return start + 1, start + 1, f"\n{outer}  {_json(name)}: {written}" + (f"\n{outer}" if empty else ",")


def _applied(text: str, edits: Sequence[_Edit]) -> str:
    for start, end, put in sorted(edits, reverse=True):
        text = text[:start] + put + text[end:]
    return text


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
