"""Write upstreams as TOML tables, to be appended to a configuration. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, cast

_BARE = re.compile(r"[A-Za-z0-9_-]+\Z")


def upstream_table(name: str, upstream: Mapping[str, Any], remark: str = "") -> str:
    """One `[upstreams.NAME]` table, a remark above it."""
    lines = [f"# {remark}"] if remark else []
    lines += [f"[upstreams.{_key(name)}]", *(f"{_key(key)} = {_value(value)}" for key, value in upstream.items())]
    return "\n".join(lines) + "\n"


def _key(name: str) -> str:
    return name if _BARE.match(name) else _text(name)


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        items = cast("Mapping[str, Any]", value).items()
        return "{" + ", ".join(f"{_key(key)} = {_value(inner)}" for key, inner in items) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_value(inner) for inner in cast("list[Any]", value)) + "]"
    return _text(value) if isinstance(value, str) else json.dumps(value)


def _text(text: str) -> str:
    """A basic string; TOML wants DEL escaped, which JSON leaves."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
