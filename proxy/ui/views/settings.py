"""The settings in force, section by section, each beside its default; nothing secret. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from proxy.repair.view.shown import all_shown, without_secrets
from proxy.store import redaction_of
from proxy.store.redact import REDACTED
from proxy.ui.views.story import short
from schemas.catalog import as_object
from schemas.config import Config

_HIDDEN = frozenset({"env", "headers"})
"""Tables of which only the names are shown: what stands in them is mostly secret, whatever it is called."""


def in_force(config: Config) -> list[dict[str, Any]]:
    """Every section with its keys: what is in force, whether that is the default, and what the key is for."""
    redaction = redaction_of(config)
    plain: Mapping[str, Any] = redaction.value(config.model_dump(mode="json"))
    sections: list[dict[str, Any]] = []
    for name in type(config).model_fields:
        if name == "upstreams":
            continue
        section: BaseModel = getattr(config, name)
        sections.append({"name": name, "keys": list(_keys(section, plain[name]))})
    for name, upstream in config.upstreams.items():
        sections.append({"name": f"upstreams.{name}", "keys": list(_keys(upstream, plain["upstreams"][name]))})
    return all_shown(sections)


def _keys(section: BaseModel, plain: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for key, field in type(section).model_fields.items():
        value = getattr(section, key)
        if isinstance(value, BaseModel):
            inner = as_object(plain[key]) or {}
            yield from ({**one, "key": f"{key}.{one['key']}"} for one in _keys(value, inner))
            continue
        default = field.get_default(call_default_factory=True)
        shown = dict.fromkeys(as_object(plain[key]) or {}, REDACTED) if key in _HIDDEN else plain[key]
        yield {
            "key": key,
            "value": without_secrets(short(shown, 300)),
            "changed": value != default,
            "default": short(default, 80),
            "about": field.description or "",
        }
