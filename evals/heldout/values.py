"""Faults of values: another JSON type, another spelling, another wrapper around them. Pure."""

from __future__ import annotations

import datetime
import json
import random
import re
from typing import Any

from evals.heldout.draft import Draft, Fault, Place, breaker

_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
).split()
_TENS = "zero ten twenty thirty forty fifty sixty seventy eighty ninety".split()
_WRAPPERS = ("params", "arguments", "input", "kwargs", "data")


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


def _date_layout(at: Place) -> str | None:
    if not isinstance(at.value, str) or not re.fullmatch(r"\d{4}-\d\d-\d\d", at.value):
        return None
    layouts = ("%B %d, %Y", "%d %b %Y", "%Y/%m/%d", "%Y-%m-%dT00:00:00", "%b %d %Y")
    return datetime.date.fromisoformat(at.value).strftime(at.rng.choice(layouts))


def _texts(value: Any) -> list[str]:
    return [f"{value}", f" {value}", f"'{value}'"]


def _is_small(value: Any) -> bool:
    return isinstance(value, int) and _is_number(value) and 0 <= value < 1_000_000


def _is_digits(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[1-9]\d{0,8}", value) is not None


number_text = breaker("number_text", "D", lambda at: at.rng.choice(_texts(at.value)) if _is_number(at.value) else None)
number_dressed = breaker("number_dressed", "D", _number_dressed)
number_spoken = breaker("number_spoken", "D", lambda at: spoken(at.value) if _is_small(at.value) else None)
boolean_word = breaker("boolean_word", "D", _boolean_word)
scalar_in_list = breaker("scalar_in_list", "D", _scalar_in_list, "arguments")
list_as_scalar = breaker("list_as_scalar", "D", _list_as_scalar)
json_text = breaker("json_text", "D", _json_text)
choice_spelled = breaker("choice_spelled", "D", _choice_spelled)
date_layout = breaker("date_layout", "G", _date_layout)
text_expected = breaker("text_expected", "D", lambda at: int(at.value) if _is_digits(at.value) else None)


def null_optional(draft: Draft, rng: random.Random) -> Fault | None:
    """An optional argument filled with null."""
    for step in draft.free_steps("null", rng):
        schema = draft.schema(step)
        unused = [
            name
            for name in schema.get("properties") or {}
            if name not in (schema.get("required") or ()) and name not in step["arguments"]
        ]
        if unused and isinstance(step["arguments"], dict):
            name = rng.choice(unused)
            draft.take(step["id"], "null")
            draft.take(step["id"], name)
            step["arguments"][name] = None
            return {"type": "null_optional", "level": "D", "step": step["id"], "arg": name}
    return None


def arguments_wrapped(draft: Draft, rng: random.Random) -> Fault | None:
    """All arguments under one more key, or as JSON text."""
    for step in draft.free_steps("*", rng):
        if not isinstance(step["arguments"], dict) or not step["arguments"] or _begun(draft, step):
            continue
        draft.take(step["id"], "*")
        key = rng.choice(_WRAPPERS)
        text = "$ref" not in json.dumps(step["arguments"]) and rng.random() < 0.4
        step["arguments"] = json.dumps(step["arguments"]) if text else {key: step["arguments"]}
        return {"type": "arguments_wrapped", "level": "D", "step": step["id"], "now": "text" if text else key}
    return None


def arguments_nested(draft: Draft, rng: random.Random) -> Fault | None:
    """Some of the arguments under a key of their own."""
    for step in draft.free_steps("*", rng):
        arguments = step["arguments"]
        if not isinstance(arguments, dict) or len(arguments) < 2 or _begun(draft, step):
            continue
        draft.take(step["id"], "*")
        inner = rng.sample(sorted(arguments), rng.randrange(1, len(arguments)))
        key = rng.choice(("options", "params", "config"))
        step["arguments"] = {name: value for name, value in arguments.items() if name not in inner}
        step["arguments"][key] = {name: arguments[name] for name in arguments if name in inner}
        return {"type": "arguments_nested", "level": "D", "step": step["id"], "arg": inner, "now": key}
    return None


def _begun(draft: Draft, step: dict[str, Any]) -> bool:
    return any(part != "tool" for id_, part in draft.broken if id_ == step["id"])
