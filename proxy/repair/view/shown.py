"""Foreign text made fit to be shown: control characters as escapes, addresses without their secrets. Pure.

What is printed steers no terminal, hides nothing and turns nothing around.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from schemas.catalog import Json, as_list, as_object

_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
"""What steers a terminal, turns the direction of writing, or is not seen; line breaks and tabs are left."""
_USER = re.compile(r"(?<=://)(?:[^\s/?#\"'<>@]*+@)+")
_QUERY = re.compile(r"([?&][^=&\s#\"'<>]{1,200}+=)[^&\s#\"'<>)]++")
_ADDRESS = re.compile(r"\b[A-Za-z][A-Za-z0-9+.-]{0,20}+://[^\s\"'<>]++")
_PERHAPS = re.compile(r"[^\n\x20-\x7e]")
"""What may be unfit for a line of JSON; printable letters stay."""
DEEPEST = 100
"""Levels of a value that are shown."""


def shown(text: str) -> str:
    """The same text with visible escapes for what a terminal would obey or hide."""
    return _UNSEEN.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def all_shown(value: Json, depth: int = 0) -> Any:
    """The same JSON value with every text and key fit for a terminal; what lies too deep is left out."""
    keys, items = as_object(value), as_list(value)
    if isinstance(value, str):
        return shown(value)
    if depth > DEEPEST and (keys or items):
        return "…"
    if keys is not None:
        return {shown(str(key)): all_shown(inner, depth + 1) for key, inner in keys.items()}
    return [all_shown(item, depth + 1) for item in items] if items is not None else value


def without_secrets(text: str) -> str:
    """The same text with every address bare of its user name, its password and the values of its query.

    Which query values are secret cannot be told from their names in every language, so that none is shown.
    """
    return _ADDRESS.sub(_bare, text) if "://" in text else text


def _bare(match: re.Match[str]) -> str:
    return _QUERY.sub(r"\1[redacted]", _USER.sub("", match[0]))


def json_text(value: Any, *, indent: int | None = None, default: Callable[[Any], Any] | None = None) -> str:
    """A value as JSON that reads back the same, with escapes for what is not printable; letters stay letters."""
    return _PERHAPS.sub(_as_json_escape, json.dumps(value, ensure_ascii=False, indent=indent, default=default))


def _as_json_escape(match: re.Match[str]) -> str:
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
