"""Find what is wrong with a plan: before it runs, and from what its steps answered.

Pure. Every problem is certain by plan, catalog, schema or reply; what to do about it is not decided here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from catalog_cache.names import resolve as resolve_name
from proxy.repair.read.refusal import Reading, error_text, read
from proxy.repair.read.spelled import spelled_references
from proxy.repair.view.schema import Breach, breaches, property_names, type_name
from proxy.repair.view.step import OUTPUT, Evidence, StepView
from proxy.repair.view.values import LARGEST, LONGEST_TEXT, MISSING, Unresolved, inside, larger, resolve
from proxy.repair.view.words import plain
from schemas.catalog import Json, as_list, as_object, canonical
from schemas.plan import Location, Plan, Ref, Step, as_ref, refs_in, walk
from schemas.problem import (
    AmbiguousTool,
    BadFormat,
    CyclicDependency,
    DanglingDependency,
    DuplicateStep,
    MissingArgument,
    Problem,
    TypeMismatch,
    UnexpectedArgument,
    UnknownTool,
    UnresolvedReference,
    UpstreamDown,
    ValueNotAllowed,
    WrongPath,
    WrongType,
)
from schemas.trial import StepRun, Verdict

BLOCKS_SENDING = (
    UnknownTool,
    AmbiguousTool,
    DuplicateStep,
    DanglingDependency,
    CyclicDependency,
    WrongPath,
    MissingArgument,
    UpstreamDown,
)
"""Problems with which a step is not sent as written (with arguments that are no object)."""


_LIMITS = frozenset(
    "enum const minimum maximum exclusiveMinimum exclusiveMaximum maxLength minLength maxItems minItems multipleOf "
    "uniqueItems".split()
)
"""Keywords that say which values of a type are allowed."""


def diagnose(plan: Plan, evidence: Evidence) -> tuple[Problem, ...]:
    """Every problem of a plan at once, in listed order of its steps, its output last."""
    found: list[Problem] = []
    for step in plan.by_id.values():
        found.extend(static_problems(view_of(plan, step, evidence)))
    return (*found, *output_problems(plan, evidence))


def view_of(plan: Plan, step: Step, evidence: Evidence) -> StepView:
    """Gather what is known about one step; an error reply counts only for the very call that caused it.

    A result that only broke a validator is no error reply, and its text is not read as one.
    """
    tool = evidence.catalog.origin(step.server or "", step.tool)
    found = StepView(plan, step, tool, evidence)
    run = evidence.runs.get(step.id)
    if run is None or not evidence.feedback or not _same_call(run, found):
        return found
    return StepView(plan, step, tool, evidence, reading_of(run, tool.properties if tool else ()))


def _same_call(run: StepRun, now: StepView) -> bool:
    accepted = run.reply is not None and run.reply.result is not None and not run.reply.refused
    if run.verdict in (Verdict.BLOCKED, Verdict.NOT_SENT, Verdict.OK) or (accepted and run.verdict is Verdict.FAILED):
        return False
    same_tool = (run.server, run.tool) == (now.step.server, now.step.tool)
    return same_tool and (now.step.map is not None or canonical(run.arguments) == canonical(now.resolved[0]))


def reading_of(run: StepRun, names: Iterable[str] = ()) -> Reading:
    """Read the error text of a failed run; `names` are the arguments that its tool declares."""
    return Reading() if run.reply is None else read(error_text(run.reply), run.arguments, names)


def static_problems(here: StepView) -> tuple[Problem, ...]:
    """What is wrong with a step by plan, catalog, schema and the results it refers to."""
    found: list[Problem] = list(_tool_problems(here))
    repeated = len(here.plan.by_id) < len(here.plan.steps)
    if repeated and sum(step.id == here.step.id for step in here.plan.steps) > 1:
        message = f"the step id {here.step.id!r} is used more than once"
        found.append(DuplicateStep(step=here.step.id, twin=here.step.id, message=message))
    found.extend(_reference_problems(here))
    arguments = here.resolved[0]
    if as_object(arguments) is None:
        kind = type_name(arguments) if arguments is not MISSING else "an unresolved reference"
        message = f"arguments must be an object, not {kind}"
        return (*found, WrongType(step=here.step.id, value=here.step.arguments, message=message))
    if here.tool is not None:
        named = dict(spelled_references(here))
        found.extend(_spelled_reference(here, name, text) for name, text in named.items())
        found.extend(problem for problem in _schema_problems(here) if str((*problem.at, "")[0]) not in named)
    return tuple(found)


def _spelled_reference(here: StepView, name: str, text: str) -> MissingArgument:
    message = f"{text!r} stands for a value that was to be filled in"
    return MissingArgument(step=here.step.id, at=(name,), name=name, message=message)


def _tool_problems(here: StepView) -> Iterator[Problem]:
    if here.tool is not None:
        return
    step = here.step
    options = resolve_name(here.evidence.catalog, step.tool)
    named = f"{step.server}/{step.tool}" if step.server else step.tool
    absent = _absent(here)
    if absent is not None:
        yield UpstreamDown(step=step.id, message=f"{absent} lists no tools at present, so {named!r} cannot be called")
    elif len(options) > 1:
        message, candidates = f"{named!r} fits {len(options)} tools", tuple(tool.public for tool in options[:5])
        yield AmbiguousTool(step=step.id, tool=step.tool, message=message, candidates=candidates)
    else:
        message = f"no upstream offers a tool {named!r}"
        yield UnknownTool(step=step.id, tool=step.tool, server=step.server, message=message)


def _absent(here: StepView) -> str | None:
    """The upstream that a step names and that lists no tool."""
    said = {plain(here.step.server or ""), *(plain(head) for head in re.split(r"__|[.:/]", here.step.tool)[:-1])} - {""}
    return next((name for name in sorted(here.evidence.absent) if plain(name) in said), None)


def _reference_problems(here: StepView) -> Iterator[Problem]:
    ids = here.plan.by_id
    step = here.step
    for target in dict.fromkeys([*(ref.step for _, ref in step.refs(ids)), *step.after]):
        if target not in ids:
            where = next((at for at, ref in step.refs(ids) if ref.step == target), ())
            message = f"there is no step {target!r} to take a value from"
            yield DanglingDependency(step=step.id, at=where, target=target, message=message)
    loop = here.plan.cycle
    if step.id in loop:
        trail = " → ".join((*loop, loop[0]))
        yield CyclicDependency(step=step.id, cycle=loop, message=f"steps wait for one another: {trail}")
    for missing in here.resolved[1]:
        if missing.ref.step in ids and missing.ran:
            yield _wrong_path(step.id, missing, here.evidence)


def _wrong_path(step: str, missing: Unresolved, evidence: Evidence) -> Problem:
    if missing.too_long:
        message = f"with {missing.ref.step!r} filled in, this text would be longer than {LONGEST_TEXT:,} characters"
        return UnresolvedReference(step=step, at=missing.at, message=message)
    value = evidence.value(missing.ref.step)
    has = ", ".join(list(as_object(value) or {})[:8]) or type_name(value)
    message = f"the result of {missing.ref.step!r} has nothing at {missing.ref.path!r} (it has: {has})"
    return WrongPath(step=step, at=missing.at, ref=missing.ref, message=message)


def _schema_problems(here: StepView) -> Iterator[Problem]:
    arguments = {name: value for name, value in here.arguments.items() if value is not MISSING}
    pending = set(here.arguments) - set(arguments)
    nested = [where for where, value in walk(arguments) if value is MISSING]
    for breach in _breaches(here, _without_missing(arguments)):
        if any(breach.at[: len(where)] == where or where[: len(breach.at)] == breach.at for where in nested):
            continue
        yield from _from_breach(here, breach, pending)
    declared = set(property_names(here.schema, here.schema))
    closed = here.schema.get("additionalProperties") is False
    for name in here.written:
        if declared and name not in declared and not closed:
            forbidden, message = name in here.reading.unexpected, f"the tool knows no argument {name!r}"
            yield UnexpectedArgument(step=here.step.id, at=(name,), name=name, forbidden=forbidden, message=message)


def _breaches(here: StepView, arguments: dict[str, Json]) -> list[Breach]:
    """How arguments break the schema; a mapped argument counts item by item, the first bad one speaks for all."""
    items = as_list(arguments.get(here.step.map or ""))
    if items is None:
        return breaches(here.schema, arguments)
    calls = ({**arguments, str(here.step.map): item} for item in items)
    return next((found for call in calls if (found := breaches(here.schema, call))), list[Breach]())


def _without_missing(value: Json) -> Json:
    keys, items = as_object(value), as_list(value)
    if keys is not None:
        return {key: _without_missing(inner) for key, inner in keys.items() if inner is not MISSING}
    if items is not None:
        return [_without_missing(inner) for inner in items if inner is not MISSING]
    return value


def _from_breach(here: StepView, breach: Breach, pending: set[str]) -> Iterator[Problem]:
    step = here.step.id
    ref_at, ref = _ref_above(here.step.arguments, breach.at)
    if ref is not None and not here.evidence.typed:
        return
    if ref is not None:
        message = f"the referenced value does not fit: {breach.message}"
        yield TypeMismatch(step=step, at=ref_at, ref=ref, value=breach.value, message=message)
        return
    match breach.keyword:
        case "required":
            name = str(breach.detail)
            if breach.at or name not in pending:
                message = f"the required argument {name!r} is missing"
                yield MissingArgument(step=step, at=(*breach.at, name), name=name, message=message)
        case "additionalProperties" | "unevaluatedProperties":
            known = property_names(breach.schema, here.schema)
            for name in [name for name in as_object(breach.value) or {} if name not in known]:
                at, message = (*breach.at, name), f"the schema forbids {name!r}"
                yield UnexpectedArgument(step=step, at=at, name=name, forbidden=True, message=message)
        case keyword if keyword in _LIMITS:
            allowed = tuple(as_list(breach.detail) or ([breach.detail] if breach.keyword == "const" else []))
            yield ValueNotAllowed(step=step, at=breach.at, value=breach.value, allowed=allowed, message=breach.message)
        case "format" | "pattern":
            yield BadFormat(step=step, at=breach.at, value=breach.value, message=breach.message)
        case _:
            yield WrongType(step=step, at=breach.at, value=breach.value, message=breach.message)


def _ref_above(arguments: Json, where: Location) -> tuple[Location, Ref | None]:
    for length in range(len(where) + 1):
        ref = as_ref(inside(arguments, where[:length]))
        if ref is not None:
            return where[:length], ref
    return (), None


def output_problems(plan: Plan, evidence: Evidence) -> tuple[Problem, ...]:
    """References in `output` that lead nowhere: to no step, or to nothing in its result."""
    if plan.output is None:
        return ()
    ids = plan.by_id
    found: list[Problem] = []
    for where, ref in refs_in(plan.output, ids):
        if ref.step not in ids:
            message = f"there is no step {ref.step!r} to take the output from"
            found.append(DanglingDependency(step=OUTPUT, at=where, target=ref.step, message=message))
    value, missing = resolve(plan.output, evidence.values(plan))
    if larger(value):
        message = f"the output would come to more than {LARGEST:,} characters"
        found.append(UnresolvedReference(step=OUTPUT, message=message))
    found.extend(_wrong_path(OUTPUT, failed, evidence) for failed in missing if failed.ran and failed.ref.step in ids)
    return tuple(found)
