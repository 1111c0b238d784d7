"""Write upstreams as TOML tables, to be appended to a configuration. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tomlkit


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
