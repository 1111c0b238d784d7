"""Faults of what holds a plan together: missing values, references, and the steps themselves. Pure."""

from __future__ import annotations

import random
import re
from typing import Any

from evals.heldout.draft import GONE, Draft, Fault, Place, breaker
from evals.heldout.names import restyled, typo

_GENERIC = ("result", "output", "value", "data", "response")


def _told_by_goal(at: Place) -> Any:
    if not at.required or isinstance(at.value, bool | list | dict):
        return None
    goal = at.draft.sound.goal.lower()
    return GONE if re.search(rf"(?<![\w.]){re.escape(str(at.value).lower())}(?![\w])", goal) else None


def _other_key(at: Place) -> Any:
    parts = at.value.get("path", "").split(".")
    here = next((here for here in reversed(range(len(parts))) if parts[here] and not parts[here].isdigit()), None)
    if here is None:
        return None
    made = at.rng.choice([typo(parts[here], at.rng), restyled(parts[here], at.rng), at.rng.choice(_GENERIC)])
    return at.to(".".join([*parts[:here], made, *parts[here + 1 :]])) if made and made != parts[here] else None


def _other_index(at: Place) -> Any:
    parts = at.value.get("path", "").split(".")
    places = [here for here, part in enumerate(parts) if part.isdigit()]
    if not places:
        return None
    here = at.rng.choice(places)
    return at.to(".".join([*parts[:here], *at.rng.choice([["7"], []]), *parts[here + 1 :]]))


def _other_step(at: Place) -> Any:
    target = at.value["$ref"]
    others = [each["id"] for each in at.draft.steps if each["id"] not in (at.step["id"], target)]
    return {**at.value, "$ref": at.rng.choice([*others[:3], f"step_{target.lstrip('s')}", at.producer, "s99"])}


def _as_text(at: Place) -> str:
    place = f"{at.value['$ref']}.{at.value.get('path', '')}"
    target, _, path = place.partition(".")
    forms = (f"${place}", f"${{{place}}}", f"<{place}>", place, f"#{place}", f"{{{place}}}")
    return at.rng.choice([*forms, f"steps.{target}.output.{path}"]).rstrip(".")


def _placeholder(at: Place) -> str:
    name = at.name
    options = (f"<{name}>", f"<{name} from {at.producer}>", f"{{{name}}}", "TBD", f"YOUR_{name.upper()}")
    return at.rng.choice([*options, f"result of {at.producer}", f"[{name}]", "PLACEHOLDER"])


def _whole(at: Place) -> Any:
    return {"$ref": at.value["$ref"], "path": ""} if at.value.get("path") else None


missing_reference = breaker("missing_reference", lambda at: GONE if at.required else None, "references")
missing_literal = breaker("missing_literal", _told_by_goal)
reference_key = breaker("reference_key", _other_key, "references")
reference_index = breaker("reference_index", _other_index, "references")
reference_step = breaker("reference_step", _other_step, "references")
reference_whole = breaker("reference_whole", _whole, "references")
reference_text = breaker("reference_text", _as_text, "references")
reference_placeholder = breaker("reference_placeholder", _placeholder, "references")


def step_order(draft: Draft, rng: random.Random) -> Fault | None:
    """A step listed too late, or the whole plan from its end."""
    if len(draft.steps) < 3:
        return None
    if rng.random() < 0.2:
        draft.steps.reverse()
        return {"type": "step_order", "now": "reversed"}
    at = rng.randrange(len(draft.steps) - 1)
    step = draft.steps.pop(at)
    to = min(len(draft.steps), at + rng.choice([1, 2]))
    draft.steps.insert(to, step)
    return {"type": "step_order", "step": step["id"], "was": at, "now": to}
