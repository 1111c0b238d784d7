"""Results as values, paths into them, and references resolved against them.

Pure. Knows nothing of tools or schemas; a path that leads nowhere is an answer (`MISSING`), not an exception.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from schemas.catalog import DEEPEST, Json, as_list, as_object, canonical, too_deep
from schemas.plan import INTERPOLATION, Location, Ref, as_ref, is_ref


class _Missing:
    """The one value that stands for "nothing there"; None is a JSON value."""

    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False


MISSING: Final = _Missing()

AROUND = frozenset("output outputs result results response data value".split())
"""Names that plan languages put between a step and the path into its result."""

LONGEST_TEXT = 250_000
"""Characters up to which a text grows by the values filled into it."""
LARGEST = 16_000_000
"""Characters that the arguments of a call, or the output of a plan, may come to, roughly counted."""

MAX_PATHS = 2000
"""Paths looked at inside one result: enough for a page of records, small enough for milliseconds."""


UNREAD = f"(a value nested deeper than {DEEPEST} levels, which is passed on but not read)"


def text_of(result: Mapping[str, Any]) -> str:
    """The text blocks of a tool result, joined by newlines."""
    blocks = [as_object(block) or {} for block in as_list(result.get("content")) or []]
    texts = (block.get("text") for block in blocks)
    return "\n".join(text for text in texts if isinstance(text, str))


def value_of(result: Mapping[str, Any]) -> Json:
    """What references into a result see: `structuredContent`, else the JSON of its text, else the raw text."""
    structured = result.get("structuredContent")
    if structured is not None:
        return UNREAD if too_deep(structured) else structured
    text = text_of(result)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return text if too_deep(value) else value


def segments(path: str) -> list[str]:
    """Split a dot path or JSON Pointer; `a[0].b` reads as `a.0.b`."""
    if path.startswith("/"):
        return [part.replace("~1", "/").replace("~0", "~") for part in path[1:].split("/")]
    return [part for part in re.sub(r"\[\s*(-?\d+)\s*\]", r".\1", path).split(".") if part]


def at(value: Json, path: str) -> Json:
    """The value at a path, `MISSING` where there is none; the whole path is tried as one literal key first."""
    if path == "":
        return value
    keys = as_object(value)
    if keys is not None and path in keys:
        return keys[path]
    return _follow(value, segments(path))


def _follow(value: Json, parts: list[str]) -> Json:
    for position, part in enumerate(parts):
        items = as_list(value)
        if part == "*" and items is not None:
            found = [_follow(item, parts[position + 1 :]) for item in items]
            return MISSING if any(item is MISSING for item in found) else found
        value = _child(value, part)
        if value is MISSING:
            return MISSING
    return value


def _child(value: Json, part: str) -> Json:
    keys, items = as_object(value), as_list(value)
    if keys is not None:
        return keys.get(part, MISSING)
    if items is None or not re.fullmatch(r"-?\d{1,9}", part):
        return MISSING
    return items[int(part)] if -len(items) <= int(part) < len(items) else MISSING


def join(parts: list[str]) -> str:
    """Write path segments as a dot path, or as a JSON Pointer where a segment holds a dot or is empty."""
    if any("." in part or part == "" or part.startswith("/") for part in parts):
        return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)
    return ".".join(parts)


def paths(value: Json) -> Iterator[tuple[list[str], Json]]:
    """Yield every path inside a value with what stands there, shallow before deep, at most `MAX_PATHS`."""
    queue: list[tuple[list[str], Json]] = [([], value)]
    seen = 0
    while queue and seen < MAX_PATHS:
        parts, inner = queue.pop(0)
        if parts:
            seen += 1
            yield parts, inner
        queue.extend(([*parts, key], item) for key, item in (as_object(inner) or {}).items())
        queue.extend(([*parts, str(index)], item) for index, item in enumerate(as_list(inner) or []))


@dataclass(frozen=True)
class Unresolved:
    """A reference that could not be resolved: its step gave no result, or the path leads nowhere."""

    at: Location
    ref: Ref
    ran: bool
    too_long: bool = False
    """Whether the text around it would grow beyond `LONGEST_TEXT`."""


Lookup = Mapping[str, Json]
"""Every step id of the plan to its value, `MISSING` while it has none."""


def mapped(value: Json, change: Callable[[Json, Location], Json], where: Location = ()) -> Json:
    """A copy of a value in which `change` had each inner value, outermost first; what it changed is not gone into."""
    changed = change(value, where)
    if changed is not value or is_ref(value) or len(where) >= DEEPEST:
        return changed
    keys, items = as_object(value), as_list(value)
    if keys is not None:
        return {key: mapped(inner, change, (*where, key)) for key, inner in keys.items()}
    return [mapped(item, change, (*where, at)) for at, item in enumerate(items)] if items is not None else value


def resolve(value: Json, lookup: Lookup) -> tuple[Json, list[Unresolved]]:
    """Replace every reference inside a value by what it points at; what failed is listed and stays `MISSING`."""
    failed: list[Unresolved] = []

    def fill(inner: Json, where: Location) -> Json:
        ref = as_ref(inner)
        if ref is not None:
            inner, missing = _resolved(ref, lookup, where)
        elif isinstance(inner, str) and "{{" in inner:
            inner, missing = _interpolated(inner, lookup, where)
        else:
            return inner
        failed.extend(missing)
        return inner

    return mapped(value, fill), failed


def _resolved(ref: Ref, lookup: Lookup, where: Location) -> tuple[Json, list[Unresolved]]:
    base = lookup.get(ref.step, MISSING)
    found = MISSING if base is MISSING else at(base, ref.path)
    return found, [Unresolved(where, ref, ran=base is not MISSING)] if found is MISSING else []


def _interpolated(text: str, lookup: Lookup, where: Location) -> tuple[Json, list[Unresolved]]:
    failed: list[Unresolved] = []
    length = len(text)

    def fill(match: re.Match[str]) -> str:
        nonlocal length
        ref = Ref(match[1], match[2] or "")
        if ref.step not in lookup or (failed and failed[-1].too_long):
            return match[0]
        found, missing = _resolved(ref, lookup, where)
        failed.extend(missing)
        written = match[0] if missing else as_text(lone_result(found))
        length += len(written)
        if length > LONGEST_TEXT:
            failed.append(Unresolved(where, ref, ran=True, too_long=True))
        return written

    filled = INTERPOLATION.sub(fill, text)
    return (MISSING if failed and failed[-1].too_long else filled), failed


def as_text(value: Json) -> str:
    """Write a value inside a sentence: text as it is, anything else as JSON."""
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except RecursionError:
        return canonical(value)


def lone_result(value: Json) -> Json:
    """Take x out of a lone `{"result": x}`, the wrapper that servers put around a value that is no object."""
    keys = as_object(value)
    return keys["result"] if keys is not None and set(keys) == {"result"} else value


def larger(value: Json, limit: int = LARGEST) -> bool:
    """Tell whether a value comes to more than so many characters when it is written; stops counting there."""
    front, size = [value], 0
    while front and size <= limit:
        inner = front.pop()
        keys, items = as_object(inner), as_list(inner)
        if keys is not None:
            size += sum(len(key) + 4 for key in keys)
            front.extend(keys.values())
        elif items is not None:
            size += 2 * len(items)
            front.extend(items)
        else:
            size += len(inner) if isinstance(inner, str) else 8
    return size > limit


def inside(container: Json, where: Location) -> Json:
    """The value at a location of arguments, `MISSING` where there is none."""
    return _follow(container, [str(part) for part in where])


def replaced(container: Json, where: Location, value: Json) -> Json:
    """A copy of arguments with one value exchanged or added; `MISSING` as the value removes it."""
    if not where:
        return value
    head, rest = where[0], where[1:]
    listed = as_list(container)
    if listed is not None and isinstance(head, int):
        items = list(listed)
        items[head] = replaced(items[head], rest, value)
        return [item for item in items if item is not MISSING]
    keys = dict(as_object(container) or {})
    inner = replaced(keys.get(str(head), {}), rest, value)
    if inner is MISSING:
        keys.pop(str(head), None)
    else:
        keys[str(head)] = inner
    return keys


def pointer(where: Location) -> str:
    """A location as JSON Pointer."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in where)


def is_number(value: Json) -> bool:
    """Tell whether a JSON value is a number; a truth value is none."""
    return isinstance(value, int | float) and not isinstance(value, bool)
