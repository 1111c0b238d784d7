"""Rules for references: to a wrong place, to a wrong or missing step, or to a value that does not fit.

Candidates are values that steps really returned. They are weighed by name, by type, by place, and by whether the
value is a mere echo of what the step was given.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from proxy.repair.coerce import Target, coerce, short
from proxy.repair.schema import fits, type_name, types_of
from proxy.repair.situation import OUTPUT, Situation, Source
from proxy.repair.units import same_unit
from proxy.repair.values import MISSING, at, inside, join, segments
from proxy.repair.words import likeness, mentions, plain, stems, words
from schemas.catalog import Json, as_list, as_object, canonical
from schemas.edit import BindReference, Confidence, Edit, MapStep, Proposal, RepathReference, SetArgument
from schemas.plan import Location, Ref, Step, refs_in
from schemas.problem import (
    CyclicDependency,
    DanglingDependency,
    MissingArgument,
    Problem,
    TypeMismatch,
    WrongPath,
)

CLEAR = 0.12
"""Distance in score at which the best of several values counts as singled out."""


@dataclass(frozen=True)
class Choice:
    """A value that could be meant, and how well it suits."""

    source: Source
    score: float
    why: str


def wrong_path(problem: WrongPath, here: Situation) -> Iterator[Proposal]:
    """Point a reference at the place of the same result that its path was meant for."""
    wanted = _wanted(problem.at, here)
    mine = [source for source in _sources(here) if source.step == problem.ref.step and source.parts]
    choices = [choice for source in mine if (choice := _by_path(problem.ref, source, wanted, here)) is not None]
    if wanted is not None:
        named = (by_argument(source, wanted, here) for source in mine)
        choices += [replace(choice, score=0.85 * choice.score) for choice in named if choice is not None]
    ranked = best(choices)
    for choice in ranked[:4]:
        sure = _sure(choice, ranked)
        edit = RepathReference(here.step.id, problem.at, join(list(choice.source.parts)))
        yield Proposal(problem, (edit,), "repath_reference", choice.why, sure, choice.score)
    yield from _same_path_elsewhere(problem, here, wanted, near=bool(ranked) and ranked[0].score >= 0.6)


def _sources(here: Situation) -> Sequence[Source]:
    return here.sources


def _wanted(where: Location, here: Situation) -> Target | None:
    """What the argument at this location should fit; None where anything does (output, or inside a text)."""
    if here.step.id == OUTPUT or here.tool is None or not where:
        return None
    return Target(here.schema_at(where), here.schema, str(where[-1]))


def _suits(value: Json, wanted: Target | None) -> float:
    if wanted is None:
        return 0.6 if type_name(value) in ("object", "array") else 0.8
    if fits({**{k: v for k, v in wanted.root.items() if k in ("$defs", "definitions")}, **wanted.schema}, value):
        return 1.0
    if type_name(value) in ("object", "array"):
        return 0.0
    options = coerce(value, wanted)
    return 0.5 if options and options[0].value is not MISSING else 0.0


def _by_path(ref: Ref, source: Source, wanted: Target | None, here: Situation) -> Choice | None:
    asked = segments(ref.path)
    suits = _suits(source.value, wanted)
    if suits == 0.0 or not asked:
        return None
    name = next((part for part in reversed(asked) if not part.lstrip("-").isdigit()), "")
    alike = likeness(name, source.name) if name and source.name else 0.0
    place = _same_place(asked, list(source.parts))
    if len(asked) == len(source.parts):
        alike = max(alike, 0.95 * min(map(_segment_alike, asked, source.parts)))
    generic = plain(name) in GENERIC
    named = max(alike, 0.45 if generic and source.parts else 0.0)
    consumer = likeness(wanted.name, source.name) if wanted is not None and wanted.name else 0.0
    score = 0.55 * named + 0.2 * place + 0.15 * suits + 0.1 * consumer - (0.15 if source.echo else 0.0)
    if alike == 1.0:
        score = max(score, 0.8 + 0.2 * place)
    why = f"{ref.step!r} returned {short(source.value)} at {join(list(source.parts))!r}, {alike:.2f} like {ref.path!r}"
    return Choice(source, min(1.0, score), why) if named >= 0.4 or place >= 0.9 else None


GENERIC = frozenset(
    "value result output data answer response content text return returned number amount total final item res val "
    "outputvalue resultvalue".split()
)
"""Names that a writer uses for "what the step returns" without knowing its keys."""


def _segment_alike(asked: str, part: str) -> float:
    number = re.match(r"-?\d+", asked)
    if part.lstrip("-").isdigit():
        return 1.0 if number is not None and number[0] == part else 0.0
    return likeness(asked, part)


def _same_place(asked: list[str], parts: list[str]) -> float:
    """Share of path segments in common, counted from the front and with equal length preferred."""
    common = sum(map(_segment_alike, asked, parts))
    return 0.8 * common / max(len(asked), len(parts)) + (0.2 if len(asked) == len(parts) else 0.0)


def best(choices: Iterable[Choice]) -> list[Choice]:
    """Choices by score, of several with one value the first."""
    ranked = sorted(choices, key=lambda choice: (-choice.score, choice.source.distance, len(choice.source.parts)))
    seen: dict[str, Choice] = {}
    for choice in ranked:
        seen.setdefault(canonical(choice.source.value) + choice.source.name, choice)
    return list(seen.values())


def _sure(choice: Choice, ranked: list[Choice]) -> Confidence:
    others = [other for other in ranked if other is not choice]
    clear = choice is ranked[0] and (not others or choice.score - others[0].score >= CLEAR)
    return Confidence.EVIDENT if clear and choice.score >= 0.5 else Confidence.GUESS


def _same_path_elsewhere(
    problem: WrongPath, here: Situation, wanted: Target | None, *, near: bool
) -> Iterator[Proposal]:
    """Take the value from the one other step whose result has something at exactly this path."""
    found = [
        step.id
        for step in here.earlier
        if step.id != problem.ref.step
        and (value := at(here.evidence.value(step.id), problem.ref.path)) is not MISSING
        and _suits(value, wanted) > 0.0
        and problem.ref.path
    ]
    for index, step in enumerate(found[:2]):
        sure = Confidence.EVIDENT if len(found) == 1 and not near else Confidence.GUESS
        edit = BindReference(here.step.id, problem.at, Ref(step, problem.ref.path))
        evidence = f"{problem.ref.step!r} returned nothing at {problem.ref.path!r}, {step!r} did"
        yield Proposal(problem, (edit,), "same_path_elsewhere", evidence, sure, 0.85 - 0.1 * index)


def mismatch(problem: TypeMismatch, here: Situation) -> Iterator[Proposal]:
    """Point a reference that yields a whole object or list at the part of it that the argument wants."""
    wanted = _wanted(problem.at, here)
    value = inside(here.arguments, problem.at)
    if wanted is None or value is MISSING:
        return
    prefix = tuple(segments(problem.ref.path))
    inner = [
        source
        for source in here.sources
        if source.step == problem.ref.step and source.parts[: len(prefix)] == prefix and len(source.parts) > len(prefix)
    ]
    choices = [choice for source in inner if (choice := by_argument(source, wanted, here)) is not None]
    ranked = best(choices)
    for choice in ranked[:4]:
        edit = RepathReference(here.step.id, problem.at, join(list(choice.source.parts)))
        yield Proposal(problem, (edit,), "narrow_reference", choice.why, _sure(choice, ranked), choice.score)
    yield from _only_fitting(problem, here, inner, wanted)
    yield from _one_item(problem, here, value, wanted, prefix)


def _only_fitting(problem: TypeMismatch, here: Situation, inner: list[Source], wanted: Target) -> Iterator[Proposal]:
    """The one value directly inside the object that the argument takes, whatever its name."""
    depth = min((len(source.parts) for source in inner), default=0)
    fitting = [source for source in inner if len(source.parts) == depth and _suits(source.value, wanted) == 1.0]
    if len(fitting) == 1 and not fitting[0].echo:
        path = join(list(fitting[0].parts))
        evidence = f"{path!r} is the only value of {problem.ref.step!r} that the argument takes"
        edit = RepathReference(here.step.id, problem.at, path)
        yield Proposal(problem, (edit,), "only_fitting_value", evidence, Confidence.EVIDENT, 0.6)


def _one_item(
    problem: TypeMismatch, here: Situation, value: Json, wanted: Target, prefix: tuple[str, ...]
) -> Iterator[Proposal]:
    items = as_list(value)
    if (
        not items
        or not all(_suits(item, wanted) == 1.0 for item in items)
        or "array" in types_of(wanted.schema, wanted.root)
    ):
        return
    if len(items) == 1:
        edit: Edit = RepathReference(here.step.id, problem.at, join([*prefix, "0"]))
        yield Proposal(problem, (edit,), "one_item_list", "the list holds one item", Confidence.EVIDENT, 0.9)
    elif len(problem.at) == 1 and here.step.map is None:
        edit = MapStep(here.step.id, str(problem.at[0]))
        evidence = f"the argument wants one item and {problem.ref.step!r} returned {len(items)}"
        yield Proposal(problem, (edit,), "map_over_list", evidence, Confidence.GUESS, 0.6)


def by_argument(source: Source, wanted: Target, here: Situation) -> Choice | None:
    """Weigh a value for an argument by name, type, unit, whether it is an echo, and whether it is already used."""
    suits = _suits(source.value, wanted)
    if suits == 0.0 or not source.parts:
        return None
    name = source.name
    owner = " ".join(part for part in source.parts[-3:] if not part.lstrip("-").isdigit())
    alike = max(likeness(wanted.name, name), 0.95 * likeness(wanted.name, owner)) if name else 0.0
    described = str(wanted.schema.get("description", ""))
    if len(words(name)) > 1 and mentions(described, " ".join(words(name))):
        alike = max(alike, 0.8)
    if stems(wanted.name) & {"id", "key", "uuid"} and plain(name) in ("id", "key", "uuid", "identifier"):
        alike = max(alike, 0.85)
    if plain(wanted.name) in GENERIC:
        alike = min(alike, 0.4)
    unit = _unit_beside(source, wanted, here)
    generic = 0.35 if plain(name) in GENERIC else 0.0
    named = max(alike, generic, 0.6 * unit)
    score = 0.7 * named + 0.2 * suits + 0.1 * unit - (0.15 if source.echo else 0.0) - 0.02 * source.distance
    if named < 0.3 or (source.step, join(list(source.parts))) in _read_here(here):
        return None
    why = f"{source.step!r} returned {short(source.value)} at {join(list(source.parts))!r}, {alike:.2f} like {wanted.name!r}"
    return Choice(source, max(0.0, min(1.0, score)), why)


def _read_here(here: Situation) -> set[tuple[str, str]]:
    """The values that the step's other arguments already read: one step seldom wants the same value twice."""
    found = (_ref_of(value) for value in here.written.values())
    return {(ref.step, ref.path) for ref in found if ref is not None}


def _unit_beside(source: Source, wanted: Target, here: Situation) -> float:
    """1 where a unit stands beside the value in its result and is the one in the argument's name."""
    if not isinstance(source.value, int | float):
        return 0.0
    parent = as_object(at(here.evidence.value(source.step), join(list(source.parts[:-1]))))
    mine = words(source.name)[:1]
    units = [
        value
        for key, value in (parent or {}).items()
        if isinstance(value, str) and "unit" in stems(key) and (words(key)[:1] == mine or key.lower() == "unit")
    ]
    tail = words(wanted.name)[-1:] or ("",)
    return 1.0 if any(same_unit(unit, tail[0]) for unit in units) else 0.0


def refs_of(here: Situation) -> Iterator[tuple[Location, Ref]]:
    """Every reference of the step."""
    return refs_in(here.step.arguments, here.plan.by_id)


def dangling(problem: DanglingDependency, here: Situation) -> Iterator[Proposal]:
    """Point a reference to a step that is not there at the step it was meant for."""
    place = inside(here.plan.output if here.step.id == OUTPUT else here.step.arguments, problem.at)
    ref = _ref_of(place)
    if ref is None or ref.step != problem.target:
        return
    wanted = _wanted(problem.at, here)
    scored: list[tuple[float, str]] = []
    for step in here.earlier:
        value = here.evidence.value(step.id)
        alike = likeness(problem.target, step.id) if _id_alike(problem.target, step.id) else 0.0
        alike = max(alike, 0.6 * likeness(problem.target, step.tool))
        has = at(value, ref.path)
        there = 0.0 if value is MISSING else (0.4 if has is not MISSING and _suits(has, wanted) > 0.0 else -0.3)
        if alike > 0.0 and (step.id, ref.path) not in _read_here(here):
            scored.append((0.6 * alike + there + (0.1 if value is MISSING else 0.0), step.id))
    ranked = sorted(scored, key=lambda pair: -pair[0])
    for score, step in ranked[:3]:
        if score >= 0.45:
            others = [other for other, name in ranked if name != step]
            sure = Confidence.EVIDENT if score - max(others, default=0.0) >= CLEAR else Confidence.GUESS
            evidence = (
                f"there is no step {problem.target!r}; {step!r} has {ref.path!r}"
                if ref.path
                else f"{step!r} is the nearest step"
            )
            edit = BindReference(here.step.id, problem.at, Ref(step, ref.path))
            yield Proposal(problem, (edit,), "rebind_step", evidence, sure, min(1.0, score))
    if not any(score >= 0.45 for score, _ in ranked):
        name = next((part for part in reversed(segments(ref.path)) if not part.isdigit()), "")
        for proposal in bind_by_name(problem, here, wanted):
            edit = proposal.edits[0]
            if isinstance(edit, BindReference) and (not name or likeness(name, segments(edit.ref.path)[-1]) >= 0.6):
                yield replace(proposal, confidence=Confidence.GUESS)


def _id_alike(said: str, step: str) -> bool:
    ours, theirs = set(words(said)), set(words(step))
    return bool(ours & theirs) or likeness(said, step) >= 0.6


def _ref_of(value: Json) -> Ref | None:
    keys = as_object(value)
    return Ref(str(keys["$ref"]), str(keys.get("path", ""))) if keys and "$ref" in keys else None


def bind_by_name(problem: Problem, here: Situation, wanted: Target | None) -> Iterator[Proposal]:
    """Take an argument from the result that holds a value of its name, type and unit."""
    if wanted is None:
        return
    choices = [choice for source in here.sources if (choice := by_argument(source, wanted, here)) is not None]
    ranked = best(choices)
    for choice in ranked[:4]:
        if choice.score >= 0.5:
            edit = BindReference(here.step.id, problem.at, Ref(choice.source.step, join(list(choice.source.parts))))
            yield Proposal(problem, (edit,), "bind_by_name", choice.why, _sure(choice, ranked), choice.score)


def missing_from_results(problem: MissingArgument, here: Situation) -> Iterator[Proposal]:
    """Fill a missing argument from an earlier result: by name, by the next item its siblings leave, or the unused one."""
    wanted = _wanted(problem.at, here)
    if wanted is None:
        return
    found = [*_like_its_peers(problem, here, wanted), *bind_by_name(problem, here, wanted)]
    yield from found
    yield from _next_item(problem, here, wanted)
    if not found:
        yield from _unused_result(problem, here, wanted)


def _like_its_peers(problem: MissingArgument, here: Situation, wanted: Target) -> Iterator[Proposal]:
    """Read what the argument of this name reads in other steps of the plan, if they all read the same."""
    uses = [
        value
        for other in here.plan.steps
        if other.id != here.step.id and wanted.name in (as_object(other.arguments) or {})
        for value in [(as_object(other.arguments) or {})[wanted.name]]
        if not is_placeholder(value)
    ]
    if not uses or any(canonical(value) != canonical(uses[0]) for value in uses):
        return
    ref = _ref_of(uses[0])
    if ref is not None:
        ready = ref.step in {step.id for step in here.earlier} and here.evidence.value(ref.step) is not MISSING
        if ready and _suits(at(here.evidence.value(ref.step), ref.path), wanted) == 1.0:
            evidence = f"{wanted.name!r} reads this in {len(uses)} other step(s)"
            edit: Edit = BindReference(here.step.id, problem.at, ref)
            yield Proposal(problem, (edit,), "like_its_peers", evidence, Confidence.EVIDENT, 0.9)
    elif _suits(uses[0], wanted) == 1.0 and type_name(uses[0]) == "string":
        sure = Confidence.EVIDENT if len(uses) > 1 else Confidence.GUESS
        evidence = f"{wanted.name!r} is {short(uses[0])} in {len(uses)} other step(s)"
        edit = SetArgument(here.step.id, problem.at, uses[0])
        yield Proposal(problem, (edit,), "like_its_peers", evidence, sure, 0.7)


def _next_item(problem: MissingArgument, here: Situation, wanted: Target) -> Iterator[Proposal]:
    """Two arguments that read items of one list: the one left out reads the item that is left over."""
    for name, value in here.written.items():
        ref = _ref_of(value)
        parts = segments(ref.path) if ref is not None else []
        places = [index for index, part in enumerate(parts) if part.isdigit()]
        if ref is None or not places:
            continue
        at_list = places[-1]
        items = as_list(at(here.evidence.value(ref.step), join(parts[:at_list]))) or []
        free = [index for index in range(len(items)) if str(index) != parts[at_list]]
        if len(items) == 2 and len(free) == 1:
            path = join([*parts[:at_list], str(free[0]), *parts[at_list + 1 :]])
            if _suits(at(here.evidence.value(ref.step), path), wanted) == 1.0:
                evidence = f"{name!r} reads one of the two items of {ref.step!r}; the other is unused"
                edit = BindReference(here.step.id, problem.at, Ref(ref.step, path))
                yield Proposal(problem, (edit,), "other_item", evidence, Confidence.GUESS, 0.65)


def _unused_result(problem: MissingArgument, here: Situation, wanted: Target) -> Iterator[Proposal]:
    """The one earlier step that nothing reads, if its result holds one fitting value that is no echo."""
    used = {source.step for source in here.sources if source.used}
    free = [step.id for step in here.earlier if step.id not in used and here.evidence.value(step.id) is not MISSING]
    options = [
        source
        for source in here.sources
        if source.step in free and source.parts and not source.echo and _suits(source.value, wanted) == 1.0
    ]
    options = [
        source for source in options if not isinstance(source.value, str | dict | list | bool) or len(options) == 1
    ]
    if len(free) >= 1 and len(options) == 1:
        source = options[0]
        evidence = f"nothing else reads {source.step!r}, and this is the only value it found that fits"
        edit = BindReference(here.step.id, problem.at, Ref(source.step, join(list(source.parts))))
        yield Proposal(problem, (edit,), "unused_result", evidence, Confidence.GUESS, 0.6)


_PLACEHOLDER = re.compile(
    r"^\s*(?:[<\[{(]+[^<>\[\]{}]*[>\]})]+|\$\{?[\w.]+\}?|(?:the )?(?:result|output|response|value|answer)s? (?:of|from) .*|"
    r"(?:tbd|todo|fixme|placeholder|unknown|xxx+|to be (?:determined|filled|decided)|fill[_ ]?in|pending)|"
    r"(?=.*_)[A-Z_]*(?:RESULT|OUTPUT|PREVIOUS|PLACEHOLDER|FROM_STEP|YOUR|INSERT|STEP_?\d)[A-Z_\d]*)\s*$",
    re.IGNORECASE,
)
_SHOUTED = re.compile(r"^[A-Z][A-Z_]{3,}$")


def is_placeholder(value: Json) -> bool:
    """Tell whether a text stands for a value that was to be filled in: `<user_id>`, `TBD`, `RESULT_FROM_STEP_1`."""
    return isinstance(value, str) and _PLACEHOLDER.match(value) is not None


def placeholder(problem: Problem, here: Situation) -> Iterator[Proposal]:
    """Bind an argument that holds a placeholder to the earlier value of its name and type."""
    for name, value in here.written.items():
        schema = here.argument_schema(name)
        if schema is None or not is_placeholder(value):
            continue
        wanted = Target(schema, here.schema, name)
        gap = MissingArgument(step=here.step.id, at=(name,), name=name, message="")
        named = [
            step
            for step in here.earlier
            if re.search(rf"\b{re.escape(step.id)}\b|\b{re.escape(step.tool)}\b", str(value))
        ]
        for proposal in _within(named, gap, here, wanted) or [
            *missing_from_results(gap, here),
            *_nearest_result(gap, here, wanted),
        ]:
            evidence = f"{value!r} is a placeholder; {proposal.evidence}"
            yield Proposal(problem, proposal.edits, "fill_placeholder", evidence, proposal.confidence, proposal.score)


def _within(named: list[Step], gap: MissingArgument, here: Situation, wanted: Target) -> list[Proposal]:
    ids = {step.id for step in named}
    choices = [
        c for source in here.sources if source.step in ids and (c := by_argument(source, wanted, here)) is not None
    ]
    ranked = best(choices)
    return [
        Proposal(gap, (BindReference(here.step.id, gap.at, Ref(c.source.step, join(list(c.source.parts)))),), "bind_by_name", c.why, _sure(c, ranked), c.score)
        for c in ranked[:3]
    ]  # fmt: skip


def _nearest_result(gap: MissingArgument, here: Situation, wanted: Target) -> Iterator[Proposal]:
    """The first fitting value of the nearest earlier step, for want of any name."""
    for source in here.sources:
        if source.distance == 0 and source.parts and not source.echo and _suits(source.value, wanted) == 1.0:
            edit = BindReference(here.step.id, gap.at, Ref(source.step, join(list(source.parts))))
            yield Proposal(
                gap,
                (edit,),
                "nearest_result",
                f"the step before returned {short(source.value)}",
                Confidence.GUESS,
                0.35,
            )
            return


def invented_literal(problem: Problem, here: Situation) -> Iterator[Proposal]:
    """Bind an argument whose value stands neither in the goal nor in any result to the earlier value of its name."""
    if here.evidence.single or not here.plan.goal:
        return
    known = {canonical(source.value) for source in here.sources}
    for name, value in here.written.items():
        schema = here.argument_schema(name)
        invented = type_name(value) in ("string", "integer", "number") and canonical(value) not in known
        if (
            schema is None
            or not invented
            or not fits(schema, value)
            or is_placeholder(value)
            or mentions(here.plan.goal, str(value))
        ):
            continue
        wanted = Target(schema, here.schema, name)
        gap = MissingArgument(step=here.step.id, at=(name,), name=name, message="")
        for proposal in bind_by_name(gap, here, wanted):
            if proposal.score >= 0.8:
                evidence = f"{value!r} stands neither in the goal nor in any result; {proposal.evidence}"
                yield Proposal(problem, proposal.edits, "invented_literal", evidence, Confidence.GUESS, proposal.score)


def cyclic(problem: CyclicDependency, here: Situation) -> Iterator[Proposal]:
    """Break a cycle at the reference to a later step, which cannot have been meant: bind it elsewhere."""
    listed = [step.id for step in here.plan.steps]
    mine = listed.index(here.step.id)
    for name, value in here.written.items():
        ref = _ref_of(value)
        if ref is None or ref.step not in problem.cycle or listed.index(ref.step) < mine:
            continue
        schema = here.argument_schema(name)
        gap = MissingArgument(step=here.step.id, at=(name,), name=name, message="")
        if schema is not None:
            for proposal in bind_by_name(gap, here, Target(schema, here.schema, name)):
                evidence = f"{here.step.id!r} cannot read {ref.step!r}, which waits for it; {proposal.evidence}"
                yield Proposal(problem, proposal.edits, "break_cycle", evidence, Confidence.GUESS, proposal.score)
