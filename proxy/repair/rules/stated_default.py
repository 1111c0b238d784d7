"""A missing argument for which its description tells what is used where none is given."""

from __future__ import annotations

from collections.abc import Iterator

from proxy.repair.rule import INTEGER, TEXT, Example, Offer, Rule, Tier
from proxy.repair.view.coerce import Target, coerce, short
from proxy.repair.view.notes import stated_default
from proxy.repair.view.scalars import NOTHING
from proxy.repair.view.schema import fits
from proxy.repair.view.step import StepView
from proxy.repair.view.values import MISSING
from schemas.edit import Confidence, SetArgument
from schemas.problem import MissingArgument


def propose(problem: MissingArgument, here: StepView) -> Iterator[Offer]:
    """Take the value that the argument's description says is used where none is given."""
    schema = here.schema_at(problem.at)
    said = stated_default(str(schema.get("description", "")))
    if said is None or said.lower() in NOTHING:
        return
    target = Target(schema, here.schema, problem.name)
    options = [said] if fits(schema, said) else [o.value for o in coerce(said, target) if o.confidence.rank < 2]
    if options and options[0] is not MISSING:
        edit = SetArgument(here.step.id, problem.at, options[0])
        evidence = f"the description says that {short(options[0])} is used where none is given"
        yield Offer((edit,), evidence, Confidence.GUESS, 0.7)


_DAYS = {**INTEGER, "description": "How many days (default: 3)"}
RULE = Rule(
    "stated_default",
    (MissingArgument,),
    Tier.DEFAULT,
    propose,
    (
        Example({"city": TEXT, "days": _DAYS}, {"city": "Oslo"}, {"city": "Oslo", "days": 3}),
        Example({"city": TEXT, "days": {**INTEGER, "description": "How many days, e.g. 3"}}, {"city": "Oslo"}),
    ),
)
