"""A missing argument that the goal states: beside the argument's name, or as the only fitting value that is unused."""

from __future__ import annotations

import re
from collections.abc import Iterator

from proxy.repair.read.goal import stated
from proxy.repair.rule import INTEGER, TEXT, Example, Offer, Rule, Tier
from proxy.repair.view.coerce import Target
from proxy.repair.view.notes import DESCRIBED, alternatives
from proxy.repair.view.scalars import LONGEST
from proxy.repair.view.schema import accepts, allowed_values, fits, property_names, types_of
from proxy.repair.view.step import StepView
from proxy.repair.view.units import same_unit
from proxy.repair.view.words import likeness, mentions, plain, stem, stems, words
from proxy.repair.view.zones import time_zone_in
from schemas.catalog import Json
from schemas.edit import Confidence, SetArgument
from schemas.problem import MissingArgument

_Stated = tuple[Json, str, Confidence, float]
"""A value, what speaks for it, how sure that is, and its score."""
_NUMBERS = re.compile(r"(?<![\w.])[$€£]?(-?\d{1,3}(?:,\d{3})+(?:\.\d+)?|-?\d+(?:\.\d+)?)(?![\w]*\d)")
_QUOTED = re.compile(r"(?:(?<=\s)|^|(?<=[:(]))['\"“‘]([^'\"“”‘’]{1,300})['\"”’](?=[\s.,;:!?)]|$)")
_EITHER = re.compile(r"['\"“]([^'\"“”]{1,100})['\"”],? or ['\"“]([^'\"“”]{1,100})['\"”]")
"""Two values between which the goal leaves the choice."""
_FILE = re.compile(
    r"(?<![\w/.*-])(?:~|\.{1,2})?/(?:[\w.-]++/)*[\w-]++(?:\.[\w-]++)*(?!\w*[*?])"
    r"|(?<![\w/*.-])[\w./-]*\w\.[A-Za-z]{1,5}(?!\w)|(?<![\w/.-])\w[^\W_]*+_\w++(?![\w/-])"
)
_SYMBOL = re.compile(r"\b[A-Z]{2,6}\b")


def propose(problem: MissingArgument, here: StepView) -> Iterator[Offer]:
    """Take the value from the goal: the one beside the argument's name, or the only fitting one that is unused."""
    if not here.plan.goal or here.tool is None:
        return
    target = Target(here.schema_at(problem.at), here.schema, str(problem.at[-1]))
    for value, evidence, sure, score in _stated(here, target):
        yield Offer((SetArgument(here.step.id, problem.at, value),), evidence, sure, score)


def _stated(here: StepView, target: Target) -> Iterator[_Stated]:
    kinds = types_of(target.schema, target.root)
    listed = alternatives(str(target.schema.get("description", ""))) if "string" in kinds else ()
    allowed = allowed_values(target.schema, target.root)
    if allowed is None and accepts(target.schema, target.root, "integer") and "string" not in kinds:
        return _number(here, target)
    if allowed is None and "boolean" in kinds and len(kinds) <= 2:
        return _truth(here, target)
    if allowed is not None or listed:
        return _one_of(allowed or listed, here)
    return _text(here, target) if "string" in kinds else iter(())


def _number(here: StepView, target: Target) -> Iterator[_Stated]:
    used = here.literals()
    names, described = _names(target), _described(target, here)
    free: list[tuple[float, str, Json]] = []
    told: list[tuple[float, str, Json]] = []
    naming = bool(stems(target.name) & {"id", "key", "number", "code", "no"})
    other = [(each.start, each.end) for each in stated(here.plan.goal) if each.kind != "number"]
    for match in _NUMBERS.finditer(here.plan.goal):
        if any(start <= match.start(1) < end for start, end in other):
            continue
        text, beside = match[1].replace(",", ""), _beside(here.plan.goal, match.span(), names)
        if len(text) > LONGEST or (naming and (match[0][0] in "$€£" or not beside)):
            continue
        number = float(text) if "." in text else int(text)
        if fits(target.schema, number) and not {text, text.rstrip("0").rstrip("."), f"{float(text)}"} & used:
            free.append((beside, match[0], number))
            told.append((_beside(here.plan.goal, match.span(), described), match[0], number))
    if len(free) == 1 or any(near for near, _, _ in free):
        yield from _singled_out(free)
        return
    for value, evidence, _, _ in _singled_out([entry for entry in told if entry[0]]):
        yield value, f"{evidence}'s description", Confidence.GUESS, 0.7


def _names(target: Target) -> frozenset[str]:
    """The words of an argument's name and title."""
    said = stems(target.name) | stems(str(target.schema.get("title", "")))
    return frozenset(word for word in said if len(word) > 2)


def _described(target: Target, here: StepView) -> frozenset[str]:
    """The words that of all arguments only this one is described in."""
    declared = property_names(here.schema, here.schema)
    told = {name: _stemmed(str((here.argument_schema(name) or {}).get("description", ""))) for name in declared}
    shared = {word for name, said in told.items() if name != target.name for word in said}
    return frozenset(word for word in told.get(target.name, ()) if len(word) > 3 and word not in shared)


def _stemmed(text: str) -> set[str]:
    return {stem(word) for word in words(text[:DESCRIBED])}


def _beside(goal: str, span: tuple[int, int], names: frozenset[str]) -> float:
    """How near one of these words stands to a place in the goal: 1 directly before, 0 not at all."""
    before = words(goal[max(0, span[0] - 60) : span[0]])[-5:]
    after = words(goal[span[1] : span[1] + 40])[:3]
    scores = [0.0]
    for distance, word in enumerate(reversed(before)):
        if stems(word) & names or any(likeness(word, name) >= 0.85 for name in names):
            scores.append(1.0 - 0.12 * distance)
    scores += [0.85 - 0.15 * distance for distance, word in enumerate(after) if stems(word) & names]
    return max(scores)


def _singled_out(free: list[tuple[float, str, Json]]) -> Iterator[_Stated]:
    """The value beside the argument's name, nearer than every other; else the only one."""
    ranked = sorted(free, key=lambda entry: -entry[0])
    named = [entry for entry in ranked if entry[0] > 0]
    if named and (len(named) == 1 or named[0][0] - named[1][0] >= 0.1):
        _, said, value = named[0]
        yield value, f"the goal says {said!r} beside the argument's name", Confidence.EVIDENT, 0.85
    elif len(ranked) == 1:
        _, said, value = ranked[0]
        evidence = f"{said!r} is the only fitting value in the goal that no step uses"
        yield value, evidence, Confidence.GUESS, 0.65


def _one_of(allowed: tuple[Json, ...], here: StepView) -> Iterator[_Stated]:
    taken = {plain(value) for value in here.written.values() if isinstance(value, str)}
    options = [value for value in allowed if isinstance(value, str) and plain(value) not in taken]
    said = [value for value in options if len(value) > 1 and mentions(here.plan.goal, value)]
    tokens = {token.strip(".,;:!?()'\"") for token in here.plan.goal.split()}
    said = said or [value for value in options if any(same_unit(token, value) for token in tokens if len(token) > 1)]
    if len(said) == 1:
        yield said[0], f"the goal speaks of {said[0]!r}, one of the allowed values", Confidence.GUESS, 0.75


def _truth(here: StepView, target: Target) -> Iterator[_Stated]:
    names = [word for word in words(target.name) if len(word) > 3]
    for match in re.finditer(r"[A-Za-z]+", here.plan.goal):
        if any(likeness(match[0], word) >= 0.85 for word in names):
            before = words(here.plan.goal[max(0, match.start() - 20) : match.start()])[-2:]
            denied = bool({"no", "not", "without", "non", "never"} & set(before))
            yield not denied, f"the goal says {' '.join((*before, match[0]))!r}", Confidence.GUESS, 0.7
            return


def _text(here: StepView, target: Target) -> Iterator[_Stated]:
    used = here.literals()
    zone = time_zone_in(here.plan.goal, target, used)
    if zone is not None:
        yield zone, f"the goal names a place in {zone!r}", Confidence.GUESS, 0.8
        return
    kinds = stems(target.name) | stems(str(target.schema.get("description", ""))[:80])
    pattern = _QUOTED
    if kinds & {"file", "path", "directory", "dir", "folder", "filename", "destination", "source"}:
        pattern = _FILE
    elif kinds & {"symbol", "ticker", "stock", "currency", "code", "airport"}:
        pattern = _SYMBOL
    either = {text for match in _EITHER.finditer(here.plan.goal) for text in match.groups()}
    free: dict[str, tuple[float, str, Json]] = {}
    for match in pattern.finditer(here.plan.goal):
        text = match[1] if pattern is _QUOTED else match[0]
        if text.lower() not in used and text not in either and fits(target.schema, text):
            free.setdefault(text, (_beside(here.plan.goal, match.span(), _names(target)), text, text))
    yield from _singled_out(list(free.values()))


_DAYS = {"city": TEXT, "days": INTEGER}
_UNIT = {"unit": {"enum": ["inch", "meter"]}}
RULE = Rule(
    "stated_in_goal",
    (MissingArgument,),
    Tier.ELSEWHERE,
    propose,
    (
        Example(_DAYS, {"city": "Oslo"}, {"city": "Oslo", "days": 3}, goal="Oslo: days 3 of 7"),
        Example({"title": TEXT}, {}, {"title": "Leaf rake"}, goal="Search for title 'Leaf rake'"),
        Example(_UNIT, {}, {"unit": "inch"}, goal="Convert it to inches"),
        Example({"smoker": {"type": "boolean"}}, {}, {"smoker": False}, goal="She is no smoker"),
        Example(_DAYS, {"city": "Oslo"}, goal="Compare 3 and 7"),
        Example(_UNIT, {}, goal="Either inch or meter will do"),
        Example({"order_id": INTEGER}, {}, goal="It cost $10000"),
    ),
    order=2,
)
