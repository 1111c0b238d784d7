"""Rules for argument names: renamed by spelling, by schema fit, by similarity; dropped only where nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator

from rapidfuzz import fuzz
from rapidfuzz.distance import DamerauLevenshtein

from catalog_cache.letters import cased, same
from proxy.repair.view.coerce import Target, coerce
from proxy.repair.view.opposites import opposite
from proxy.repair.view.schema import (
    accepts,
    fits,
    property_names,
    property_schema,
    required_names,
    type_name,
    types_of,
)
from proxy.repair.view.step import StepView
from proxy.repair.view.values import MISSING, inside
from proxy.repair.view.words import likeness, plain, stems, typed_likeness, words
from schemas.catalog import Effect, Json, as_list, as_object
from schemas.edit import Confidence, DropArgument, Proposal, RenameArgument
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
IN_GOAL = 90
"""Share of a text's letters, in hundredths, that must stand together in the goal for the text to be said there."""


def renamed(problem: UnexpectedArgument, here: StepView) -> Iterator[Proposal]:
    """Give an unknown argument the name of a declared one that is not passed and that its value fits."""
    parent, schema = _parent(problem.at, here)
    if here.tool is None or schema is None:
        return
    declared = property_names(schema, here.schema)
    required = required_names(schema, here.schema)
    free = [name for name in declared if name not in parent]
    unknown = [name for name in parent if name not in declared]
    if len(unknown) > MOST_UNKNOWN:
        return
    lone = [name for name in free if name in required]
    value = inside(here.arguments, problem.at)
    nearest = max((_alike(problem.name, name) for name in free), default=0.0)
    for name in free:
        alike = _alike(problem.name, name)
        if nearest >= NAMED and alike < nearest - CLEARLY:
            continue
        fit = _fit(value, name, schema, here)
        if fit == 0.0 or opposite(problem.name, name):
            continue
        twins = [other for other in unknown if same(other, name)]
        if len(twins) > 1:
            continue
        only = lone == [name] and len(unknown) == 1
        sure, score = _confidence(alike, fit, only=only, required=name in required)
        if sure is Confidence.EVIDENT and alike < NAMED:
            if here.tool.effect is not Effect.READ:
                sure = Confidence.GUESS
            if contrasted(problem.name, name):
                sure, score = Confidence.GUESS, min(score, TOLD)
        if sure is not None:
            evidence = _why(problem.name, name, alike, only=only)
            edit = RenameArgument(here.step.id, problem.at, name)
            yield Proposal(problem, (edit,), "rename_argument", evidence, sure, score)


def _parent(where: tuple[str | int, ...], here: StepView) -> tuple[dict[str, Json], dict[str, object] | None]:
    parent = as_object(inside(here.step.arguments, where[:-1])) or {}
    return parent, dict(here.schema_at(where[:-1])) if where else None


def _alike(sent: str, declared: str) -> float:
    alike = max(likeness(sent, declared), SLIP if _slipped(sent, declared) else 0.0)
    return min(alike, 0.3) if opposite(sent, declared) else alike


def contrasted(sent: str, declared: str) -> bool:
    """Tell whether two names share a word and each has its own: `order_id`, `user_id`; `von_konto`, `nach_konto`.

    Such names tell two things of one kind apart, in any language; where letters are words, so do they.
    """
    ours, theirs = (set(words(name) if cased(plain(name)) else plain(name)) for name in (sent, declared))
    return bool(ours & theirs and ours - theirs and theirs - ours)


def _slipped(sent: str, declared: str) -> bool:
    """Tell whether one letter too many, too few, or two exchanged within one longer word keep two names apart."""
    ours, theirs = words(sent), words(declared)
    if len(ours) != len(theirs) or typed_likeness(sent, declared) == 0.0:
        return False
    pairs = [(mine, other) for mine, other in zip(ours, theirs, strict=True) if mine != other]
    if len(pairs) != 1 or min(map(len, pairs[0])) < 5 or pairs[0][0][0] != pairs[0][1][0]:
        return False
    mine, other = pairs[0]
    moved = len(mine) != len(other) or sorted(mine) == sorted(other)
    return moved and DamerauLevenshtein.distance(mine, other) == 1


def _fit(value: Json, name: str, schema: dict[str, object], here: StepView) -> float:
    """1 where the value satisfies the declared argument, 0.8 where it can be rewritten to, 0 where not."""
    target = property_schema(schema, here.schema, name)
    if target is None:
        return 0.0
    if value is MISSING or value is None:
        return 0.8
    definitions = {key: here.schema[key] for key in ("$defs", "definitions") if key in here.schema}
    if fits({**target, **definitions} if definitions else target, value):
        return 1.0 if len(types_of(target, here.schema)) < 5 else 0.9
    if type_name(value) in ("object", "array") and not accepts(target, here.schema, type_name(value)):
        lone = as_list(value)
        return 0.6 if lone is not None and len(lone) == 1 else 0.0
    return 0.8 if coerce(value, Target(target, here.schema, name)) else 0.0


def _confidence(alike: float, fit: float, *, only: bool, required: bool) -> tuple[Confidence | None, float]:
    if alike == 1.0:
        return Confidence.LOSSLESS, 1.0
    if alike >= 0.8:
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


def dropped(problem: UnexpectedArgument, here: StepView) -> Iterator[Proposal]:
    """Leave out an unknown argument that names nothing near and could not restrict the call."""
    parent, schema = _parent(problem.at, here)
    if schema is None or not problem.forbidden:
        return
    declared = property_names(schema, here.schema)
    value = parent.get(problem.name)
    if declared and not says_nothing(problem.name, value):
        return
    if set(as_object(value) or {}) & set(declared) or _said_in_goal(value, here):
        return
    near = [name for name in declared if name not in parent and _near(problem.name, name)]
    lone = [name for name in required_names(schema, here.schema) if name not in parent]
    if near or lone:
        return
    named = problem.name in here.reading.unexpected
    evidence = f"the upstream refuses {problem.name!r}" if named else f"the schema forbids {problem.name!r}"
    reads = here.tool is not None and here.tool.effect is Effect.READ
    sure = Confidence.EVIDENT if named and reads else Confidence.GUESS
    yield Proposal(
        problem,
        (DropArgument(here.step.id, problem.at),),
        "drop_argument",
        f"{evidence}; no declared name is near",
        sure,
        0.8,
    )


def _said_in_goal(value: Json, here: StepView) -> bool:
    """Tell whether a text of some words stands in the goal, but for a few letters: then it was asked for."""
    if not isinstance(value, str) or len(words(value)) < 4:
        return False
    return fuzz.partial_ratio(value.lower(), here.plan.goal.lower()) >= IN_GOAL


def _near(sent: str, declared: str) -> bool:
    return likeness(sent, declared) >= 0.5 or opposite(sent, declared)


BOOKKEEPING = frozenset({"tool", "call", "request", "trace", "step", "correlation", "span"})
"""Words that make an id or a name one of the caller's own bookkeeping: `toolCallId`, `request_id`, `step_name`."""
THINKING = frozenset({"thought", "thinking", "reasoning", "rationale", "explanation", "justification"})
"""Names under which models write down why they call."""


def says_nothing(name: str, value: Json) -> bool:
    """Tell whether an argument asks for nothing: no value, the caller's bookkeeping, or why it calls.

    Any other may restrict the call or say what it acts on, whatever its language.
    """
    parts = words(name)
    kept = len(parts) > 1 and parts[-1] in ("id", "name", "number") and set(parts[:-1]) <= BOOKKEEPING
    return kept or stems(name) <= THINKING or value in (None, "", [], {})


def rename_into(problem: MissingArgument, here: StepView) -> Iterator[Proposal]:
    """Fill a missing argument from an unknown one: the same rule as `renamed`, seen from the gap."""
    parent, schema = _parent(problem.at, here)
    if schema is None:
        return
    declared = property_names(schema, here.schema)
    unknown = [name for name in parent if name not in declared]
    for name in unknown if len(unknown) <= MOST_UNKNOWN else ():
        if problem.name in declared:
            where = (*problem.at[:-1], name)
            stray = UnexpectedArgument(step=here.step.id, at=where, name=name, forbidden=True, message="")
            for proposal in renamed(stray, here):
                edit = proposal.edits[0]
                if isinstance(edit, RenameArgument) and edit.name == problem.name:
                    yield Proposal(
                        problem, (edit,), proposal.rule, proposal.evidence, proposal.confidence, proposal.score
                    )
