"""Faults of names: tools and arguments misspelled, restyled, prefixed, or called by another word for the same. Pure."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

from evals.heldout.draft import Breaker, Draft, Fault, Place, rename

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


def tool(kind: str, made: Renamed) -> Breaker:
    """Call one tool by the name that `made` gives for its own."""

    def broken(draft: Draft, rng: random.Random) -> Fault | None:
        for step in draft.free_steps("tool", rng):
            name = step["tool"]
            new = made(name, rng)
            if new not in (None, name) and new not in draft.sound.schemas:
                draft.take(step["id"], "tool")
                step["tool"] = new
                return {"type": kind, "step": step["id"], "was": name, "now": new}
        return None

    return broken


def argument(kind: str, made: Callable[[Place], str | None]) -> Breaker:
    """Call one argument by the name that `made` gives for its place."""

    def broken(draft: Draft, rng: random.Random) -> Fault | None:
        for step, name, value in draft.arguments(rng):
            new = made(Place(draft, step, name, value, rng))
            declared = draft.schema(step).get("properties") or {}
            if new is not None and new != name and new not in declared and new not in step["arguments"]:
                draft.take(step["id"], name)
                draft.take(step["id"], new)
                rename(step["arguments"], name, new)
                return {"type": kind, "step": step["id"], "was": name, "now": new}
        return None

    return broken


def _kind(at: Place) -> str:
    kind = "str" if isinstance(at.value, str) else "number" if isinstance(at.value, int | float) else "input"
    return at.rng.choice([f"{at.name}_{kind}", f"{at.step['tool'].split('_')[-1]}_{at.name}"])


tool_typo = tool("tool_typo", typo)
tool_style = tool("tool_style", restyled)
tool_prefix = tool("tool_prefix", lambda name, rng: rng.choice(_PREFIXES).format(name))
tool_synonym = tool("tool_synonym", synonym)
tool_words = tool("tool_words", _words_lost)
argument_typo = argument("argument_typo", lambda at: typo(at.name, at.rng))
argument_style = argument("argument_style", lambda at: restyled(at.name, at.rng))
argument_affix = argument("argument_affix", lambda at: at.rng.choice(_AFFIXES).format(at.name))
argument_synonym = argument("argument_synonym", lambda at: synonym(at.name, at.rng))
argument_short = argument("argument_short", lambda at: _cut(at.name, at.rng))
argument_kind = argument("argument_kind", _kind)
