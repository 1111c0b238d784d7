"""Faults of values: another JSON type, another spelling, another wrapper around them. Pure."""

from __future__ import annotations

import datetime
import json
import random
import re
from typing import Any

from evals.heldout.draft import Draft, Fault

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


def number_text(draft: Draft, rng: random.Random) -> Fault | None:
    """A number written as text."""
    for step, name, value in draft.literals(rng):
        if _is_number(value):
            return _put(draft, step, name, rng.choice([f"{value}", f" {value}", f"'{value}'"]), "number_text", "D")
    return None


def number_dressed(draft: Draft, rng: random.Random) -> Fault | None:
    """A number with thousands separators, a currency, a unit or a hedge around it."""
    for step, name, value in draft.literals(rng):
        if _is_number(value):
            dressed = rng.choice([f"${value}", f"about {value}", f"{value} units", f"~{value}", f"{value:,}.0"])
            if isinstance(value, int) or not dressed.endswith(".0"):
                return _put(draft, step, name, dressed, "number_dressed", "D")
    return None


def number_spoken(draft: Draft, rng: random.Random) -> Fault | None:
    """A whole number written in words."""
    for step, name, value in draft.literals(rng):
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1_000_000:
            return _put(draft, step, name, spoken(value), "number_spoken", "D")
    return None


def boolean_word(draft: Draft, rng: random.Random) -> Fault | None:
    """A truth value written as a word or a digit."""
    for step, name, value in draft.literals(rng):
        if isinstance(value, bool):
            words = ("true", "True", "yes", "on", 1) if value else ("false", "False", "no", "off", 0)
            return _put(draft, step, name, rng.choice(words), "boolean_word", "D")
    return None


def scalar_in_list(draft: Draft, rng: random.Random) -> Fault | None:
    """A single value inside a list."""
    for step, name, value in draft.arguments(rng):
        if not isinstance(value, list) and draft.property(step, name).get("type") in ("string", "number", "integer"):
            return _put(draft, step, name, [value], "scalar_in_list", "D")
    return None


def list_as_scalar(draft: Draft, rng: random.Random) -> Fault | None:
    """A list written as its one item, or as text with commas."""
    for step, name, value in draft.literals(rng):
        if isinstance(value, list) and value and not any(isinstance(item, list | dict) for item in value):
            text = value[0] if len(value) == 1 else ", ".join(str(item) for item in value)
            return _put(draft, step, name, text, "list_as_scalar", "D")
    return None


def json_text(draft: Draft, rng: random.Random) -> Fault | None:
    """A list or object written as JSON text, plain, fenced or as Python writes it."""
    for step, name, value in draft.literals(rng):
        if isinstance(value, list | dict) and value:
            text = json.dumps(value)
            made = rng.choice([text, f"```json\n{text}\n```", repr(value), json.dumps(text)])
            return _put(draft, step, name, made, "json_text", "D")
    return None


def choice_spelled(draft: Draft, rng: random.Random) -> Fault | None:
    """One of a closed list of values in another case, with other separators, or with a word beside it."""
    for step, name, value in draft.literals(rng):
        if not isinstance(value, str) or value not in (draft.property(step, name).get("enum") or ()):
            continue
        kind = name.split("_")[-1].lower()
        options = {value.upper(), value.lower(), value.title(), value.replace("_", " "), value.replace("_", "-")}
        made = rng.choice(sorted((options | {f"{value} {kind}", f"'{value}'"}) - {value}))
        return _put(draft, step, name, made, "choice_spelled", "D")
    return None


def date_layout(draft: Draft, rng: random.Random) -> Fault | None:
    """A date in a layout that its reader does not know."""
    for step, name, value in draft.literals(rng):
        if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value):
            day = datetime.date.fromisoformat(value)
            layouts = ("%B %d, %Y", "%d %b %Y", "%Y/%m/%d", "%Y-%m-%dT00:00:00", "%b %d %Y")
            return _put(draft, step, name, day.strftime(rng.choice(layouts)), "date_layout", "G")
    return None


def text_expected(draft: Draft, rng: random.Random) -> Fault | None:
    """A text of digits written as the number."""
    for step, name, value in draft.literals(rng):
        if isinstance(value, str) and re.fullmatch(r"[1-9]\d{0,8}", value):
            return _put(draft, step, name, int(value), "text_expected", "D")
    return None


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


def _put(draft: Draft, step: dict[str, Any], name: str, value: Any, kind: str, level: str) -> Fault:
    was = step["arguments"][name]
    draft.take(step["id"], name)
    step["arguments"][name] = value
    return {"type": kind, "level": level, "step": step["id"], "arg": name, "was": was, "now": value}
