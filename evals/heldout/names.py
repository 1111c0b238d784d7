"""Faults of names: tools and arguments misspelled, restyled, prefixed, or called by another word for the same. Pure."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator

from evals.heldout.draft import Breaker, Draft, Fault, rename

Renamed = Callable[[str, random.Random], str | None]
_SYNONYMS = tuple(
    tuple(group.split())
    for group in (
        "get fetch retrieve obtain; find search lookup locate; create make new; delete remove; send dispatch; post "
        "publish; view show display; add append; update modify change; book reserve; place submit; start launch "
        "begin; check inspect; set assign; calculate compute; convert transform; estimate approximate; fill "
        "refill; cancel revoke; message text note; folder directory dir; file document filename; symbol ticker "
        "stock; amount quantity qty; name title; content text body; number num; date day; city town location; "
        "source src origin; destination target dest; class category; cost price fare; distance mileage; "
        "description details summary; pattern query keyword; mode kind; receiver recipient; user account; flight "
        "trip; order trade; weight mass; height stature; unit units; zone timezone"
    ).split(";")
)
_PREFIXES = ("functions.{}", "tools/{}", "mcp__server__{}", "default_api.{}", "{}()", "`{}`", "{}_tool", "call:{}")
_AFFIXES = ("{}_value", "input_{}", "{}_param", "the_{}", "new_{}", "{}_arg", "_{}")
_EXTRAS = (
    ("reasoning", "needed for the task"), ("explanation", "as the user asked"), ("verbose", True),
    ("timeout", 30), ("format", "json"), ("language", "en"), ("request_id", "req-1"), ("debug", False),
)  # fmt: skip


def words(name: str) -> list[str]:
    """The words of a name, lower-cased."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return [word.lower() for word in re.split(r"[^A-Za-z0-9]+", spaced) if word]


def styled(parts: list[str], like: str) -> str:
    """Words joined as another name joins its own."""
    if "_" in like or (len(words(like)) == 1 and like.islower()):
        return "_".join(parts)
    return parts[0] + "".join(part.capitalize() for part in parts[1:])


def typo(name: str, rng: random.Random) -> str | None:
    """One letter doubled, lost, or exchanged with the next; None for names too short to be known again."""
    if len(name) < 5:
        return None
    at = rng.randrange(1, len(name) - 1)
    before, letter, after = name[:at], name[at], name[at + 1 :]
    made = rng.choice([before + letter + letter + after, before + after, before + after[0] + letter + after[1:]])
    return made if made != name else None


def restyled(name: str, rng: random.Random) -> str | None:
    """The same words in another case or with other separators."""
    parts = words(name)
    camel = parts[0] + "".join(part.capitalize() for part in parts[1:])
    options = {"_".join(parts), "-".join(parts), "_".join(parts).upper(), " ".join(map(str.capitalize, parts))}
    options |= {camel, camel[0].upper() + camel[1:]}
    return rng.choice(sorted(options - {name}))


def synonym(name: str, rng: random.Random) -> str | None:
    """One word exchanged for another of the same meaning; None where the table knows none of them."""
    parts = words(name)
    known = [(at, group) for at, word in enumerate(parts) for group in _SYNONYMS if word in group]
    if not known:
        return None
    at, group = rng.choice(known)
    other = rng.choice([word for word in group if word != parts[at]])
    return styled([*parts[:at], other, *parts[at + 1 :]], name)


def _words_lost(name: str, rng: random.Random) -> str | None:
    parts = words(name)
    if len(parts) < 3:
        return None
    at = rng.randrange(len(parts))
    return styled(rng.choice([[*parts[:at], *parts[at + 1 :]], [*parts[1:], parts[0]]]), name)


def _cut(name: str, rng: random.Random) -> str | None:
    parts = words(name)
    if len(parts) > 1:
        return rng.choice([parts[0], parts[-1]])
    return name[: max(3, len(name) // 2)] if len(name) > 5 else None


def _tool(kind: str, level: str, made: Renamed) -> Breaker:
    def broken(draft: Draft, rng: random.Random) -> Fault | None:
        for step in draft.free_steps("tool", rng):
            name = step["tool"]
            new = made(name, rng)
            if new not in (None, name) and new not in draft.sound.schemas:
                draft.take(step["id"], "tool")
                step["tool"] = new
                return {"type": kind, "level": level, "step": step["id"], "was": name, "now": new}
        return None

    broken.__name__ = kind
    return broken


def _argument(kind: str, level: str, made: Renamed) -> Breaker:
    def broken(draft: Draft, rng: random.Random) -> Fault | None:
        for step, name, _ in draft.arguments(rng):
            new = made(name, rng)
            declared = draft.schema(step).get("properties") or {}
            if new is not None and new != name and new not in declared and new not in step["arguments"]:
                draft.take(step["id"], name)
                draft.take(step["id"], new)
                rename(step["arguments"], name, new)
                return {"type": kind, "level": level, "step": step["id"], "was": name, "now": new}
        return None

    broken.__name__ = kind
    return broken


tool_typo = _tool("tool_typo", "D", typo)
tool_style = _tool("tool_style", "D", restyled)
tool_prefix = _tool("tool_prefix", "D", lambda name, rng: rng.choice(_PREFIXES).format(name))
tool_synonym = _tool("tool_synonym", "G", synonym)
tool_words = _tool("tool_words", "G", _words_lost)
argument_typo = _argument("argument_typo", "D", typo)
argument_style = _argument("argument_style", "D", restyled)
argument_affix = _argument("argument_affix", "D", lambda name, rng: rng.choice(_AFFIXES).format(name))
argument_synonym = _argument("argument_synonym", "G", synonym)
argument_short = _argument("argument_short", "G", _cut)


def argument_extra(draft: Draft, rng: random.Random) -> Fault | None:
    """An argument that the tool does not have."""
    for step in draft.free_steps("extra", rng):
        name, value = rng.choice(_EXTRAS)
        if not isinstance(step["arguments"], dict) or name in (draft.schema(step).get("properties") or {}):
            continue
        draft.take(step["id"], "extra")
        draft.take(step["id"], name)
        step["arguments"][name] = value
        return {"type": "argument_extra", "level": "D", "step": step["id"], "arg": name, "now": value}
    return None


def drifts(draft: Draft, rng: random.Random) -> Iterator[tuple[dict[str, object], Fault]]:
    """Changes of the catalog under a plan that is still as it was: a tool or an argument renamed."""
    for step in draft.free_steps("*", rng):
        new = synonym(step["tool"], rng)
        if new is not None and new not in draft.sound.schemas:
            drift: dict[str, object] = {"op": "rename_tool", "tool": step["tool"], "to": new}
            yield drift, {"type": "drift_tool", "level": "G", "was": step["tool"], "now": new}
        for name in draft.schema(step).get("properties") or {}:
            new = synonym(name, rng)
            if new is not None and isinstance(step["arguments"], dict) and name in step["arguments"]:
                drift = {"op": "rename_arg", "tool": step["tool"], "arg": name, "to": new}
                yield drift, {"type": "drift_argument", "level": "G", "tool": step["tool"], "was": name, "now": new}
