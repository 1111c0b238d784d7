"""The ten kinds of faults of chains, and how each is made: those of any plan, and those of units and servers. Pure."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

from evals.heldout import links, names, values
from evals.heldout.draft import Breaker, Draft, Fault, Place, breaker, put

UNITS: Mapping[str, tuple[str, ...]] = {
    "pound": ("lb", "lbs", "pounds", "Pound"),
    "kilogram": ("kg", "kgs", "Kilograms", "KG"),
    "foot": ("ft", "feet", "Foot"),
    "inch": ("in", "inches", "Inch"),
    "meter": ("m", "meters", "metre", "Meters"),
    "centimeter": ("cm", "centimeters", "centimetre"),
    "miles per hour": ("mph", "miles_per_hour", "mile per hour", "mi/h"),
    "kilometers per hour": ("km/h", "kph", "kilometers_per_hour"),
    "meters per second": ("m/s", "meters_per_second", "meter per second"),
    "newtons": ("N", "newton", "Newtons"),
    "kilonewtons": ("kN", "kilonewton"),
    "pascal": ("Pa", "pascals", "Pascal"),
    "psi": ("PSI", "pounds per square inch"),
    "joule": ("J", "joules", "Joules"),
    "kilocalorie": ("kcal", "kilocalories", "Kilocalorie"),
    "gigabytes": ("GB", "gigabyte", "Gigabytes"),
    "megabytes": ("MB", "megabyte"),
    "celsius": ("C", "°C", "degC", "Celsius"),
    "fahrenheit": ("F", "°F", "degF", "FAHRENHEIT"),
}
"""A unit as a converter names it, and as writers do."""

_MADE_UP = ("math", "tools", "mcp", "utilities", "calculator")
_INSIDE = ("result", "data", "output", "structuredContent", "response")


def _unit_spelled(at: Place) -> Any:
    known = isinstance(at.value, str) and at.value in UNITS and "enum" in at.schema
    return at.rng.choice(UNITS[at.value]) if known else None


def _unit_beside(at: Place) -> Any:
    unit = at.step["arguments"].get("from_unit")
    if not isinstance(at.value, int | float) or isinstance(at.value, bool) or unit not in UNITS:
        return None
    return f"{at.value} {at.rng.choice([unit, *UNITS[unit]])}"


def _inside(at: Place) -> Any:
    return at.to(f"{at.rng.choice(_INSIDE)}.{at.value['path']}") if at.value.get("path") else None


def _renamed(at: Place) -> Any:
    head, dot, last = at.value.get("path", "").rpartition(".")
    options = [f"{last}_value", f"final_{last}", last.split("_")[-1]]
    new = names.synonym(last, at.rng) or at.rng.choice(options)
    return at.to(f"{head}{dot}{new}") if last and not last.isdigit() and new != last else None


def _numbered(at: Place) -> Any:
    order = [step["id"] for step in at.draft.sound.steps]
    number = order.index(at.value["$ref"]) + 1
    tool = at.draft.sound.steps[number - 1]["tool"]
    made = at.rng.choice([f"step{number}", f"step_{number}", str(number), tool, f"{at.value['$ref']}_result"])
    return {**at.value, "$ref": made} if made not in order else None


unit_spelled = breaker("unit_spelled", _unit_spelled)
unit_beside_number = breaker("unit_beside_number", _unit_beside)
reference_inside = breaker("reference_inside", _inside, "references")
reference_renamed = breaker("reference_renamed", _renamed, "references")
reference_numbered = breaker("reference_numbered", _numbered, "references")


def step_dropped(draft: Draft, rng: random.Random) -> Fault | None:
    """A step left out that others read; they still do."""
    found = _droppable(draft, rng)
    if found is None:
        return None
    draft.steps.remove(found)
    return {"type": "step_dropped", "was": found}


def step_skipped(draft: Draft, rng: random.Random) -> Fault | None:
    """A conversion left out; what was to be converted goes to its reader, its unit beside it or not."""
    for step, name, ref in draft.references(rng):
        producer = next((each for each in draft.steps if each["id"] == ref["$ref"]), None)
        if producer is None or _readers(draft, producer) > 1:
            continue
        amount, unit = (producer["arguments"].get(each) for each in ("value", "from_unit"))
        if not isinstance(amount, int | float) or unit not in UNITS:
            continue
        if any(id_ == producer["id"] for id_, _ in draft.broken):
            continue
        draft.steps.remove(producer)
        raw = rng.choice([amount, f"{amount} {unit}", f"{amount} {UNITS[unit][0]}"])
        return put(draft, step, name, raw, "step_skipped")
    return None


def _readers(draft: Draft, producer: Mapping[str, Any]) -> int:
    return sum(repr(step["arguments"]).count(f"'$ref': {producer['id']!r}") for step in draft.steps)


def _droppable(draft: Draft, rng: random.Random) -> dict[str, Any] | None:
    whole = [
        step for step in draft.steps if _readers(draft, step) and not any(id_ == step["id"] for id_, _ in draft.broken)
    ]
    return rng.choice(whole) if whole else None


def server_wrong(draft: Draft, rng: random.Random) -> Fault | None:
    """A step sent to another server of the plan, or to one that there is not."""
    for step in draft.free_steps("server", rng):
        others = sorted({each["server"] for each in draft.sound.steps} - {step["server"]})
        draft.take(step["id"], "server")
        was, step["server"] = step["server"], rng.choice([*others, *rng.sample(_MADE_UP, 2)])
        return {"type": "server_wrong", "step": step["id"], "was": was, "now": step["server"]}
    return None


KINDS: Mapping[str, Sequence[Breaker]] = {
    "toolname": (names.tool_synonym, names.tool_words, names.tool_style, names.tool_prefix, names.tool_typo),
    "argname": (names.argument_synonym, names.argument_short, names.argument_kind, names.argument_style,
        names.argument_affix, names.argument_typo),
    "missing": (links.missing_reference, links.missing_literal),
    "enum": (unit_spelled, unit_spelled, values.choice_spelled),
    "type": (unit_beside_number, values.number_text, values.number_dressed, values.number_spoken,
        values.boolean_word, values.scalar_in_list, values.list_as_scalar, values.json_text),
    "refpath": (reference_renamed, reference_inside, links.reference_key, links.reference_index,
        links.reference_whole),
    "refstep": (reference_numbered, links.reference_step),
    "reftext": (links.reference_text, links.reference_placeholder),
    "dropstep": (step_dropped, step_dropped, step_skipped),
    "order": (links.step_order,),
    "server": (server_wrong,),
}  # fmt: skip
"""Kind of fault to its breakers."""
