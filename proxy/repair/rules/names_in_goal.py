"""A missing text that may be one of the names, or the date, which the goal states and no step uses."""

from __future__ import annotations

import re
from collections.abc import Iterator

from catalog_cache.letters import folded
from proxy.repair.read.goal import READ, stated
from proxy.repair.rule import TEXT, Example, Offer, Rule, Tier
from proxy.repair.rules.stated_in_goal import propose as stated_in_goal
from proxy.repair.view.coerce import short
from proxy.repair.view.schema import accepts, allowed_values, fits
from proxy.repair.view.step import StepView
from proxy.repair.view.units import unit_of
from schemas.edit import Confidence, SetArgument
from schemas.problem import MissingArgument

MOST = 4
"""Names of a goal up to which each is offered; of more, as where all nouns have capitals, none is."""
MOMENTS = frozenset({"date", "date-time"})


def propose(problem: MissingArgument, here: StepView) -> Iterator[Offer]:
    """Offer every name that could be meant, or the date, where the goal says nothing clearer.

    Each is a guess, which the failure of its rivals has to bear out.
    """
    schema = here.schema_at(problem.at)
    if here.tool is None or len(problem.at) != 1 or not accepts(schema, here.schema, "string"):
        return
    if allowed_values(schema, here.schema) is not None or any(stated_in_goal(problem, here)):
        return
    wanted = schema.get("format")
    said = dates(here.plan.goal) if wanted in MOMENTS else names(here.plan.goal) if wanted is None else []
    used = {folded(text) for text in here.literals()}
    free = [text for text in dict.fromkeys(said) if folded(text) not in used and fits(schema, text)]
    for text in free if len(free) <= MOST else []:
        evidence = f"the goal states {short(text)}, which no step uses"
        yield Offer((SetArgument(here.step.id, problem.at, text),), evidence, Confidence.GUESS, 0.6)


def dates(goal: str) -> list[str]:
    """The dates that a goal states as they are written everywhere."""
    return [each.text for each in stated(goal) if each.kind == "date"]


def names(goal: str) -> list[str]:
    """Runs of words with capitals that do not begin a sentence and are no units."""
    found: list[str] = []
    text = goal[:READ]
    taken = [(each.start, each.end) for each in stated(goal)]
    for match in re.finditer(r"[^\W\d_][\w'’-]*", text):
        before = text[: match.start()].rstrip()
        begins = not before or before[-1] in ".!?:¡¿\n\"'„“«»("
        inside = any(start <= match.start() < end for start, end in taken)
        if not match[0][0].isupper() or inside or unit_of(match[0]):
            found.append("")
        elif found and found[-1] and text[: match.start()].endswith(found[-1] + " "):
            found[-1] += f" {match[0]}"
        else:
            found.append("" if begins else match[0].removesuffix("'s").removesuffix("’s"))
    return [each for each in found if each]


RULE = Rule(
    "names_in_goal",
    (MissingArgument,),
    Tier.ELSEWHERE,
    propose,
    (
        Example({"guest": TEXT}, {}, {"guest": "Ada Keller"}, goal="Book a room for Ada Keller"),
        Example({"guest": TEXT}, {}, goal="Book a room"),
    ),
)
