"""An argument under a name that the tool does not know: its own name by spelling, schema fit and likeness."""

from __future__ import annotations

from collections.abc import Iterator

from catalog_cache.letters import cased, same
from proxy.repair.rule import INTEGER, TEXT, Example, Offer, Rule, Tier
from proxy.repair.view.coerce import Target, coerce
from proxy.repair.view.meaning import slip
from proxy.repair.view.opposites import opposite
from proxy.repair.view.schema import accepts, property_names, property_schema, required_names, type_name, types_of
from proxy.repair.view.step import StepView
from proxy.repair.view.values import MISSING, inside
from proxy.repair.view.words import likeness, plain, words
from schemas.catalog import Json, as_list, as_object
from schemas.edit import Confidence, RenameArgument
from schemas.problem import MissingArgument, UnexpectedArgument

MOST_UNKNOWN = 32
"""Unknown arguments beyond which a call is another tool's, and none is renamed."""
NAMED = 0.8
"""Likeness from which an unknown argument names a declared one; then no farther name is meant."""
CLEARLY = 0.15
SLIP = 0.88
"""Likeness of two names that a single slip of the fingers keeps apart."""

TOLD = 0.25
"""Score of a name that stands for another thing of the same kind: it is told, and not tried."""


def propose(problem: UnexpectedArgument | MissingArgument, here: StepView) -> Iterator[Offer]:
    """Give an unknown argument the name of a declared one that is not passed and that its value fits."""
    if here.tool is None or not problem.at:
        return
    parent = as_object(inside(here.step.arguments, problem.at[:-1])) or {}
    schema = here.schema_at(problem.at[:-1])
    declared = property_names(schema, here.schema)
    free = [name for name in declared if name not in parent]
    known = set(declared)
    unknown = [name for name in parent if name not in known]
    if len(unknown) > MOST_UNKNOWN:
        return
    lone = [name for name in required_names(schema, here.schema) if name not in parent]
    for sent in [problem.name] if isinstance(problem, UnexpectedArgument) else unknown:
        where = (*problem.at[:-1], sent)
        value = inside(here.arguments, where)
        alike = {name: _alike(sent, name) for name in free}
        nearest = max(alike.values(), default=0.0)
        for name in free if isinstance(problem, UnexpectedArgument) else [problem.name] if problem.name in free else []:
            if (nearest >= NAMED and alike[name] < nearest - CLEARLY) or opposite(sent, name):
                continue
            fit = _fit(value, Target(property_schema(schema, here.schema, name) or {}, here.schema, name))
            if fit == 0.0 or sum(same(other, name) for other in unknown) > 1:
                continue
            only = lone == [name] and len(unknown) == 1
            sure, score = _confidence(alike[name], fit, only=only, required=name in lone)
            if alike[name] < NAMED and contrasted(sent, name):
                sure, score = sure and Confidence.GUESS, min(score, TOLD)
            if sure is not None:
                evidence = _why(sent, name, alike[name], only=only)
                yield Offer((RenameArgument(here.step.id, where, name),), evidence, sure, score)


def _alike(sent: str, declared: str) -> float:
    alike = max(likeness(sent, declared), SLIP if slip(sent, declared) else 0.0)
    return min(alike, 0.3) if opposite(sent, declared) else alike


def contrasted(sent: str, declared: str) -> bool:
    """Tell whether two names share a word and each has its own: `order_id`, `user_id`; `von_konto`, `nach_konto`.

    Such names tell two things of one kind apart, in any language; where letters are words, so do they.
    """
    ours, theirs = (set(words(name) if cased(plain(name)) else plain(name)) for name in (sent, declared))
    return bool(ours & theirs and ours - theirs and theirs - ours)


def _fit(value: Json, target: Target) -> float:
    """1 where the value satisfies the declared argument, 0.8 where it can be rewritten to, 0 where not."""
    if value is MISSING or value is None:
        return 0.8
    if target.takes(value):
        return 1.0 if len(types_of(target.schema, target.root)) < 5 else 0.9
    kind = type_name(value)
    if kind in ("object", "array") and not accepts(target.schema, target.root, kind):
        return 0.6 if len(as_list(value) or []) == 1 else 0.0
    return 0.8 if coerce(value, target) else 0.0


def _confidence(alike: float, fit: float, *, only: bool, required: bool) -> tuple[Confidence | None, float]:
    if alike == 1.0:
        return Confidence.LOSSLESS, 1.0
    if alike >= NAMED:
        return Confidence.EVIDENT, alike * fit
    if only:
        return Confidence.EVIDENT, max(0.7, alike) * fit
    if alike >= 0.5 or (required and alike >= 0.3):
        return Confidence.GUESS, alike * fit
    return (Confidence.GUESS, 0.3 * fit) if required else (None, 0.0)


def _why(sent: str, name: str, alike: float, *, only: bool) -> str:
    if alike == 1.0:
        return f"{sent!r} is {name!r} but for case and separators"
    if only:
        return f"{sent!r} is the only unknown argument and {name!r} the only required one missing, and its value fits"
    return f"{name!r} is not passed, is {alike:.2f} alike, and the value fits"


_RANGE = {"type": "object", "properties": {"end_date": TEXT}}
RULE = Rule(
    "rename_argument",
    (UnexpectedArgument, MissingArgument),
    Tier.MISPLACED,
    propose,
    (
        Example({"time_zone": TEXT}, {"timeZone": "Asia/Tokyo"}, {"time_zone": "Asia/Tokyo"}),
        Example({"query": TEXT, "limit": INTEGER}, {"queryy": "x", "limit": 3}, {"query": "x", "limit": 3}),
        Example({"location": TEXT}, {"whereabouts": "Oslo"}, {"location": "Oslo"}),
        Example(_RANGE, {"start_date": "2031-03-12"}),
        Example({"limit": INTEGER}, {"limits": ["a", "b"]}),
    ),
)
