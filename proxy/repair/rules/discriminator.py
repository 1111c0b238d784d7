"""Arguments without the key that says of which kind they are."""

from __future__ import annotations

from collections.abc import Iterator

from proxy.repair.rule import NUMBER, TEXT, Example, Offer, Rule, Tier
from proxy.repair.view.step import StepView
from proxy.repair.view.unions import tagged
from schemas.edit import Confidence, SetArgument
from schemas.problem import WrongType


def propose(problem: WrongType, here: StepView) -> Iterator[Offer]:
    """Say of which kind the arguments as a whole are, where only one of the kinds that the tool takes fits them."""
    filled = tagged(here.arguments, here.schema, here.schema) if not problem.at else None
    if filled is not None:
        new = {name: value for name, value in filled.items() if name not in here.written}
        edits = tuple(SetArgument(here.step.id, (name,), value) for name, value in new.items())
        evidence = f"only the alternative with {', '.join(f'{name} = {value!r}' for name, value in new.items())} fits"
        yield Offer(edits, evidence, Confidence.LOSSLESS)


_CITY = {"type": "object", "properties": {"kind": {"const": "city"}, "name": TEXT}, "required": ["kind", "name"]}
_POINT = {"type": "object", "properties": {"kind": {"const": "point"}, "lat": NUMBER}, "required": ["kind", "lat"]}
RULE = Rule(
    "discriminator",
    (WrongType,),
    Tier.MISPLACED,
    propose,
    (
        Example({"type": "object", "anyOf": [_CITY, _POINT]}, {"name": "Oslo"}, {"name": "Oslo", "kind": "city"}),
        Example({"type": "object", "anyOf": [_CITY, _POINT]}, {"name": "Oslo", "lat": 60}),
    ),
)
