"""Read what the JSON reader refuses: bytes that are no UTF-8, nesting too deep, integers of too many digits.

Pure, linear in the text, and never raises. What is beyond the bounds is replaced by a sentence, so that a message can
still be answered; where nothing else can be made out, its id and method can.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass, replace
from typing import Any

DEEPEST = 128
"""Levels of nesting that are read where a message is nested too deep to be read whole."""

LONGEST = 1_000_000
"""Characters of a message that are looked through piece by piece: more would hold up every other call."""

_CONSTANT = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\Z)|-?+\b(?:NaN|Infinity)\b', re.DOTALL)
"""A text, or a number that JSON does not have and some writers write all the same."""

_INVISIBLE = "\ufeff\0 \t\r\n"
"""What some servers write before a message: a byte order mark, zero bytes, white space."""

_PIECE = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\Z)|[\[\]{}]|\d[\d.eE+-]*+', re.DOTALL)
_ID = r'(-?\d{1,18}(?:\.\d{1,18})?|"[^"\\]{0,300}")'
_HEAD = re.compile(
    rf'\{{\s*+"jsonrpc"\s*+:\s*+"2\.0"\s*+,\s*+"id"\s*+:\s*+{_ID}\s*+,'
    r'\s*+"(result|error|method)"\s*+:\s*+("[^"\\]{1,300}")?'
)
_METHOD_FIRST = re.compile(
    rf'\{{\s*+"jsonrpc"\s*+:\s*+"2\.0"\s*+,\s*+"method"\s*+:\s*+("[^"\\]{{0,300}}")\s*+(?:,\s*+"id"\s*+:\s*+{_ID})?'
)
_TAIL = re.compile(rf',\s*+"id"\s*+:\s*+{_ID}\s*+(?:,\s*+"jsonrpc"\s*+:\s*+"2\.0"\s*+)?\}}\s*+\Z')


@dataclass(frozen=True, slots=True)
class Within:
    """A text cut down to what can be read, the whole of it, and in words what was left out ("" where nothing was).

    `no_number` tells that `null` stands for a NaN or an infinity.
    """

    text: str
    whole: str
    left_out: str = ""
    no_number: bool = False


def within(data: bytes) -> Within:
    """The bytes of a message as a text that the JSON reader takes, if it is JSON at all."""
    written = data.decode(errors="replace").lstrip(_INVISIBLE)
    text = written
    if "NaN" in text or "Infinity" in text:
        text = _CONSTANT.sub(lambda found: found[0] if found[0].startswith('"') else "null", text)
    cut = Within(text, text) if len(text) > LONGEST else _shortened(text)
    return replace(cut, no_number=text != written)


def outline(text: str, why: str) -> dict[str, Any] | None:
    """The id and method of a message that cannot be read, None where neither can be made out."""
    text = text.lstrip(_INVISIBLE)
    found = _HEAD.match(text)
    if found is not None:
        named = {"method": json.loads(found[3] or '""')} if found[2] == "method" else {}
        return Unread({"jsonrpc": "2.0", "id": json.loads(found[1]), **named}, why)
    found = _METHOD_FIRST.match(text)
    if found is not None:
        asked = {"id": json.loads(found[2])} if found[2] else {}
        return Unread({"jsonrpc": "2.0", "method": json.loads(found[1]), **asked}, why)
    found = _TAIL.search(text, max(0, len(text) - 1000)) if text.startswith("{") else None
    return Unread({"jsonrpc": "2.0", "id": json.loads(found[1])}, why) if found is not None else None


class Unread(dict[str, Any]):
    """A message of which only id and method are known; `why` says what was wrong with the rest."""

    __slots__ = ("why",)

    def __init__(self, known: dict[str, Any], why: str) -> None:
        super().__init__(known)
        self.why = why


def _shortened(text: str) -> Within:
    parts: list[str] = []
    left_out: dict[str, None] = {}
    depth = kept = 0
    most = sys.get_int_max_str_digits() or len(text)
    for piece in _PIECE.finditer(text):
        first, start = piece[0][0], piece.start()
        if first in "[{":
            depth += 1
            if depth == DEEPEST + 1:
                parts.append(text[kept:start])
        elif first in "]}":
            depth -= 1
            if depth == DEEPEST:
                parts.append(_told(left_out, f"nested deeper than {DEEPEST} levels"))
                kept = piece.end()
        elif depth <= DEEPEST and first != '"' and len(piece[0]) > most and piece[0].isdecimal():
            parts.append(text[kept:start].removesuffix("-"))
            parts.append(_told(left_out, f"an integer of {len(piece[0])} digits"))
            kept = piece.end()
    return Within("".join((*parts, text[kept:])), text, "; ".join(left_out)) if left_out else Within(text, text)


def _told(left_out: dict[str, None], what: str) -> str:
    left_out[what] = None
    return f'"(not read: {what})"'
