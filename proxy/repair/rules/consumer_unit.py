"""A missing unit of a conversion whose result another argument reads."""

from __future__ import annotations

from collections.abc import Iterator

from proxy.repair.rule import NUMBER, TEXT, Example, Offer, Other, Rule, Tier
from proxy.repair.view.coerce import Target, spoken_unit
from proxy.repair.view.schema import allowed_values
from proxy.repair.view.step import StepView
from proxy.repair.view.units import same_unit
from proxy.repair.view.words import stems, words
from schemas.catalog import as_object
from schemas.edit import Confidence, SetArgument
from schemas.plan import Ref, Step
from schemas.problem import MissingArgument

GIVEN = frozenset({"from", "source", "src", "input", "in", "original", "old"})
"""Words in the name of an argument that speaks of what goes in, not of what comes out."""


def propose(problem: MissingArgument, here: StepView) -> Iterator[Offer]:
    """Take the allowed unit that the argument which reads this step's result is described in, or defaults to."""
    allowed = allowed_values(here.schema_at(problem.at), here.schema)
    if not allowed or not problem.at or set(words(problem.name)) & GIVEN:
        return
    found: dict[str, str] = {}
    for reader, where in _readers(here):
        for unit in _units_of(reader, where, here):
            found |= {str(value): f"{reader.id}.{where}" for value in allowed if same_unit(unit, str(value))}
    free = [value for value in found if value not in map(str, here.written.values())]
    if len(free) == 1:
        evidence = f"{found[free[0]]!r} reads the result and is described in {free[0]!r}"
        yield Offer((SetArgument(here.step.id, problem.at, free[0]),), evidence, Confidence.GUESS, 0.8)


def _readers(here: StepView) -> Iterator[tuple[Step, str]]:
    for step in here.plan.steps:
        for where, ref in step.refs(here.plan.by_id):
            if ref.step == here.step.id and len(where) == 1:
                yield step, str(where[0])


def _units_of(reader: Step, argument: str, here: StepView) -> Iterator[str]:
    tool = here.evidence.catalog.origin(reader.server or "", reader.tool)
    if tool is None:
        return
    unit = spoken_unit(Target(tool.properties.get(argument, {}), tool.schema, argument))
    if unit is not None:
        yield unit
    written = as_object(reader.arguments) or {}
    for name, schema in tool.properties.items():
        if "unit" in stems(name) and stems(argument) <= stems(name):
            yield str(written.get(name, (as_object(schema) or {}).get("default", "")))


_TAKES = {"value": NUMBER, "to_unit": {"enum": ["meter", "inch"]}}
_READER = (Other("bmi", sent={"height": Ref("it", "value").json()}),)
RULE = Rule(
    "consumer_unit",
    (MissingArgument,),
    Tier.ELSEWHERE,
    propose,
    (
        Example(
            _TAKES,
            {"value": 68},
            {"value": 68, "to_unit": "meter"},
            after=_READER,
            tools={"bmi": {"height": {**NUMBER, "description": "Height in m"}}},
        ),
        Example(_TAKES, {"value": 68}, after=_READER, tools={"bmi": {"height": TEXT}}),
    ),
    order=1,
)
