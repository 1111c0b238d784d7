"""Rules for arguments that came in a wrapper: JSON text, a lone key around them, or without the key they need."""

from __future__ import annotations

import re
from collections.abc import Iterator

from proxy.repair.view.coerce import Target, coerce, short
from proxy.repair.view.scalars import read_json
from proxy.repair.view.schema import breaches, property_names
from proxy.repair.view.step import StepView
from proxy.repair.view.tool_fit import WRAPPERS
from proxy.repair.view.values import MISSING, resolve
from proxy.repair.view.words import plain
from schemas.catalog import Json, as_list, as_object
from schemas.edit import Confidence, Proposal, SetArgument, UnwrapValue, WrapValue
from schemas.plan import as_ref
from schemas.problem import MissingArgument, Problem, UnexpectedArgument, WrongType


def envelope(problem: WrongType, here: StepView) -> Iterator[Proposal]:
    """Open arguments that came as text: JSON, fenced, twice encoded, a Python literal, or without their braces."""
    if problem.at:
        return
    value = here.step.arguments
    opened: Json = MISSING
    rule, sure = "arguments_as_text", Confidence.LOSSLESS
    if value is None or value == "":
        opened, rule = {}, "no_arguments"
    elif isinstance(value, str):
        reading = read_json(value)
        if reading is not None:
            opened, rule, sure = reading.value, reading.rule, reading.confidence
    elif len(as_list(value) or []) == 1:
        opened, rule, sure = (as_list(value) or [])[0], "one_item_list", Confidence.EVIDENT
    if as_object(opened) is not None:
        edit = UnwrapValue(here.step.id, (), opened)
        yield Proposal(problem, (edit,), rule, f"the arguments were written as {short(value)}", sure)


def wrapper_key(problem: UnexpectedArgument, here: StepView) -> Iterator[Proposal]:
    """Take arguments out of a key that the tool does not know, if every key inside is an argument whose value fits.

    What else may be wrong with the step is for other rules.
    """
    if len(problem.at) != 1 or here.tool is None:
        return
    rest = {name: value for name, value in here.written.items() if name != problem.name}
    inner = here.written.get(problem.name)
    if isinstance(inner, str):
        reading = read_json(inner)
        inner = reading.value if reading else None
    inside = as_object(inner)
    if inside is None or as_ref(inner) is not None or set(inside) & set(rest):
        return
    if rest and not inside and plain(problem.name) not in WRAPPERS:
        return
    merged = {**rest, **inside}
    if set(inside) <= set(property_names(here.schema, here.schema)) and _fits_or_coerces(merged, here, set(rest)):
        edit = UnwrapValue(here.step.id, (), merged)
        evidence = f"what stands in {problem.name!r} satisfies the tool's schema, and the tool knows no such key"
        yield Proposal(problem, (edit,), "wrapper_key", evidence, Confidence.LOSSLESS)


def missing_wrapper(problem: MissingArgument, here: StepView) -> Iterator[Proposal]:
    """Put all arguments into the one object that the tool requires, if they satisfy that object's schema."""
    if len(problem.at) != 1 or here.tool is None or not here.written:
        return
    declared = set(property_names(here.schema, here.schema))
    schema = here.argument_schema(problem.name)
    if schema is None or declared & set(here.written):
        return
    inner = set(property_names(schema, here.schema))
    if inner and set(here.written) <= inner:
        edit = WrapValue(here.step.id, (), {problem.name: dict(here.written)})
        evidence = f"every argument is a key of {problem.name!r}, the object that the tool requires"
        yield Proposal(problem, (edit,), "missing_wrapper", evidence, Confidence.LOSSLESS)


def _fits_or_coerces(arguments: dict[str, Json], here: StepView, beside: set[str]) -> bool:
    """Tell whether arguments satisfy the schema as they are or rewritten; those `beside` a wrapper do not count."""
    filled = resolve(arguments, here.evidence.values(here.plan))[0]
    known = {name: value for name, value in (as_object(filled) or {}).items() if value is not MISSING}
    for breach in breaches(here.schema, known):
        if breach.keyword == "required" and set(as_list(breach.detail) or []) <= set(arguments):
            continue
        if breach.at and breach.at[0] in beside:
            continue
        if breach.keyword in ("required", "additionalProperties"):
            if beside:
                continue
            return False
        if not breach.at:
            return False
        name = str(breach.at[0])
        schema = here.argument_schema(name)
        if schema is None or not coerce(known[name], Target(schema, here.schema, name)):
            return False
    return True


_BLEED = re.compile(r"</(?P<own>[\w-]+)>\s*(?P<rest>(?:<(?P<key>[\w-]+)>.*)?)$", re.DOTALL)
_TAGGED = re.compile(r"<([\w-]+)>(.*?)(?:</\1>|$)\s*", re.DOTALL)


def tag_bleed(problem: Problem, here: StepView) -> Iterator[Proposal]:
    """Separate arguments that ran into one text: `long text</content> <domain>infra</domain>`."""
    for name, value in here.written.items():
        match = (
            re.search(rf"</{re.escape(name)}>\s*((?:<[\w-]+>.*)?)$", value, re.DOTALL)
            if isinstance(value, str) and f"</{name}>" in value
            else None
        )
        if match is None:
            continue
        found = dict(_TAGGED.findall(match[1]))
        declared = set(property_names(here.schema, here.schema))
        if set(found) & set(here.written) or (declared and not set(found) <= declared) or not isinstance(value, str):
            continue
        edits = [SetArgument(here.step.id, (name,), value[: match.start()])]
        for key, text in found.items():
            reading = read_json(text)
            edits.append(SetArgument(here.step.id, (key,), reading.value if reading else text))
        evidence = f"the text of {name!r} closes its own tag and opens those of {', '.join(found) or 'nothing'}"
        yield Proposal(problem, tuple(edits), "tag_bleed", evidence, Confidence.EVIDENT, 0.9)
