"""An id, path or name that a client's single call got nearly right."""

from __future__ import annotations

from collections.abc import Iterator

from proxy.repair.rule import TEXT, Example, Offer, Rule, Tier
from proxy.repair.view.choices import choose
from proxy.repair.view.step import StepView
from proxy.repair.view.values import paths
from schemas.edit import Confidence, SetArgument
from schemas.problem import Refused, SilentFailure


def propose(problem: Refused | SilentFailure, here: StepView) -> Iterator[Offer]:
    """Exchange an id, path or name that no result of the session ever held for the one near value that one did hold."""
    if not here.evidence.single:
        return
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


_TAKES = {"ticket_id": TEXT}
RULE = Rule(
    "near_session_value",
    (Refused, SilentFailure),
    Tier.ELSEWHERE,
    propose,
    (
        Example(
            _TAKES,
            {"ticket_id": "roof-tickt"},
            {"ticket_id": "roof-ticket"},
            session=({"tickets": ["roof-ticket", "T-7"]},),
            refused="no ticket 'roof-tickt'",
        ),
        Example(
            _TAKES, {"ticket_id": "invoice-3"}, session=({"tickets": ["ticket-1042"]},), refused="no ticket 'invoice-3'"
        ),
    ),
)
