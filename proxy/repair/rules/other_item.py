"""A missing argument beside one that reads an item of a list of two."""

from __future__ import annotations

from collections.abc import Iterator

from proxy.repair.rule import TEXT, Example, Offer, Other, Rule, Tier
from proxy.repair.view.earlier_values import fitness, ref_of, wanted_at
from proxy.repair.view.step import StepView
from proxy.repair.view.values import at, join, segments
from schemas.catalog import as_list
from schemas.edit import BindReference, Confidence
from schemas.plan import Ref
from schemas.problem import MissingArgument


def propose(problem: MissingArgument, here: StepView) -> Iterator[Offer]:
    """Of two arguments that read items of one list, let the one left out read the item that is left over."""
    wanted = wanted_at(problem.at, here)
    for name, value in here.written.items() if wanted is not None else ():
        ref = ref_of(value)
        parts = segments(ref.path) if ref is not None else []
        place = max((index for index, part in enumerate(parts) if part.isdigit()), default=0)
        step = here.plan.by_id.get(ref.step) if ref is not None else None
        if step is None or parts[place : place + 1] not in (["0"], ["1"]) or step.server != here.step.server:
            continue
        result = here.evidence.value(step.id)
        other = join([*parts[:place], "1" if parts[place] == "0" else "0", *parts[place + 1 :]])
        two = len(as_list(at(result, join(parts[:place]))) or []) == 2
        if two and fitness(at(result, other), wanted) == 1.0:
            edit = BindReference(here.step.id, problem.at, Ref(step.id, other))
            evidence = f"{name!r} reads one of the two items of {step.id!r}; the other is unused"
            yield Offer((edit,), evidence, Confidence.GUESS, 0.65)


_TAKES = {"origin": TEXT, "goal": TEXT}
_FIRST, _SECOND = Ref("a", "cities.0").json(), Ref("a", "cities.1").json()
RULE = Rule(
    "other_item",
    (MissingArgument,),
    Tier.ELSEWHERE,
    propose,
    (
        Example(
            _TAKES,
            {"origin": _FIRST},
            {"origin": _FIRST, "goal": _SECOND},
            before=(Other("a", {"cities": ["Oslo", "Bergen"]}),),
        ),
        Example(_TAKES, {"origin": _FIRST}, before=(Other("a", {"cities": ["Oslo", "Bergen", "Bodø"]}),)),
    ),
)
