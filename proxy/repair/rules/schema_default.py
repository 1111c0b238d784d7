"""A missing argument for which the schema itself has a value."""

from __future__ import annotations

from collections.abc import Iterator

from proxy.repair.rule import TEXT, Example, Offer, Rule, Tier
from proxy.repair.view.schema import allowed_values
from proxy.repair.view.step import StepView
from schemas.edit import Confidence, SetArgument
from schemas.problem import MissingArgument


def propose(problem: MissingArgument, here: StepView) -> Iterator[Offer]:
    """Take the schema's own default, constant, or only allowed value."""
    schema = here.schema_at(problem.at)
    allowed = allowed_values(schema, here.schema) or ()
    if schema.get("default") is not None:
        edit = SetArgument(here.step.id, problem.at, schema["default"])
        yield Offer((edit,), "the schema's own default", Confidence.EVIDENT, 0.95)
    elif len(allowed) == 1:
        edit = SetArgument(here.step.id, problem.at, allowed[0])
        yield Offer((edit,), "the only value that the schema allows", Confidence.LOSSLESS)


RULE = Rule(
    "schema_default",
    (MissingArgument,),
    Tier.DECLARED,
    propose,
    (
        Example({"to": TEXT, "mode": {**TEXT, "default": "foot"}}, {"to": "Oslo"}, {"to": "Oslo", "mode": "foot"}),
        Example({"to": TEXT, "planet": {"const": "earth"}}, {"to": "Oslo"}, {"to": "Oslo", "planet": "earth"}),
        Example({"to": TEXT, "mode": {"enum": ["foot", "car"]}}, {"to": "Oslo"}),
    ),
)
