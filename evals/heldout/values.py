"""Faults of values: another JSON type, another spelling, another wrapper around them. Pure."""

from __future__ import annotations

import json
from typing import Any

from evals.heldout.draft import Place, breaker

_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
).split()
_TENS = "zero ten twenty thirty forty fifty sixty seventy eighty ninety".split()


def spoken(number: int) -> str:
    """A number below a million in English words."""
    if number < 20:
        return _ONES[number]
    if number < 100:
        return _TENS[number // 10] + (f"-{_ONES[number % 10]}" if number % 10 else "")
    size, name = (100, "hundred") if number < 1000 else (1000, "thousand")
    rest = f" {spoken(number % size)}" if number % size else ""
    return f"{spoken(number // size)} {name}{rest}"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _scalar_in_list(at: Place) -> Any:
    wanted = at.schema.get("type") in ("string", "number", "integer")
    return [at.value] if wanted and not isinstance(at.value, list) else None


def _number_dressed(at: Place) -> str | None:
    if not _is_number(at.value):
        return None
    value = at.value
    dressed = at.rng.choice([f"${value}", f"about {value}", f"{value} units", f"~{value}", f"{value:,}.0"])
    return dressed if isinstance(value, int) or not dressed.endswith(".0") else None


def _boolean_word(at: Place) -> Any:
    if not isinstance(at.value, bool):
        return None
    return at.rng.choice(("true", "True", "yes", "on", 1) if at.value else ("false", "False", "no", "off", 0))


def _list_as_scalar(at: Place) -> Any:
    if not isinstance(at.value, list) or not at.value or any(isinstance(item, list | dict) for item in at.value):
        return None
    return at.value[0] if len(at.value) == 1 else ", ".join(str(item) for item in at.value)


def _json_text(at: Place) -> str | None:
    if not isinstance(at.value, list | dict) or not at.value:
        return None
    text = json.dumps(at.value)
    return at.rng.choice([text, f"```json\n{text}\n```", repr(at.value), json.dumps(text)])


def _choice_spelled(at: Place) -> str | None:
    value = at.value
    if not isinstance(value, str) or value not in (at.schema.get("enum") or ()):
        return None
    options = {value.upper(), value.lower(), value.title(), value.replace("_", " "), value.replace("_", "-")}
    return at.rng.choice(sorted((options | {f"{value} {at.name.split('_')[-1].lower()}", f"'{value}'"}) - {value}))


def _texts(value: Any) -> list[str]:
    return [f"{value}", f" {value}", f"'{value}'"]


def _is_small(value: Any) -> bool:
    return isinstance(value, int) and _is_number(value) and 0 <= value < 1_000_000


number_text = breaker("number_text", lambda at: at.rng.choice(_texts(at.value)) if _is_number(at.value) else None)
number_dressed = breaker("number_dressed", _number_dressed)
number_spoken = breaker("number_spoken", lambda at: spoken(at.value) if _is_small(at.value) else None)
boolean_word = breaker("boolean_word", _boolean_word)
scalar_in_list = breaker("scalar_in_list", _scalar_in_list, "arguments")
list_as_scalar = breaker("list_as_scalar", _list_as_scalar)
json_text = breaker("json_text", _json_text)
choice_spelled = breaker("choice_spelled", _choice_spelled)
