"""JSON and text that can be printed anywhere: nothing in it steers a terminal, is hidden or turned around. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from proxy.repair.view.shown import shown

_PERHAPS = re.compile(r"[^\n\x20-\x7e]")


def json_text(value: Any, *, indent: int | None = None, default: Callable[[Any], Any] | None = None) -> str:
    """A value as JSON that reads back the same, with escapes for what is not printable; letters stay letters."""
    return _PERHAPS.sub(_escaped, json.dumps(value, ensure_ascii=False, indent=indent, default=default))


def _escaped(match: re.Match[str]) -> str:
    if match[0].isprintable():
        return match[0]
    units = match[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))


def one_line(text: str) -> str:
    """A foreign text as one line that a terminal only shows."""
    return whole(" ".join(shown(text).splitlines()))


def whole(text: str) -> str:
    """A text that can be encoded: lone surrogates are escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
