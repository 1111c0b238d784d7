"""Write effect classes of tools into a TOML configuration, comments and layout kept. Pure."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any, cast

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import InlineTable

from proxy.settings.state import literally
from schemas.catalog import Effect

Chosen = Mapping[str, Mapping[str, Effect]]
"""Server to tool name to class."""


def with_classes(text: str, chosen: Chosen) -> str | None:
    """The text with these classes under `upstreams.NAME.tools.effects`.

    None where it could not be written so that nothing else is read from it than before.
    """
    try:
        document = cast("Any", tomlkit.parse(text))
        for server, tools in chosen.items():
            table = _at(_at(document["upstreams"][server], "tools"), "effects")
            for name, effect in tools.items():
                table[literally(name)] = effect.value
        written = tomlkit.dumps(document)
        return written if tomllib.loads(written) == _expected(tomllib.loads(text), chosen) else None
    except (TOMLKitError, tomllib.TOMLDecodeError, KeyError, TypeError, ValueError):
        return None


def _at(table: Any, key: str) -> Any:
    """The table under a key, made where there is none."""
    if key not in table:
        table[key] = tomlkit.inline_table() if isinstance(table, InlineTable) else tomlkit.table()
    return table[key]


def _expected(data: dict[str, Any], chosen: Chosen) -> dict[str, Any]:
    for server, tools in chosen.items():
        effects = data["upstreams"][server].setdefault("tools", {}).setdefault("effects", {})
        effects.update({literally(name): effect.value for name, effect in tools.items()})
    return data
