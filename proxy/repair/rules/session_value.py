"""A value of a client's single call that an earlier result of its session holds: left out, or nearly right."""

from __future__ import annotations

from collections.abc import Iterator

from proxy.repair.rule import TEXT, Example, Offer, Rule, Tier
from proxy.repair.view.choices import choose
from proxy.repair.view.coerce import short
from proxy.repair.view.schema import fits
from proxy.repair.view.step import StepView
from proxy.repair.view.values import paths
from proxy.repair.view.words import likeness
from schemas.edit import Confidence, SetArgument
from schemas.problem import MissingArgument, Refused, SilentFailure

NAMED = 0.9
"""Likeness from which the name of a value is that of the argument."""


def propose(problem: MissingArgument | Refused | SilentFailure, here: StepView) -> Iterator[Offer]:
    """Take the one value of a missing argument's name that the session's earlier calls returned.

    A refused id, path or name that no result held is exchanged for the one near value that one did hold.
    """
    if here.evidence.single:
        yield from _of_its_name(problem, here) if isinstance(problem, MissingArgument) else _near(here)


def _of_its_name(problem: MissingArgument, here: StepView) -> Iterator[Offer]:
    schema = here.schema_at(problem.at)
    found = {
        str(value): (value, seen.tool)
        for seen in here.session
        for parts, value in paths(seen.value)
        if (last := next((part for part in reversed(parts) if not part.isdigit()), ""))
        and likeness(last, str(problem.at[-1])) >= NAMED
        and not isinstance(value, dict | list)
        and fits(schema, value)
    }
    if len(found) == 1:
        value, tool = next(iter(found.values()))
        evidence = f"{tool!r} returned {short(value)} under that name"
        yield Offer((SetArgument(here.step.id, problem.at, value),), evidence, Confidence.GUESS, 0.7)


def _near(here: StepView) -> Iterator[Offer]:
    known: dict[str, str] = {}
    for seen in here.session:
        known |= {value: seen.tool for _, value in paths(seen.value) if isinstance(value, str) and 2 < len(value) < 200}
    for name in here.blamed:
        value = here.written[name]
        if not isinstance(value, str) or value in known or len(value) < 3:
            continue
        for option in choose(value, tuple(known)):
            tool = known[str(option.value)]
            evidence = f"no result of this session held {value!r}; {tool!r} returned {option.value!r}"
            yield Offer((SetArgument(here.step.id, (name,), option.value),), evidence, Confidence.GUESS, 0.6)


_ID, _NOTE = {"ticket_id": TEXT}, {"ticket_id": TEXT, "text": TEXT}
_HELD = ({"tickets": ["roof-ticket", "T-7"]},)
RULE = Rule(
    "session_value",
    (MissingArgument, Refused, SilentFailure),
    Tier.ELSEWHERE,
    propose,
    (
        Example(_NOTE, {"text": "done"}, {"text": "done", "ticket_id": "T-7"}, session=({"ticket_id": "T-7"},)),
        Example(
            _ID, {"ticket_id": "roof-tickt"}, {"ticket_id": "roof-ticket"}, session=_HELD, refused="no 'roof-tickt'"
        ),
        Example(_NOTE, {"text": "done"}, session=([{"ticket_id": "T-7"}, {"ticket_id": "T-8"}],)),
        Example(_ID, {"ticket_id": "invoice-3"}, session=_HELD, refused="no ticket 'invoice-3'"),
    ),
)
