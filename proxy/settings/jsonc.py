"""Read JSON as editors write it: comments, trailing commas, a byte order mark; remember where each key stands.

Knows nothing of configurations.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Path = tuple[str | int, ...]
"""Keys and indexes from the outside in."""

_BLANK = re.compile(r"(?:\s+|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_SCALARS = json.JSONDecoder()
_DEEPEST = 200
"""Nesting that no configuration has; deeper text would exhaust the interpreter's stack."""


class TextError(ValueError):
    """The text is not JSON; `line` counts from 1."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True)
class Document:
    """The one value of a text, and where it stands in it.

    `lines` holds the line of every key and item, `spans` the offsets of every value, `keys` those where a key begins.
    Of a repeated key the last one holds; `repeated` names them. `blocks` are the objects and lists that have a line
    for each member instead of brackets, with what stands between two members; `assign` stands behind a key.
    """

    text: str
    value: Any
    lines: Mapping[Path, int]
    spans: Mapping[Path, tuple[int, int]]
    keys: Mapping[Path, int]
    repeated: tuple[Path, ...] = ()
    blocks: Mapping[Path, str] = field(default_factory=dict[Path, str])
    assign: str = ": "


def parse(text: str) -> Document:
    """Read a text, a byte order mark before it left out; raises `TextError`."""
    reader = _Reader(text.removeprefix("\ufeff"))
    value = reader.value((), reader.blank(0))
    end = reader.blank(reader.end)
    if end < len(reader.text):
        raise reader.fault("nothing may follow the closing bracket", end)
    return Document(reader.text, value, reader.lines, reader.spans, reader.keys, tuple(reader.repeated))


@dataclass
class _Reader:
    text: str
    end: int = 0
    lines: dict[Path, int] = field(default_factory=dict[Path, int])
    spans: dict[Path, tuple[int, int]] = field(default_factory=dict[Path, tuple[int, int]])
    keys: dict[Path, int] = field(default_factory=dict[Path, int])
    repeated: list[Path] = field(default_factory=list[Path])
    breaks: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.breaks = [found.start() for found in re.finditer("\n", self.text)]

    def value(self, at: Path, pos: int) -> Any:
        """Read the value that begins at `pos`; `end` is then behind it."""
        value = self._value(at, pos)
        self.spans[at] = (pos, self.end)
        return value

    def _value(self, at: Path, pos: int) -> Any:
        if len(at) > _DEEPEST:
            raise self.fault("nested too deeply", pos)
        self.lines.setdefault(at, self.line(pos))
        opening = self.text[pos : pos + 1]
        if opening == "{":
            return self._object(at, pos + 1)
        if opening == "[":
            return self._array(at, pos + 1)
        return self._scalar(pos)

    def _object(self, at: Path, pos: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while (pos := self.blank(pos)) < len(self.text) and self.text[pos] != "}":
            if self.text[pos] != '"':
                raise self.fault('expected a key in "double quotes"', pos)
            key = self._scalar(pos)
            if key in found:
                self.repeated.append((*at, key))
            self.lines[*at, key], self.keys[*at, key] = self.line(pos), pos
            pos = self.blank(self.end)
            if self.text[pos : pos + 1] != ":":
                raise self.fault(f'expected ":" after the key "{key}"', pos)
            found[key] = self.value((*at, key), self.blank(pos + 1))
            pos = self._separator("}")
        return self._closed(found, pos, "}")

    def _array(self, at: Path, pos: int) -> list[Any]:
        found: list[Any] = []
        while (pos := self.blank(pos)) < len(self.text) and self.text[pos] != "]":
            found.append(self.value((*at, len(found)), pos))
            pos = self._separator("]")
        return self._closed(found, pos, "]")

    def _scalar(self, pos: int) -> Any:
        try:
            value, self.end = _SCALARS.raw_decode(self.text, pos)
        except json.JSONDecodeError as error:
            what = error.msg if error.msg != "Expecting value" else f"expected a value, found {self._seen(pos)}"
            raise self.fault(what, error.pos) from None
        return value

    def _separator(self, closing: str) -> int:
        pos = self.blank(self.end)
        seen = self.text[pos : pos + 1]
        if seen == ",":
            return pos + 1
        if seen not in {closing, ""}:
            raise self.fault(f'expected "," or "{closing}", found {self._seen(pos)}', pos)
        return pos

    def _closed(self, value: Any, pos: int, closing: str) -> Any:
        if pos >= len(self.text):
            raise self.fault(f'the text ends before the closing "{closing}"', pos)
        self.end = pos + 1
        return value

    def blank(self, pos: int) -> int:
        """Skip white space and comments."""
        match = _BLANK.match(self.text, pos)
        return match.end() if match else pos

    def line(self, pos: int) -> int:
        """Line of a position, from 1."""
        return bisect_left(self.breaks, pos) + 1

    def fault(self, message: str, pos: int) -> TextError:
        """The error to raise for a position."""
        return TextError(message, self.line(min(pos, len(self.text))))

    def _seen(self, pos: int) -> str:
        return repr(self.text[pos : pos + 12].split("\n")[0]) if pos < len(self.text) else "the end"
