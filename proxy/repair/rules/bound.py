"""A number beyond the most that an argument takes.

Asking for all there is by too large a number is common; what is meant by any other number beyond its bound nobody
knows. So the bound is a guess for arguments that say how much is wanted, and for others only told to the client.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from proxy.repair.rule import INTEGER, Example, Offer, Rule, Tier
from proxy.repair.view.coerce import short
from proxy.repair.view.schema import fits
from proxy.repair.view.step import StepView
from proxy.repair.view.values import inside, is_number
from proxy.repair.view.words import stems
from schemas.catalog import Json
from schemas.edit import Confidence, SetArgument
from schemas.plan import Location
from schemas.problem import Refused, SilentFailure, ValueNotAllowed

HOW_MUCH = frozenset({"limit", "count", "size", "max", "top", "first", "num", "result", "row", "per", "n", "k"})
"""Words in the name of an argument that says how much is wanted."""
LIKELY, UNSENT = 0.6, 0.2
_MOST = re.compile(
    r"(?:<=|≤|\b(?:at most|no more than|(?:not|n't|cannot) exceed|(?:less|smaller|lower) than or equal to|"
    r"max(?:imum)?(?: value)?(?: of| is|:)?|between -?[\d.,]{1,15} and))\s{0,3}(-?\d{1,15}(?:\.\d{1,9})?)(?![\d.,]*\d)",
    re.IGNORECASE,
)


def propose(problem: ValueNotAllowed | Refused | SilentFailure, here: StepView) -> Iterator[Offer]:
    """Send the most that the schema, the refusal, or else the description allows for a larger number."""
    if isinstance(problem, ValueNotAllowed):
        value, most = inside(here.step.arguments, problem.at), here.schema_at(problem.at).get("maximum")
        if problem.at and is_number(most) and is_number(value) and value > most:
            yield from _at_most(most, problem.at, here, "the schema")
        return
    for name in here.blamed:
        value = here.written[name]
        said = str((here.argument_schema(name) or {}).get("description", ""))[:2000]
        for text, teller in ((here.reading.text, "the refusal"), (said, "the description")):
            found = {float(match[1]) if "." in match[1] else int(match[1]) for match in _MOST.finditer(text)}
            if is_number(value) and len(found) == 1 and value > max(found):
                yield from _at_most(max(found), (name,), here, teller)
                break


def _at_most(most: Json, where: Location, here: StepView, teller: str) -> Iterator[Offer]:
    if fits(here.schema_at(where), most):
        counts = bool(stems(str(where[-1])) & HOW_MUCH)
        edit = SetArgument(here.step.id, where, most)
        evidence = f"{teller} allows {short(most)} at most"
        yield Offer((edit,), evidence, Confidence.GUESS, LIKELY if counts else UNSENT)


_LIMIT = {"limit": {**INTEGER, "maximum": 50}}
RULE = Rule(
    "bound",
    (ValueNotAllowed, Refused, SilentFailure),
    Tier.ELSEWHERE,
    propose,
    (
        Example(_LIMIT, {"limit": 1000}, {"limit": 50}),
        Example({"limit": INTEGER}, {"limit": 80}, {"limit": 50}, refused="limit cannot exceed 50"),
        Example({"limit": {**INTEGER, "minimum": 10}}, {"limit": 3}),
        Example({"limit": INTEGER}, {"limit": 80}, refused="limit: out of range"),
    ),
)
