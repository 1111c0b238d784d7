"""Changes to single values of a document, every other character left alone; each is the opposite of another. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from proxy.repair.view.shown import json_text
from proxy.settings.jsonc import Document, Path
from schemas.catalog import as_list, as_object

Edit = tuple[int, int, str]
"""Offsets and what stands there afterwards."""

_COMMENTS = re.compile(r"(?:\s+|//[^\n]*|#[^\n]*|/\*.*?\*/)*", re.DOTALL)
_PLAIN = re.compile(r"""[\w./~](?:[\w./~@=+\\() -]|:(?=[\w\\/]))*(?<! )|"[^\n]*"|'[^\n]*'""", re.ASCII)
"""A text that is the same text inside brackets."""


def applied(text: str, edits: Sequence[Edit]) -> str:
    """The text after all of the edits, which must not overlap."""
    for start, end, put in sorted(edits, reverse=True):
        text = text[:start] + put + text[end:]
    return text


def at(value: Any, path: Path) -> Any:
    """What stands at a path of a value; None where there is nothing."""
    for key in path:
        items = as_list(value)
        if items is not None:
            value = items[key] if isinstance(key, int) and key < len(items) else None
        else:
            value = (as_object(value) or {}).get(str(key))
    return value


def written(value: Any) -> str:
    """A value on one line, which JSON, YAML and, for texts and lists of them, TOML read alike."""
    return json_text(value)


def raw(document: Document, path: Path) -> str:
    """A text as it is written there, or written anew where that would mean something else inside brackets."""
    start, end = document.spans[path]
    found = document.text[start:end]
    return found if _PLAIN.fullmatch(found) else written(at(document.value, path))


def put_first(document: Document, path: Path, items: Sequence[str]) -> Edit:
    """Put items, as they are written, before the first one of a list."""
    if not at(document.value, path):
        inside = document.spans[path][0] + 1
        return inside, inside, ", ".join(items)
    first = document.spans[*path, 0][0]
    return first, first, document.blocks.get(path, ", ").join([*items, ""])


def cut_first(document: Document, path: Path, count: int) -> Edit:
    """Take so many items off the front of a list, comments on those behind them left alone."""
    start, end = document.spans[*path, 0][0], document.spans[*path, count - 1][1]
    if count < len(at(document.value, path)):
        after = document.spans[*path, count][0]
        comma = _behind_comma(document.text, end)
        rest = document.text[comma:after]
        return start, after if path in document.blocks else comma + len(rest) - len(rest.lstrip()), ""
    if path in document.blocks:
        return *document.spans[path], "[]"
    return start, _behind_comma(document.text, end), ""


def put_behind(document: Document, path: Path, key: str, value: str) -> Edit:
    """Put a member, as it is written, behind another member."""
    end = document.spans[path][1]
    return end, end, between(document, path[:-1]) + member(document, path[:-1], key, value)


def between(document: Document, holder: Path) -> str:
    """What stands between two members."""
    return document.blocks.get(holder, ", ")


def member(document: Document, holder: Path, key: str, value: str) -> str:
    """A key and its value, as they are written there."""
    quoted = written(key) if document.assign == ": " and holder not in document.blocks else key
    return quoted + document.assign + value


def cut(document: Document, path: Path) -> list[Edit]:
    """Take a member out of an object, or an item out of a list, comments around it left alone."""
    text, holder = document.text, path[:-1]
    start, end = document.keys[path], document.spans[path][1]
    members = [(*holder, key) for key in _members(document, holder)]
    members = [member for member in members if member in document.keys and member in document.spans]
    places = sorted(document.keys[member] for member in members)
    ends = sorted(document.spans[member][1] for member in members)
    here = places.index(start)
    before = ends[here - 1] if here else None
    behind = places[here + 1] if here + 1 < len(places) else None
    if before is not None and not text[before:start].strip(" \t\r\n,-"):
        return [(before, end, "")]
    if behind is not None and not text[end:behind].strip(" \t\r\n,-"):
        return [(start, behind, "")]
    if before is None and behind is None:
        return [_emptied(document, holder, start, end)]
    comma = _behind_comma(text, end)
    if comma > end or before is None or holder in document.blocks:
        return [(start, comma, "")]
    lonely = _behind_comma(text, before)
    return [(start, end, ""), (lonely - 1, lonely, "")]


def _members(document: Document, holder: Path) -> list[str] | list[int]:
    """The keys of an object, or the numbers of a list's items."""
    held = at(document.value, holder)
    return list(range(len(as_list(held) or []))) if as_object(held) is None else list(as_object(held) or {})


def _emptied(document: Document, holder: Path, start: int, end: int) -> Edit:
    """Take out the only member; nothing is left between the brackets unless there are comments."""
    first, last = document.spans[holder]
    if holder in document.blocks:
        return first, last, "[]" if isinstance(at(document.value, holder), list) else "{}"
    comma = _behind_comma(document.text, end)
    blank = not (document.text[first + 1 : start] + document.text[comma : last - 1]).strip()
    return (first + 1, last - 1, "") if blank else (start, comma, "")


def add(document: Document, holder: Path, key: str | None, value: Any) -> Edit:
    """Put a member first into an object, or an item first into a list (`key` None), in the layout that is there."""
    text = document.text
    start = document.spans[holder][0]
    if (gap := document.blocks.get(holder)) is not None:
        inner = gap.removesuffix("- ") + ("  " if gap.endswith("- ") else "")
        put = _lines(value, inner) if key is None else _lines({key: value}, inner)
        return start, start, (("- " + put) if key is None else put) + gap.removesuffix("- ")
    name = "" if key is None else f"{written(key)}: "
    if members := _members(document, holder):
        first = document.keys[*holder, members[0]]
        gap = text[start + 1 : first]
        gap = gap if not gap.strip() else "\n" + " " * (first - text.rfind("\n", 0, first) - 1)
        return first, first, name + _indented(value, gap) + "," + (gap or " ")
    line = text[text.rfind("\n", 0, start) + 1 : start]
    outer = _newline(text) + line[: len(line) - len(line.lstrip())]
    return start + 1, start + 1, f"{outer}  {name}{_indented(value, outer + '  ')}{outer}"


def _indented(value: Any, gap: str) -> str:
    if "\n" not in gap:
        return written(value)
    return json.dumps(value, indent=2, ensure_ascii=False).replace("\n", gap)


def _lines(value: Mapping[str, Any], between: str) -> str:
    """An object as YAML writes it, a line a member."""
    lines: list[str] = []
    for key, inner in value.items():
        name = key if _PLAIN.fullmatch(key) else written(key)
        nested = as_object(inner)
        lines.append(f"{name}:{between}  {_lines(nested, between + '  ')}" if nested else f"{name}: {written(inner)}")
    return between.join(lines)


def block(value: Mapping[str, Any], text: str) -> str:
    """A whole YAML document of one object, with the line ends of a text."""
    return _lines(value, _newline(text)) + _newline(text)


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _behind_comma(text: str, pos: int) -> int:
    """The offset behind the next comma, where only comments are before it; else the same offset."""
    found = _COMMENTS.match(text, pos)
    comma = found.end() if found else pos
    return comma + 1 if text[comma : comma + 1] == "," else pos
