"""Arguments, results and messages as they may stand in a span: without secrets, and cut. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from proxy.repair.view.shown import json_text
from schemas.catalog import as_list, as_object

LONGEST = 20_000
"""Characters of arguments or a result."""
SHORT = 4
"""Texts of fewer characters are not looked for inside others."""
REDACTED = "[redacted]"

Hide = Callable[[Any], Any]


class Content:
    """What one call says; what stands under a secret's name in its arguments is a secret in its reply too."""

    def __init__(self, hide: Hide, arguments: Any) -> None:
        self._hide = hide
        self._arguments = hide(arguments)
        self._secrets = sorted(set(_taken_out(arguments, self._arguments)), key=len, reverse=True)

    @property
    def arguments(self) -> str:
        """The arguments as JSON."""
        return json_text(self._arguments)[:LONGEST]

    def of(self, said: Any) -> str:
        """A result as JSON, or a message as it is."""
        hidden = self._hide(said)
        text = hidden if isinstance(hidden, str) else json_text(hidden)
        for secret in self._secrets:
            text = text.replace(secret, REDACTED).replace(json_text(secret)[1:-1], REDACTED)
        return text[:LONGEST]


def _taken_out(value: Any, hidden: Any) -> Iterator[str]:
    """The texts that redaction took out of a value."""
    fields, left, items = as_object(value), as_object(hidden), as_list(value)
    if hidden == REDACTED:
        yield from _texts(value)
    elif fields is not None and left is not None:
        for key, inner in fields.items():
            yield from _taken_out(inner, left.get(key))
    elif items is not None:
        for inner, kept in zip(items, as_list(hidden) or (), strict=False):
            yield from _taken_out(inner, kept)


def _texts(value: Any) -> Iterator[str]:
    fields, items = as_object(value), as_list(value)
    if isinstance(value, str) and len(value) >= SHORT:
        yield value
    for inner in (fields or {}).values() if fields is not None else items or ():
        yield from _texts(inner)
