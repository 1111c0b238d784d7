"""The templates, and the rows of the list, each rendered once for as long as its entry stays as it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import jinja2

from proxy.repair.view.shown import all_shown
from proxy.ui.views import filters
from proxy.ui.views.story import text_of

KEPT = 500
"""Rendered rows: those of ten pages."""


def templates() -> jinja2.Environment:
    """The page's templates, which escape what they are given, with its filters; `row` is a row of the list."""
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("proxy.ui"), autoescape=True, trim_blocks=True, lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )  # fmt: skip
    own: dict[str, Callable[..., Any]] = {
        "clock": filters.clock, "day": filters.day, "ms": filters.milliseconds, "ago": filters.ago,
        "text": text_of, "words": filters.words, "pairs": filters.pairs, "tail": filters.tail,
    }  # fmt: skip
    made.filters.update(own)
    made.filters["row"] = _rows(made.get_template("row.html"))
    return made


def _rows(template: jinja2.Template) -> Callable[[Mapping[str, Any]], str]:
    """What renders an entry of plain values; a page that follows asks for the same ones again and again."""

    @lru_cache(KEPT)
    def drawn(items: tuple[tuple[str, Any], ...]) -> str:
        return template.render(entry=all_shown(dict(items)))

    return lambda entry: drawn(tuple(entry.items()))
