"""How well the tools that are offered suit a step, by name and arguments, and which of them it may be given. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from weakref import WeakKeyDictionary

from catalog_cache.names import clean
from catalog_cache.nearest import likely
from proxy.repair.view.coerce import Target, coerce
from proxy.repair.view.opposites import contrary, meaningful, verbs
from proxy.repair.view.scalars import read_json
from proxy.repair.view.senses import same_sense
from proxy.repair.view.step import StepView
from proxy.repair.view.values import MISSING
from proxy.repair.view.words import likeness, plain, stem, stems, words
from schemas.catalog import Catalog, Effect, Json, Tool, as_object, canonical
from schemas.plan import as_ref

WRAPPERS = frozenset(
    "arguments args argument params parameters input inputs kwargs rawarguments raw rawargs toolinput toolarguments "
    "payload data body request json value properties functionarguments str string text path query headers form "
    "options config settings".split()
)
"""Keys that clients and models put around the arguments, without case and separators."""

FAINT = 0.15
"""Likeness of names below which no arguments make a tool worth proposing: they count for half."""
FITTING = 0.99
"""Fit from which every argument is known, holds a value that fits, and none is missing."""
MISSPELLED = 0.7
"""Likeness from which a sent argument is taken for a declared one when a tool is weighed."""
LEFT_OVER = 0.6
"""What a lone unknown argument counts for whose value fits the lone required one that is left."""


@dataclass(frozen=True)
class Fit:
    """How well a tool suits a step: its name, its arguments, and both together, 0..1."""

    tool: Tool
    name: float
    arguments: float

    @property
    def total(self) -> float:
        """Name and arguments weighed alike; a step without arguments is judged by its name."""
        return 0.5 * self.name + 0.5 * self.arguments


_RANKED: WeakKeyDictionary[Catalog, dict[str, list[Fit]]] = WeakKeyDictionary()
"""The last steps weighed: one step is asked about again in every generation of a search."""
RANKED_LIMIT = 64


def ranked_tools(here: StepView) -> list[Fit]:
    """The likely tools by how well they suit the step, best first; a named server's own tools are preferred."""
    known = _RANKED.setdefault(here.evidence.catalog, {})
    sent = {name: value for name, value in here.arguments.items() if value is not MISSING}
    key = canonical([here.step.tool, here.step.server, here.step.arguments, sent])
    found = known.get(key)
    if found is None:
        if len(known) >= RANKED_LIMIT:
            known.clear()
        found = known[key] = _ranked(here)
    return found


def _ranked(here: StepView) -> list[Fit]:
    name = clean(here.step.tool) or here.step.tool
    fits_: list[Fit] = []
    for tool in likely(here.evidence.catalog, name, opened(here.written)):
        alike = max(tool_likeness(name, tool.name), _described(name, tool.description))
        bonus = 0.05 if here.step.server in (tool.server, None) else 0.0
        if alike >= (FAINT if here.written else 0.25):
            fits_.append(Fit(tool, min(1.0, alike + bonus), argument_fit(tool, here) if here.written else alike))
    return sorted(fits_, key=lambda fit: -fit.total)


@lru_cache(maxsize=16384)
def tool_likeness(said: str, name: str) -> float:
    """How alike two tool names are; version marks and empty verbs do not count, nouns weigh more than verbs."""
    ours, theirs = _meaning(said), _meaning(name)
    if ours and ours == theirs:
        return 0.97 if same_words(said, name) else 0.5
    if _joined(said) == _joined(name) and _joined(said):
        return 0.95
    shared = sum(any(_same_word(mine, other) for other in theirs) for mine in ours)
    return max(likeness(said, name), 0.92 * shared / max(1, len(ours) + len(theirs) - shared))


_DIRECTIONS = frozenset({"to", "from", "into", "2"})
"""Words that tell what stands before them from what stands behind: `kg_to_lb` is not `lb_to_kg`."""


def same_words(said: str, name: str) -> bool:
    """Tell whether two names say the same words, in whatever order where the order means nothing."""
    if set(words(said)) & _DIRECTIONS:
        return [stem(word) for word in words(clean(said) or said)] == [stem(word) for word in words(name)]
    return _meaning(clean(said) or said) == _meaning(name) != frozenset()


@lru_cache(maxsize=16384)
def _meaning(name: str) -> frozenset[str]:
    return frozenset(map(stem, meaningful(name)))


def _same_word(left: str, right: str) -> bool:
    """Tell whether two words have one stem or one sense: `convert` and `converter`, `fetch` and `get`."""
    short, long = sorted((left, right), key=len)
    return same_sense(left, right) or (len(short) >= 5 and long.startswith(short[:-1]) and len(long) - len(short) <= 3)


@lru_cache(maxsize=16384)
def _described(said: str, description: str) -> float:
    """0.7 where every word of the name stands in the first sentence of the tool's description, else 0."""
    parts = meaningful(said)
    if len(parts) < 2:
        return 0.0
    first = stems(description.split(".")[0][:200])
    known = (any(_same_word(stem(part), word) or _short_for(part, word) for word in first) for part in parts)
    return 0.7 if all(known) else 0.0


def _short_for(part: str, word: str) -> bool:
    return len(part) >= 3 and word.startswith(part)


def _joined(name: str) -> str:
    return "".join(meaningful(name))


def argument_fit(tool: Tool, here: StepView) -> float:
    """How well the sent arguments suit a tool's schema: known names, values that fit, nothing required missing."""
    sent = opened(here.written)
    if not sent:
        return 1.0 if not tool.required else 0.3
    meant = _meant(sent, tool, here)
    known = sum(meant[name][1] if name in meant else _nearest_name(name, tool) for name in sent) / len(sent)
    values = [_value_fit(name, declared, tool, here) for name, (declared, _) in meant.items()]
    good = sum(values) / len(values) if values else 0.5
    named = {declared for declared, _ in meant.values()}
    missing = sum(name not in named for name in tool.required) / max(1, len(tool.required))
    return max(0.0, 0.5 * known + 0.5 * good - 0.4 * missing * (1 - 0.5 * known))


def _meant(sent: dict[str, Json], tool: Tool, here: StepView) -> dict[str, tuple[str, float]]:
    """Sent name to the declared argument that it means, and how alike the two are: 1 for its very name.

    A misspelled name counts as what it is near to; a lone unknown one as the lone required argument that is left, if
    its value fits there.
    """
    meant = {name: (name, 1.0) for name in sent if name in tool.properties}
    for name in sent:
        taken = {declared for declared, _ in meant.values()}
        free = [other for other in tool.properties if other not in taken]
        alike, nearest = max(((likeness(name, other), other) for other in free), default=(0.0, ""))
        if name not in meant and alike >= MISSPELLED:
            meant[name] = (nearest, alike)
    unknown = [name for name in sent if name not in meant]
    taken = {declared for declared, _ in meant.values()}
    left = [name for name in tool.required if name not in taken]
    if len(unknown) == len(left) == 1 and _value_fit(unknown[0], left[0], tool, here) == 1.0:
        meant[unknown[0]] = (left[0], LEFT_OVER)
    return meant


def opened(written: dict[str, Json]) -> dict[str, Json]:
    """The arguments inside a lone wrapper key, else the arguments themselves."""
    if len(written) == 1:
        (name, inner), *_ = written.items()
        reading = read_json(inner) if isinstance(inner, str) else None
        inside = as_object(reading.value if reading is not None else inner)
        if plain(name) in WRAPPERS and inside is not None and as_ref(inner) is None:
            return inside
    return written


def _nearest_name(name: str, tool: Tool) -> float:
    return max((0.6 * likeness(name, other) for other in tool.properties), default=0.0)


def _value_fit(name: str, declared: str, tool: Tool, here: StepView) -> float:
    value = here.arguments.get(name, opened(here.written).get(name, MISSING))
    if as_ref(value) is not None:
        value = MISSING
    target = Target(tool.properties.get(declared, {}), tool.schema, declared)
    if value is MISSING:
        return 0.7
    if target.takes(value):
        return 1.0
    return 0.7 if coerce(value, target) else 0.0


def may_swap(here: StepView, tool: Tool) -> bool:
    """Tell whether a search may call this tool in place of the named one (documented effects policy).

    Into what reads, unless the plan named an effect of which the reading tool does not speak; into anything else only
    where the plan named an effect of the same sense, every argument fits and, but for a trusting policy, no other tool
    does as well; never into what destroys.
    """
    said, policy = clean(here.step.tool) or here.step.tool, here.evidence.policy
    if tool.effect is Effect.DESTRUCTIVE or contrary(said, tool.name):
        return False
    if policy == "strict":
        return tool.effect is Effect.READ and not tool.reading
    if tool.effect is Effect.READ:
        return verbs(said) <= set(words(tool.name))
    if not _same_effect(said, tool, here):
        return False
    return policy == "trusting" or not any(
        _same_effect(said, fit.tool, here) for fit in ranked_tools(here)[:5] if fit.tool is not tool
    )


def may_correct(here: StepView, tool: Tool) -> bool:
    """Tell whether a name with a typing error may be read as this tool's: not where that would destroy something."""
    return tool.effect is Effect.READ or (tool.effect is not Effect.DESTRUCTIVE and here.evidence.policy != "strict")


def _same_effect(said: str, tool: Tool, here: StepView) -> bool:
    """Tell whether a name asks for an effect that this tool's name speaks of too, with arguments that all fit."""
    asked = verbs(said)
    same = any(same_sense(verb, word) for verb in asked for word in words(tool.name))
    return same and argument_fit(tool, here) >= FITTING
