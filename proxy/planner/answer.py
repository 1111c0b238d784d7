"""Which part of a result can be the answer: what the call was not given itself. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from proxy.repair.view.units import same_unit
from proxy.repair.view.values import join, paths
from schemas.catalog import Json, canonical, same_numbers
from schemas.plan import walk
from schemas.trial import StepRun


def news(run: StepRun) -> Iterator[str]:
    """The paths of the single values in a result that repeat no argument of the call."""
    given = [value for _, value in walk(run.arguments) if not isinstance(value, dict | list)]
    for parts, value in [(list[str](), run.value), *paths(run.value)]:
        single = not isinstance(value, dict | list) and value is not None and value != ""
        if single and not any(_echoes(value, each) for each in given):
            yield join(parts)


def _echoes(value: Json, given: Json) -> bool:
    """Tell whether a value is one that was given, or the same unit."""
    if isinstance(value, str) and isinstance(given, str) and same_unit(value, given):
        return True
    return canonical(same_numbers(value)) == canonical(same_numbers(given))
