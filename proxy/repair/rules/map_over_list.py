"""A reference that yields several items where an argument wants one."""

from __future__ import annotations

from collections.abc import Iterator

from proxy.repair.rule import TEXT, Example, Offer, Other, Rule, Tier
from proxy.repair.view.earlier_values import wanted_at
from proxy.repair.view.schema import types_of
from proxy.repair.view.step import StepView
from proxy.repair.view.values import inside
from schemas.catalog import as_list
from schemas.edit import Confidence, MapStep
from schemas.plan import Ref
from schemas.problem import TypeMismatch


def propose(problem: TypeMismatch, here: StepView) -> Iterator[Offer]:
    """Call the step once for each item of a list, if every one of them fits."""
    wanted = wanted_at(problem.at, here)
    items = as_list(inside(here.arguments, problem.at)) or []
    if wanted is None or len(items) < 2 or len(problem.at) != 1 or here.step.map is not None:
        return
    if all(map(wanted.takes, items)) and "array" not in types_of(wanted.schema, wanted.root):
        evidence = f"the argument wants one item and {problem.ref.step!r} returned {len(items)}"
        yield Offer((MapStep(here.step.id, str(problem.at[0])),), evidence, Confidence.GUESS, 0.6)


_SENT = {"place": Ref("a", "places").json()}
RULE = Rule(
    "map_over_list",
    (TypeMismatch,),
    Tier.MISPLACED,
    propose,
    (
        Example({"place": TEXT}, _SENT, MapStep("it", "place"), before=(Other("a", {"places": ["Oslo", "Bergen"]}),)),
        Example({"place": TEXT}, _SENT, before=(Other("a", {"places": ["Oslo", 7]}),)),
    ),
)
