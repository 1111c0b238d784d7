"""A refused name, or the parts of a path, that look like what the upstream itself has written otherwise.

Spellings are taken from what the same upstream returned, and only where it returned one alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from proxy.repair.rule import TEXT, Example, Offer, Other, Rule, Tier
from proxy.repair.view.coerce import short
from proxy.repair.view.lookalikes import LONGEST, looks, names
from proxy.repair.view.step import StepView
from proxy.repair.view.values import MISSING, paths
from schemas.catalog import Json
from schemas.edit import CoerceArgument, Confidence
from schemas.problem import Refused


def propose(problem: Refused, here: StepView) -> Iterator[Offer]:
    """Write a refused name, or the parts of a path, as the upstream itself has written what looks the same."""
    wanted = {name: value for name in here.blamed if _short(value := here.written[name])}
    spellings = _spellings(here) if wanted else {}
    for name, value in wanted.items():
        parts = [value] if looks(value) in spellings else re.split(r"([/\\])", value)
        written = "".join(_as_seen(part, spellings) for part in parts)
        if written != value:
            evidence = f"{short(value)} looks like what was returned before as {short(ascii(written))}"
            yield Offer((CoerceArgument(here.step.id, (name,), written),), evidence, Confidence.EVIDENT, 0.9)


def _short(value: Json) -> bool:
    return isinstance(value, str) and 1 < len(value) <= LONGEST


def _as_seen(part: str, spellings: dict[str, set[str]]) -> str:
    seen = spellings.get(looks(part), set[str]()) if len(part) > 1 else set[str]()
    return next(iter(seen)) if len(seen) == 1 else part


def _spellings(here: StepView) -> dict[str, set[str]]:
    """The form of every name that the upstream of this step has returned, to how it was written."""
    found: dict[str, set[str]] = {}
    for value in _returned(here):
        texts = [value, *(inner for _, inner in paths(value))]
        for name in (name for text in texts if isinstance(text, str) for name in names(text)):
            if len(name) <= LONGEST:
                found.setdefault(looks(name), set()).add(name)
    return found


def _returned(here: StepView) -> Iterator[Json]:
    yield from (seen.value for seen in here.session)
    for step in here.earlier:
        if step.server == here.step.server and (value := here.evidence.value(step.id)) is not MISSING:
            yield value


_TAKES = {"path": TEXT}
_LISTED = (Other("list", {"files": ["notes\u202f2031.txt"]}),)
RULE = Rule(
    "seen_spelling",
    (Refused,),
    Tier.ALIKE,
    propose,
    (
        Example(
            _TAKES,
            {"path": "/home/notes 2031.txt"},
            {"path": "/home/notes\u202f2031.txt"},
            before=_LISTED,
            refused="path: no such file",
        ),
        Example(_TAKES, {"path": "/home/notes 2032.txt"}, before=_LISTED, refused="path: no such file"),
    ),
)
