"""TOML: where each value stands, and tables added to a text and taken out of it, everything else as it was. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar, cast

import tomlkit
from tomlkit.exceptions import TOMLKitError

from proxy.settings.jsonc import Document, Path
from proxy.settings.lines import read_text
from schemas.catalog import as_object

Thing = TypeVar("Thing")

_MARK = '"\ue000\ue001"'
"""A text that no configuration has, as it is written."""
_PART = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')[ \t]*"""
_KEY = re.compile(rf"(?P<before>(?:{_PART}\.[ \t]*)*){_PART}=[ \t]*\Z")
"""What stands before a value: its key, and before that the tables of a dotted key."""


def parse(text: str) -> Document:
    """Read a text, a byte order mark before it left out; raises `TextError`. Only keys of plain values have a place."""
    text = text.removeprefix("\ufeff")
    read = read_text("", text, toml=True)
    places = _Places(text)
    keys = _Keys(places)
    return Document(text, read.data, read.lines, places, keys, (), _Blocks(places, keys, read.data), " = ")


class _Found(Mapping[Path, Thing]):
    """What is looked for when it is asked for, and never listed."""

    def __iter__(self) -> Iterator[Path]:
        return iter(())

    def __len__(self) -> int:
        return 0


class _Places(_Found[tuple[int, int]]):
    """Where values stand: a text keeps every character of what is read from it, so a mark put there shows the place."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __getitem__(self, path: Path) -> tuple[int, int]:
        try:
            written, marked = self._marked(path)
        except (TOMLKitError, IndexError, TypeError, AttributeError):
            raise KeyError(path) from None
        start = marked.find(_MARK)
        end = start + len(written)
        if start < 0 or marked != self.text[:start] + _MARK + self.text[end:]:
            raise KeyError(path)
        return start, end

    def _marked(self, path: Path) -> tuple[str, str]:
        """How a value is written, and the text with a mark in its place."""
        document = cast("Any", tomlkit.parse(self.text))
        holder = document
        for key in path[:-1]:
            holder = holder[key]
        written = str(holder[path[-1]].as_string())
        holder[path[-1]] = _MARK.strip('"')
        return written, tomlkit.dumps(document)


class _Keys(_Found[int]):
    """Where the keys of values begin."""

    def __init__(self, places: _Places) -> None:
        self._places = places

    def __getitem__(self, path: Path) -> int:
        return self._places[path][0] if isinstance(path[-1], int) else self.match(path).start()

    def match(self, path: Path) -> re.Match[str]:
        """What stands before a value on its line; raises `KeyError`."""
        start, text = self._places[path][0], self._places.text
        if (found := _KEY.search(text, text.rfind("\n", 0, start) + 1, start)) is None:
            raise KeyError(path)
        return found


class _Blocks(_Found[str]):
    """Tables that have a line for each key, and what stands between two: a line end, and the tables of dotted keys."""

    def __init__(self, places: _Places, keys: _Keys, data: Mapping[str, Any]) -> None:
        self._places, self._keys, self._data = places, keys, data

    def __getitem__(self, path: Path) -> str:
        held: Any = self._data
        for key in path:
            held = held[key]
        text = self._places.text
        for key in as_object(held) or {}:
            if (start := self._keys.get((*path, key))) is not None:
                before = text[text.rfind("\n", 0, start) + 1 : start]
                if not before.strip():
                    return ("\r\n" if "\r\n" in text else "\n") + before + self._keys.match((*path, key))["before"]
                break
        raise KeyError(path)


def with_table(text: str, path: Path, entry: Mapping[str, Any]) -> str:
    """The text with one more table at its end."""
    document = cast("Any", tomlkit.document())
    holder = document
    for key in path[:-1]:
        table = tomlkit.table(is_super_table=True)
        holder.add(str(key), table)
        holder = table
    holder.add(str(path[-1]), tomlkit.item(dict(entry)))
    newline = "\r\n" if "\r\n" in text else "\n"
    return text + (newline if text.strip() else "") + tomlkit.dumps(document).replace("\n", newline)


def without_table(text: str, path: Path) -> str:
    """The text without one table and those in it."""
    document = cast("Any", tomlkit.parse(text))
    holder = document
    for key in path[:-1]:
        holder = holder[key]
    entry = holder[path[-1]].unwrap()
    del holder[path[-1]]
    left = tomlkit.dumps(document)
    before = left.removesuffix("\n").removesuffix("\r")
    return before if with_table(before, path, entry) == text else left


def upstream_table(name: str, upstream: Mapping[str, Any], remark: str = "") -> str:
    """One `[upstreams.NAME]` table, a remark above it."""
    entry = tomlkit.table()
    inline: Any = tomlkit.inline_table()
    for key, value in upstream.items():
        inline[key] = value
        entry.add(key, inline[key])
    table = tomlkit.table(is_super_table=True)
    table.add(name, entry)
    written = tomlkit.dumps({"upstreams": table})
    return f"# {remark}\n{written}" if remark else written
