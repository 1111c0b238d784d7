"""How clients write their servers: under which keys, and how an entry says what to start. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from proxy.settings.edits import at, written
from proxy.settings.errors import dotted
from proxy.settings.jsonc import Document, Path, TextError
from schemas.catalog import as_list, as_object

ANY = "*"
"""In the path of a table of servers: every key."""


@dataclass(frozen=True)
class Shape:
    """Where in an entry the program stands, and where its arguments; without `args` one list holds both."""

    command: Path = ("command",)
    args: Path | None = ("args",)

    def line(self, entry: Mapping[str, Any]) -> list[str] | None:
        """The command line of an entry, None where it is not of this shape."""
        command = at(entry, self.command)
        if self.args is None:
            words = as_list(command)
            return [str(word) for word in words] if words and isinstance(words[0], str) else None
        args = at(entry, self.args)
        words = as_list([] if args is None else args)
        return [command, *map(str, words)] if isinstance(command, str) and words is not None else None

    def entry(self, line: Sequence[str]) -> dict[str, Any]:
        """A new entry that starts a command line."""
        if self.args is None:
            return {str(self.command[0]): list(line)}
        return {str(self.command[0]): line[0], str(self.args[0]): list(line[1:])}


USUAL = Shape()
CMD = Shape(command=("cmd",))
NESTED = Shape(command=("command", "path"), args=("command", "args"))
WORDS = Shape(args=None)
SHAPES = (USUAL, CMD, NESTED, WORDS)
"""Every way of saying what to start, in the order in which they are tried."""


@dataclass(frozen=True)
class Far:
    """How a client writes a remote server: the key of its address, and its type and that of a local one."""

    address: str = "url"
    type: str = "http"
    local: str = "stdio"


ADDRESSES = ("url", "serverUrl", "httpUrl", "uri")
"""Keys that hold the address of a remote server."""
TYPES = ("type", "transport", "transportType")
"""Keys that say whether a server is remote."""


@dataclass(frozen=True)
class Place:
    """One entry of a client's file: where it stands, its name, and what it says."""

    path: Path
    name: str
    entry: Mapping[str, Any]

    @property
    def shape(self) -> Shape | None:
        """The shape of the entry, None where it starts no program in a known way."""
        return next((shape for shape in SHAPES if shape.line(self.entry)), None)

    @property
    def line(self) -> list[str] | None:
        """The command line of the entry."""
        return self.shape.line(self.entry) if self.shape else None

    @property
    def address(self) -> str | None:
        """The key that holds the address of a remote server."""
        return next((key for key in ADDRESSES if isinstance(self.entry.get(key), str)), None)


def tables(document: Document, keys: Sequence[Path]) -> list[Path]:
    """The paths of the objects and lists that hold servers; raises `TextError` where something else is there."""
    if document.value is None:
        return []
    if as_object(document.value) is None:
        raise TextError("expected an object at the top of the file", 1)
    found = [path for pattern in keys for path in _matching(document.value, pattern, ())]
    for path in found:
        value = at(document.value, path)
        if as_object(value) is None and as_list(value) is None:
            line = document.lines.get(path, 1)
            raise TextError(
                f"{dotted(path)} is {written(value)}, not an object that holds servers; mend or remove it", line
            )
    found = [path for path in found if len(path) == 1 or not _is_entry(at(document.value, path))]
    return [path for path in found if not any(other[: len(path)] == path != other for other in found)]


def places(document: Document, keys: Sequence[Path]) -> list[Place]:
    """The entries of a document in their order; what is no object is no entry."""
    found: list[Place] = []
    for holder in tables(document, keys):
        held = at(document.value, holder)
        members = enumerate(as_list(held) or []) if as_object(held) is None else (as_object(held) or {}).items()
        for key, value in members:
            entry = as_object(value)
            if entry is not None:
                name = key if isinstance(key, str) else str(entry.get("name", key))
                found.append(Place((*holder, key), name, entry))
    return found


def _matching(value: Any, pattern: Path, found: Path) -> Iterator[Path]:
    if not pattern:
        yield found
        return
    held = as_object(value) or {}
    for key in held if pattern[0] == ANY else [pattern[0]]:
        if key in held:
            yield from _matching(held[str(key)], pattern[1:], (*found, key))


def _is_entry(value: Any) -> bool:
    """Tell whether this is a server that happens to be called like a table of servers."""
    return any(isinstance(at(value, (key,)), str | list) for key in ("command", "cmd", "type", *ADDRESSES))
