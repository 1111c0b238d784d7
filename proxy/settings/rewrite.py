"""Put mcp-mend into a client's file and take it out again, leaving every other character as it was. Pure.

What is put in is put before what is there, so that taking it out again leaves the very characters; an entry that had
no arguments is wrapped without `--`, which tells that its `args` go again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from proxy.settings import edits
from proxy.settings.documents import document
from proxy.settings.edits import Edit, at
from proxy.settings.errors import dotted
from proxy.settings.jsonc import Document, Path, TextError
from proxy.settings.selfcall import ours
from proxy.settings.shapes import TYPES, Far, Place, Shape, places, tables
from schemas.catalog import as_object

Keys = Sequence[Path]
"""The paths of the tables of servers; the first is made where there is none."""

_SIGNED = ("headers", "http_headers", "env_http_headers", "bearer_token_env_var", "oauth", "auth", "requestOptions")
"""What a client sends to a remote server so that it lets it in."""


@dataclass(frozen=True)
class Rewritten:
    """A file's new text; `changed` names the entries that are different, `left` says why others are not."""

    text: str
    changed: tuple[str, ...] = ()
    left: Mapping[str, str] = field(default_factory=dict[str, str])


def wrapped(
    name: str,
    text: str,
    keys: Keys,
    us: Sequence[str],
    *,
    only: Collection[str] = (),
    options: Sequence[str] = (),
    far: tuple[Far, Shape] | None = None,
) -> Rewritten:
    """Wrap every local server in the text of a file, or only those named; `us` is how mcp-mend is started.

    With `far`, which says how the client writes remote and local servers, remote ones too.
    """

    def one(read: Document, place: Place) -> list[Edit] | str:
        if only and place.name not in only:
            return "not asked for"
        line, shape = place.line, place.shape
        if place.address and not line:
            return _wrap_far(read, place, *far, [*us, "wrap", "--name", place.name, *options]) if far else "remote"
        if line is None or shape is None:
            return "it starts no program in a form that is known"
        if ours(line[0], line[1:]):
            return "mcp-mend is there already"
        return _wrap(read, place.path, shape, [*us, "wrap", "--name", place.name, *options])

    return _each(name, text, keys, one)


def unwrapped(name: str, text: str, keys: Keys, far: Far | None = None) -> Rewritten:
    """Take mcp-mend out: wrapped servers start by themselves again, entries that serve are removed."""
    kind = far or Far()

    def one(read: Document, place: Place) -> list[Edit] | str:
        found = ours(place.line[0], place.line[1:]) if place.line else None
        if found is None or place.shape is None or place.line is None or not (found.wrapped or found.url):
            return "not of mcp-mend"
        if found.url:
            return _unwrap_far(read, place, place.shape, kind, found.url)
        return _unwrap(read, place.path, place.shape, place.line, len(found.wrapped))

    freed = _each(name, text, keys, one)
    text, changed = freed.text, [*freed.changed]
    while (place := _serving(read := document(name, text), keys)) is not None:
        text = _without(name, read, place.path)
        changed.append(place.name)
    left = {entry: why for entry, why in freed.left.items() if entry not in changed}
    return Rewritten(text, tuple(changed), left)


def added(name: str, text: str, keys: Keys, entry: str, value: Mapping[str, Any], *, listed: bool = False) -> Rewritten:
    """Add one entry to the table of servers, which is made where there is none; one of that name stays as it is.

    `listed` is for clients whose table is a list of entries that name themselves.
    """
    read = document(name, text)
    found = tables(read, keys)
    if entry in [place.name for place in places(read, keys)]:
        return Rewritten(read.text, (), {entry: "there already"})
    if _is_toml(name):
        from proxy.settings.toml import with_table

        return _checked(name, with_table(read.text, (*(found or keys)[0], entry), value), entry)
    new: Any = [value] if listed else {entry: value}
    if found:
        key = None if isinstance(at(read.value, found[0]), list) else entry
        return _checked(name, edits.applied(read.text, [edits.add(read, found[0], key, value)]), entry)
    path = keys[0]
    there = max(length for length in range(len(path)) if length == 0 or at(read.value, path[:length]) is not None)
    for key in reversed(path[there + 1 :]):
        new = {str(key): new}
    if read.value is None:
        return _checked(name, _whole(name, read.text, {str(path[0]): new}), entry)
    if as_object(at(read.value, path[:there])) is None:
        raise TextError(f"{path[0]} is not an object; mend or remove it", read.lines.get(path[:there], 1))
    return _checked(name, edits.applied(read.text, [edits.add(read, path[:there], str(path[there]), new)]), entry)


def without(name: str, text: str, paths: Sequence[Path]) -> str:
    """Take these entries out; they are of this text, in its order."""
    for path in reversed(paths):
        text = _without(name, document(name, text), path)
    return text


def _each(name: str, text: str, keys: Keys, one: Callable[[Document, Place], list[Edit] | str]) -> Rewritten:
    read = document(name, text)
    done: list[Edit] = []
    changed: list[str] = []
    left: dict[str, str] = {}
    paths: list[Path] = []
    for place in places(read, keys):
        try:
            found = one(read, place)
        except KeyError:
            found = "it is written in a form that cannot be changed here"
        if isinstance(found, str):
            left[place.name] = found
        else:
            done += found
            changed.append(place.name)
            paths.append(place.path)
    after = edits.applied(read.text, done)
    if done and _others(read.value, paths) != _others(document(name, after).value, paths):
        said = "an alias or a merge key makes one entry of several; write them out and try again"
        raise TextError(f"{', '.join(changed)} cannot be changed alone: {said}", 1)
    return Rewritten(after, tuple(dict.fromkeys(changed)), left)


def _others(value: Any, paths: Sequence[Path]) -> Any:
    """A value without what is at these paths."""
    value = deepcopy(value)
    for path in paths:
        holder = at(value, path[:-1])
        holder[path[-1]] = None
    return value


def _wrap(read: Document, path: Path, shape: Shape, us: Sequence[str]) -> list[Edit]:
    """Our command line before that of an entry."""
    command = (*path, *shape.command)
    ahead = [edits.written(word) for word in us]
    if shape.args is None:
        return [edits.put_first(read, command, [*ahead, edits.written("--")])]
    args, program = (*path, *shape.args), edits.raw(read, command)
    put: list[Edit] = [(*read.spans[command], ahead[0])]
    if at(read.value, args) is not None:
        return [*put, edits.put_first(read, args, [*ahead[1:], edits.written("--"), program])]
    last = [edits.written("--")] if at(read.value, command).startswith("-") else []
    items = f"[{', '.join([*ahead[1:], *last, program])}]"
    if as_object(at(read.value, args[:-1])) is not None and args[-1] in at(read.value, args[:-1]):
        start, end = read.spans[args]
        return [*put, (start, end, items if end > start else f" {items}")]
    start, end, behind = edits.put_behind(read, command, str(args[-1]), items)
    return [(*read.spans[command], ahead[0] + behind)]


def _unwrap(read: Document, path: Path, shape: Shape, line: Sequence[str], kept: int) -> list[Edit]:
    """The last `kept` words of a command line without those before them."""
    command, ahead = (*path, *shape.command), len(line) - kept
    if shape.args is None:
        return [edits.cut_first(read, command, ahead)]
    args = (*path, *shape.args)
    program = edits.raw(read, (*args, ahead - 1))
    put: list[Edit] = [(*read.spans[command], program)]
    if kept == 1 and line[ahead - 1] != "--":
        return [*put, *edits.cut(read, args)]
    return [*put, edits.cut_first(read, args, ahead)]


def _wrap_far(read: Document, place: Place, far: Far, shape: Shape, us: Sequence[str]) -> list[Edit] | str:
    """A command line of ours in the place of an address."""
    if (signed := next((key for key in _SIGNED if place.entry.get(key)), None)) is not None:
        return f"remote, and its {signed} must come from its client"
    path, address = place.path, str(place.address)
    start, end = read.keys[*path, address], read.spans[*path, address][1]
    new = shape.entry([*us, "--url", str(place.entry[address])]).items()
    put = edits.between(read, path).join(edits.member(read, path, key, edits.written(value)) for key, value in new)
    return [(start, end, put), *_typed(read, place, far.local)]


def _unwrap_far(read: Document, place: Place, shape: Shape, far: Far, url: str) -> list[Edit]:
    """The address again in the place of a command line of ours."""
    command = (*place.path, *shape.command)
    start, end = read.keys[command], read.spans[command][1]
    put = edits.member(read, place.path, far.address, edits.written(url))
    typed = _typed(read, place, far.type)
    if shape.args is None:
        return [(start, end, put), *typed]
    args = (*place.path, *shape.args)
    if read.text[end : read.keys[args]].strip(" \t\r\n,"):
        return [(start, end, put), *edits.cut(read, args), *typed]
    return [(start, read.spans[args][1], put), *typed]


def _typed(read: Document, place: Place, kind: str) -> list[Edit]:
    """The type of an entry that has one."""
    return [(*read.spans[*place.path, key], edits.written(kind)) for key in TYPES if key in place.entry]


def _serving(read: Document, keys: Keys) -> Place | None:
    """An entry that starts mcp-mend and wraps no command."""
    for place in places(read, keys):
        found = ours(place.line[0], place.line[1:]) if place.line else None
        if found and not (found.wrapped or found.url):
            return place
    return None


def _without(name: str, read: Document, path: Path) -> str:
    if _is_toml(name):
        from proxy.settings.toml import without_table

        return without_table(read.text, path)
    try:
        return edits.applied(read.text, edits.cut(read, path))
    except KeyError:
        raise TextError(
            f"{dotted(path)} is written in a form that cannot be changed here; remove it by hand", 1
        ) from None


def _whole(name: str, text: str, value: Mapping[str, Any]) -> str:
    """A file that holds nothing but this, behind the comments that are there."""
    if name.lower().endswith((".yaml", ".yml")):
        return text + ("\n" if text and not text.endswith("\n") else "") + edits.block(value, text)
    return edits.applied("{}\n", [edits.add(document(name, "{}\n"), (), *next(iter(value.items())))])


def _checked(name: str, text: str, entry: str) -> Rewritten:
    document(name, text)
    return Rewritten(text, (entry,))


def _is_toml(name: str) -> bool:
    return name.lower().endswith(".toml")
