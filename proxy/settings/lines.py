"""Read TOML or JSON text into data and find the line on which a key stands.

Knows nothing of what the keys mean.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from proxy.settings.jsonc import Path, TextError, parse

_HEADER = re.compile(r"^\s*\[(?!\[)([^\]\n]+)\]")
_ARRAY = re.compile(r"^\s*\[\[([^\]\n]+)\]\]")
_KEY = re.compile(
    r"""^\s*((?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*'))*)\s*="""
)
_TOML_POSITION = re.compile(r"\s*\(at (?:line (\d+), column \d+|end of document)\)$")


@dataclass(frozen=True)
class Text:
    """A configuration file as read: its data, and where each key stands."""

    name: str
    data: Mapping[str, Any]
    toml: bool
    lines: Mapping[Path, int] = field(default_factory=dict[Path, int])

    def line(self, path: Path) -> int | None:
        """The line of a key, else of the nearest table around it; None where nothing is known."""
        for length in range(len(path), 0, -1):
            if (found := self.lines.get(path[:length])) is not None:
                return found
        return None


def read_text(name: str, text: str, *, toml: bool) -> Text:
    """Read a file's text; raises `TextError` with the line where it breaks."""
    text = text.removeprefix("\ufeff")
    if toml:
        return Text(name, _toml(text), toml=True, lines=_toml_lines(text))
    document = parse(text if text.strip() else "{}")
    data: Any = document.value
    if not isinstance(data, dict):
        raise TextError("expected an object: { ... }", 1)
    return Text(name, cast("dict[str, Any]", data), toml=False, lines=document.lines)


def _toml(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = _TOML_POSITION.search(str(error))
        line = int(place[1]) if place and place[1] else text.count("\n") + 1
        raise TextError(_TOML_POSITION.sub("", str(error)), line) from None


def _toml_lines(text: str) -> dict[Path, int]:
    """Lines of table headers and keys; keys of inline tables are found by the key that holds the table."""
    found: dict[Path, int] = {}
    table: Path = ()
    for number, line in enumerate(text.splitlines(), 1):
        header = _ARRAY.match(line) or _HEADER.match(line)
        key = None if header else _KEY.match(line)
        if header:
            table = _dotted(header[1])
            found.setdefault(table, number)
        elif key:
            found.setdefault((*table, *_dotted(key[1])), number)
    return found


def _dotted(key: str) -> Path:
    """Split a TOML key at its dots, quotes understood."""
    try:
        value: Any = tomllib.loads(f"{key} = 0")
    except tomllib.TOMLDecodeError:
        return (key,)
    path: list[str] = []
    while isinstance(value, dict):
        name, value = next(iter(cast("dict[str, Any]", value).items()))
        path.append(name)
    return tuple(path)
