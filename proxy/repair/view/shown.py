"""Foreign text made fit to be shown: control characters as escapes, addresses without their secrets. Pure."""

from __future__ import annotations

import re
from typing import Any

from schemas.catalog import Json, as_list, as_object

_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
"""What steers a terminal, turns the direction of writing, or is not seen; line breaks and tabs are left."""
_USER = re.compile(r"(?<=://)(?:[^\s/?#\"'<>@]*+@)+")
_QUERY = re.compile(r"([?&][^=&\s#\"'<>]{1,200}+=)[^&\s#\"'<>)]++")
_ADDRESS = re.compile(r"\b[A-Za-z][A-Za-z0-9+.-]{0,20}+://[^\s\"'<>]++")
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
