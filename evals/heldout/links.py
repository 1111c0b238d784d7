"""Faults of what holds a plan together: missing values, references, and the steps themselves. Pure."""

from __future__ import annotations

import copy
import random
import re
from typing import Any

from evals.heldout.draft import Draft, Fault
from evals.heldout.names import restyled, typo

_GENERIC = ("result", "output", "value", "data", "response")
_INNER = (("think", "thought"), ("verify_result", "input"), ("final_answer", "answer"), ("summarize", "text"))


def missing_reference(draft: Draft, rng: random.Random) -> Fault | None:
    """A required argument left out that read an earlier result."""
    for step, name, value in draft.references(rng):
        if name in (draft.schema(step).get("required") or ()):
            draft.take(step["id"], name)
            del step["arguments"][name]
            return {"type": "missing_reference", "level": "F", "step": step["id"], "arg": name, "was": value}
    return None


def missing_literal(draft: Draft, rng: random.Random) -> Fault | None:
    """A required argument left out whose value the goal tells."""
    goal = draft.sound.goal.lower()
    for step, name, value in draft.literals(rng):
        if name not in (draft.schema(step).get("required") or ()) or isinstance(value, bool | list | dict):
            continue
        if re.search(rf"(?<![\w.]){re.escape(str(value).lower())}(?![\w])", goal):
            draft.take(step["id"], name)
            del step["arguments"][name]
            return {"type": "missing_literal", "level": "G", "step": step["id"], "arg": name, "was": value}
    return None


def reference_key(draft: Draft, rng: random.Random) -> Fault | None:
    """A reference to a key that the result does not have: misspelled, restyled, or a general word."""
    for step, name, ref in draft.references(rng):
        parts = ref.get("path", "").split(".")
        at = next((at for at in reversed(range(len(parts))) if parts[at] and not parts[at].isdigit()), None)
        if at is None:
            continue
        made = rng.choice([typo(parts[at], rng), restyled(parts[at], rng), rng.choice(_GENERIC)])
        if made and made != parts[at]:
            path = ".".join([*parts[:at], made, *parts[at + 1 :]])
            return _point(draft, step, name, {**ref, "path": path}, "reference_key")
    return None


def reference_index(draft: Draft, rng: random.Random) -> Fault | None:
    """A reference to an item that the list does not have, or to no item at all."""
    for step, name, ref in draft.references(rng):
        parts = ref.get("path", "").split(".")
        places = [at for at, part in enumerate(parts) if part.isdigit()]
        if places:
            at = rng.choice(places)
            moved = rng.choice([[*parts[:at], "7", *parts[at + 1 :]], [*parts[:at], *parts[at + 1 :]]])
            return _point(draft, step, name, {**ref, "path": ".".join(moved)}, "reference_index")
    return None


def reference_step(draft: Draft, rng: random.Random) -> Fault | None:
    """A reference to another step, or to one that does not exist."""
    for step, name, ref in draft.references(rng):
        others = [each["id"] for each in draft.steps if each["id"] not in (step["id"], ref["$ref"])]
        producer = next((each["tool"] for each in draft.sound.steps if each["id"] == ref["$ref"]), "step")
        made = rng.choice([*others[:3], f"step_{ref['$ref'].lstrip('s')}", producer, "s99"])
        return _point(draft, step, name, {**ref, "$ref": made}, "reference_step")
    return None


def reference_whole(draft: Draft, rng: random.Random) -> Fault | None:
    """A reference to a whole result where one value of it was meant."""
    for step, name, ref in draft.references(rng):
        if ref.get("path"):
            return _point(draft, step, name, {"$ref": ref["$ref"], "path": ""}, "reference_whole")
    return None


def reference_text(draft: Draft, rng: random.Random) -> Fault | None:
    """A reference in the way of another plan language."""
    for step, name, ref in draft.references(rng):
        target, path = ref["$ref"], ref.get("path", "")
        forms = (
            f"${target}.{path}",
            f"${{{target}.{path}}}",
            f"<{target}.{path}>",
            f"{target}.{path}",
            f"#{target}.{path}",
        )
        made = rng.choice([*forms, f"{{{target}.{path}}}", f"steps.{target}.output.{path}"])
        return _point(draft, step, name, made.rstrip("."), "reference_text")
    return None


def reference_placeholder(draft: Draft, rng: random.Random) -> Fault | None:
    """A text that stands for the value in place of a reference."""
    for step, name, ref in draft.references(rng):
        producer = next((each["tool"] for each in draft.sound.steps if each["id"] == ref["$ref"]), "step")
        options = (
            f"<{name}>",
            f"<{name} from {producer}>",
            f"{{{name}}}",
            "TBD",
            f"YOUR_{name.upper()}",
            f"result of {producer}",
        )
        return _point(draft, step, name, rng.choice([*options, f"[{name}]", "PLACEHOLDER"]), "reference_placeholder")
    return None


def _point(draft: Draft, step: dict[str, Any], name: str, value: Any, kind: str) -> Fault:
    was = step["arguments"][name]
    draft.take(step["id"], name)
    step["arguments"][name] = value
    return {"type": kind, "level": "F", "step": step["id"], "arg": name, "was": was, "now": value}


def arguments_exchanged(draft: Draft, rng: random.Random) -> Fault | None:
    """Two arguments of one step hold each other's values."""
    for step in draft.free_steps("*", rng):
        arguments = step["arguments"]
        whole = (
            [name for name in arguments if (step["id"], name) not in draft.broken]
            if isinstance(arguments, dict)
            else []
        )
        pairs = [(a, b) for at, a in enumerate(whole) for b in whole[at + 1 :] if arguments[a] != arguments[b]]
        if pairs:
            one, other = rng.choice(pairs)
            draft.take(step["id"], one)
            draft.take(step["id"], other)
            arguments[one], arguments[other] = arguments[other], arguments[one]
            return {"type": "arguments_exchanged", "level": "G", "step": step["id"], "args": [one, other]}
    return None


def step_twice(draft: Draft, rng: random.Random) -> Fault | None:
    """A step that stands there twice."""
    step = rng.choice(draft.steps)
    at = draft.steps.index(step)
    again = {**copy.deepcopy(step), "id": f"{step['id']}b"}
    draft.steps.insert(rng.choice([at + 1, len(draft.steps)]), again)
    return {"type": "step_twice", "level": "F", "step": step["id"], "now": again["id"]}


def step_lost(draft: Draft, rng: random.Random) -> Fault | None:
    """A step left out that a later one reads or needs."""
    whole = [step for step in draft.steps[:-1] if not any(id_ == step["id"] for id_, _ in draft.broken)]
    if len(draft.steps) < 3 or not whole:
        return None
    step = rng.choice(whole)
    draft.steps.remove(step)
    return {"type": "step_lost", "level": "G", "was": step}


def step_order(draft: Draft, rng: random.Random) -> Fault | None:
    """A step listed too late, or the whole plan from its end."""
    if len(draft.steps) < 3:
        return None
    if rng.random() < 0.2:
        draft.steps.reverse()
        return {"type": "step_order", "level": "F", "now": "reversed"}
    at = rng.randrange(len(draft.steps) - 1)
    step = draft.steps.pop(at)
    to = min(len(draft.steps), at + rng.choice([1, 2]))
    draft.steps.insert(to, step)
    return {"type": "step_order", "level": "F", "step": step["id"], "was": at, "now": to}


def step_inner(draft: Draft, rng: random.Random) -> Fault | None:
    """A step that only speaks to the model itself."""
    tool, argument = rng.choice(_INNER)
    if tool in draft.sound.schemas:
        return None
    at = rng.randrange(1, len(draft.steps) + 1)
    before = draft.steps[at - 1]["id"]
    value = rng.choice(["Everything is as planned.", {"$ref": before, "path": ""}])
    draft.steps.insert(at, {"id": "inner", "tool": tool, "arguments": {argument: value}})
    draft.take("inner", "*")
    draft.take("inner", "tool")
    return {"type": "step_inner", "level": "F", "step": "inner", "now": tool}
