"""Rules for values that do not fit their schema, or that the upstream refuses although they do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from proxy.repair.view.choices import Coercion, choose
from proxy.repair.view.coerce import Target, coerce, short
from proxy.repair.view.moments import as_moment, in_layout, told_layout, wanted_layout, wants_moment
from proxy.repair.view.opposites import opposite
from proxy.repair.view.scalars import whole
from proxy.repair.view.schema import accepts, fits, property_names, required_names, type_name, types_of
from proxy.repair.view.step import StepView
from proxy.repair.view.tables import as_number, code_of
from proxy.repair.view.values import MISSING, inside
from proxy.repair.view.words import likeness, words
from schemas.catalog import Effect, Json, as_list
from schemas.edit import CoerceArgument, Confidence, DropArgument, Edit, Proposal
from schemas.plan import Location, as_ref, refs_in
from schemas.problem import BadFormat, Problem, Refused, TypeMismatch, UntypedRefused, ValueNotAllowed, WrongType

NEAR = 0.65
"""Likeness from which a value that an upstream suggests is the sent one, misspelled."""
UNSENT = 0.4
"""Share of a score that leaves a proposal below what is ever tried: it is only told to the client."""


COMMON = frozenset(
    """
    same_unit described_code unit_conversion one_item_list one_key_object null_for_optional null_as_text date_layout
    time_layout date_time_layout moment_as_ticks ticks_as_moment number_words arithmetic json_in_string trimmed
    scalar_for_list counted_number
    """.split()
)
"""Readings that the schema spells out or that lose nothing. Every other one follows a habit of writing that its author
may not share, `a, b` for two items or `no` for false, so that it is only a guess where it could have an effect."""


def coerced(problem: WrongType | ValueNotAllowed | BadFormat, here: StepView) -> Iterator[Proposal]:
    """Rewrite a value so that it fits its schema, at the place of the breach or at the argument around it."""
    if not problem.at:
        return
    for where in dict.fromkeys([problem.at[:1], problem.at]):
        value = inside(here.step.arguments, where)
        if value is MISSING or as_ref(value) is not None:
            continue
        options = _around_references(value, where, here)
        if options is None:
            options = [_as_sure_as_here(option, here) for option in coerce(value, target_at(where, here))]
        yield from (_proposal(problem, here, where, option, _scale(option, where, here)) for option in options)
        if options:
            return


def _around_references(value: Json, where: Location, here: StepView) -> list[Coercion] | None:
    """The lone reference out of a list that is none by schema; None for values that hold no references.

    A value that holds references is never rewritten by itself: they would be sent as they are written.
    """
    if not any(True for _ in refs_in(value, here.plan.by_id)):
        return None
    items = as_list(value)
    target = target_at(where, here)
    lone = items is not None and len(items) == 1 and as_ref(items[0]) is not None
    if lone and not accepts(target.schema, target.root, "array") and items is not None:
        found = inside(here.arguments, (*where, 0))
        if found is not MISSING and (fits(target.schema, found) or coerce(found, target)):
            return [Coercion(items[0], "one_item_list", Confidence.EVIDENT, "the schema wants a single value")]
    return []


def target_at(where: Location, here: StepView) -> Target:
    """What a value at this location should fit."""
    name = str(where[-1])
    required = name in required_names(here.schema_at(where[:-1]), here.schema)
    return Target(here.schema_at(where), here.schema, name, required)


def _as_sure_as_here(option: Coercion, here: StepView) -> Coercion:
    """The reading, only a guess where it follows a habit and the tool does not surely read."""
    reads = here.tool is not None and here.tool.effect is Effect.READ
    habit = option.confidence is Confidence.EVIDENT and not COMMON.issuperset(option.rule.split(", "))
    return replace(option, confidence=Confidence.GUESS) if habit and not reads else option


def _proposal(problem: Problem, here: StepView, where: Location, option: Coercion, scale: float = 1.0) -> Proposal:
    if option.value is MISSING:
        edit: Edit = DropArgument(here.step.id, where)
    else:
        edit = CoerceArgument(here.step.id, where, option.value)
    score = scale * {Confidence.LOSSLESS: 1.0, Confidence.EVIDENT: 0.9, Confidence.GUESS: 0.6}[option.confidence]
    return Proposal(problem, (edit,), option.rule, option.evidence, option.confidence, score)


def _scale(option: Coercion, where: Location, here: StepView) -> float:
    """Keep a date from being sent as its midnight at the ends of a range: the last day may be meant to its end."""
    names = property_names(here.schema_at(where[:-1]), here.schema) if "midnight_utc" in option.rule else ()
    return UNSENT if any(opposite(str(where[-1]), name) for name in names) else 1.0


def upstream_choice(problem: ValueNotAllowed, here: StepView) -> Iterator[Proposal]:
    """Choose among the values that the upstream itself listed as accepted."""
    value = inside(here.step.arguments, problem.at)
    if isinstance(value, str) and problem.at:
        texts = tuple(str(option) for option in problem.allowed)
        for option in choose(value, texts):
            yield _proposal(problem, here, problem.at, option)
        if len(texts) == 1:
            found = Coercion(texts[0], "upstream_suggestion", Confidence.GUESS, f"the upstream suggests {texts[0]!r}")
            yield _proposal(problem, here, problem.at, found, 0.8 if likeness(value, texts[0]) >= NEAR else UNSENT)


def as_upstream_wants(problem: UntypedRefused, here: StepView) -> Iterator[Proposal]:
    """Rewrite a value to the type that the upstream's error asks for, where the schema leaves it open or is wrong."""
    value = inside(here.step.arguments, problem.at)
    if value is MISSING or as_ref(value) is not None or not problem.at:
        return
    declared = here.schema_at(problem.at)
    wanted = {"type": problem.wanted}
    if isinstance(declared.get("items"), dict) and problem.wanted == "array":
        wanted = {**wanted, "items": declared["items"]}
    for option in coerce(value, Target(wanted, here.schema, str(problem.at[-1]))):
        evidence = f"the upstream wants {problem.wanted}; {option.evidence}"
        sure = max(option.confidence, Confidence.EVIDENT, key=lambda confidence: confidence.rank)
        yield _proposal(problem, here, problem.at, Coercion(option.value, option.rule, sure, evidence))


def integral_floats(problem: Problem, here: StepView) -> Iterator[Proposal]:
    """Write 7.0 as 7 where the schema wants an integer: valid JSON Schema, refused by many servers."""
    edits: list[Edit] = []
    for name, value in here.written.items():
        schema = here.argument_schema(name)
        kinds = types_of(schema, here.schema) if schema is not None else set[str]()
        if isinstance(value, float) and whole(value) and "integer" in kinds and "number" not in kinds:
            edits.append(CoerceArgument(here.step.id, (name,), int(value)))
    if edits:
        yield Proposal(problem, tuple(edits), "integral_float", "the schema wants integers", Confidence.LOSSLESS)


def empty_optionals(problem: Problem, here: StepView) -> Iterator[Proposal]:
    """Leave out optional arguments that are empty, once the upstream has refused the call because of them.

    Of texts all that are empty go, of lists and objects those that the refusal names: an empty one may be meant.
    """
    required, text = here.tool.required if here.tool else (), here.reading.text
    empty = [name for name, value in here.written.items() if value in ("", [], {}) and name not in required]
    told = any(said in text for said in ('""', "''")) or "empty" in text.lower()
    texts = [name for name in empty if here.written[name] == ""]
    gone = texts if told or set(texts) & set(here.blamed) else []
    gone += [name for name in empty if name not in texts and name in here.blamed]
    if gone:
        reads = here.tool is not None and here.tool.effect is Effect.READ
        sure = Confidence.LOSSLESS if reads else Confidence.EVIDENT
        evidence = f"the upstream refuses {', '.join(gone)}, which say nothing; the schema lets them be left out"
        edits = tuple(DropArgument(here.step.id, (name,)) for name in gone)
        yield Proposal(problem, edits, "empty_optional", evidence, sure, 0.85)


def decoded(problem: Refused, here: StepView) -> Iterator[Proposal]:
    """Decode JSON inside texts of an argument that the refusal names, although the schema calls it text."""
    for name in here.reading.named:
        value: Json = here.written.get(name)
        if value is None or not _asks_for_structure(here.reading.text):
            continue
        kind = "array" if isinstance(value, list) else "object"
        schema = {"type": kind, "items": {"type": "object"}} if kind == "array" else {"type": kind}
        for option in coerce(value, Target(schema, here.schema, name)):
            evidence = f"the upstream refuses {name!r} as text; {option.evidence or short(value)}"
            untyped = UntypedRefused(step=here.step.id, at=(name,), value=value, wanted=kind, message=problem.message)
            found = Coercion(option.value, "json_in_string", Confidence.EVIDENT, evidence)
            yield _proposal(untyped, here, (name,), found)


def _asks_for_structure(text: str) -> bool:
    return bool(
        {"object", "objects", "array", "list", "dict", "dictionary", "mapping", "json", "string", "str"}
        & set(words(text))
    )


def laid_out(problem: Problem, here: StepView) -> Iterator[Proposal]:
    """Rewrite dates and times to the layout that the refusal, or the argument's description, asks for."""
    asked = told_layout(here.reading.text)
    for name, value in here.written.items():
        schema = here.argument_schema(name)
        full = asked is None and schema is not None and wants_moment(schema)
        layout = "RFC 3339" if full else asked or (wanted_layout(schema) if schema is not None else None)
        if not isinstance(value, str) or layout is None or schema is None or len(value) > 60:
            continue
        reading = as_moment(value) if full else in_layout(value, layout)
        if reading is not None and reading.value != value and fits(schema, reading.value):
            evidence = f"{value!r} in the layout that the {'refusal' if asked else 'schema'} asks for ({layout})"
            option = Coercion(reading.value, reading.rule, reading.confidence, evidence)
            yield _proposal(problem, here, (name,), option, _scale(option, (name,), here))


def coded(problem: Problem, here: StepView) -> Iterator[Proposal]:
    """Write the code for a label, where the description of the refused argument tabulates both."""
    for name in here.blamed:
        value, schema = here.written.get(name), here.argument_schema(name)
        code = code_of(value, str((schema or {}).get("description", ""))) if isinstance(value, str) else None
        forms = (as_number(code), code) if code is not None and code != value else ()
        form = next((form for form in forms if form is not None and fits(schema or {}, form)), None)
        if form is not None:
            evidence = f"the upstream refuses {value!r} in {name!r}, and the description says that this is {code}"
            yield _proposal(problem, here, (name,), Coercion(form, "described_code", Confidence.EVIDENT, evidence))


def referenced(problem: TypeMismatch, here: StepView) -> Iterator[Proposal]:
    """Write the referenced value into the argument in the type it wants, where no other path of the result fits."""
    value = inside(here.arguments, problem.at)
    if value is MISSING or not problem.at:
        return
    if type_name(value) in ("object", "array"):
        return
    for option in (_as_sure_as_here(each, here) for each in coerce(value, target_at(problem.at, here))):
        if option.value is MISSING:
            continue
        evidence = f"{problem.ref.step!r} returned {short(value)}; {option.evidence}"
        sure = max(option.confidence, Confidence.EVIDENT, key=lambda confidence: confidence.rank)
        found = Coercion(option.value, f"referenced value: {option.rule}", sure, evidence)
        yield _proposal(problem, here, problem.at, found, 0.7)
