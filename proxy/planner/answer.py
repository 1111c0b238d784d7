"""Which part of the last result is the answer that a goal asks for. Pure.

A goal that speaks of one thing wants its value, not the record that holds it. Where nothing stands out, the whole
result is the answer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from proxy.repair.rules.sources import GENERIC
from proxy.repair.view.units import unit_of
from proxy.repair.view.values import join, paths
from proxy.repair.view.words import likeness, plain, stem, stems, words
from schemas.catalog import Json, as_list, as_object, canonical

DEEP = 4
"""Levels of a result that are looked at."""
MOST = 40
"""Leaves beyond which a result is a collection, of which no single value is the answer."""
ONLY = 0.4
"""What it counts that a value is the only number which a call was not given."""
ENOUGH = 0.5
LEAD = 0.2
"""What the best key must have in common with the goal, and by how much more than the next one."""


@dataclass(frozen=True)
class Leaf:
    """A value in a result that is no list and no object; `score` is how much of its name the goal speaks of."""

    path: str
    value: Json
    score: float


def leaves(goal: str, result: Json, given: Sequence[Json]) -> list[Leaf]:
    """The values of a result that may be the answer, likeliest first; what the call was given is none."""
    echoes = {_plainly(value) for value in given}
    found: list[Leaf] = []
    for parts, value in paths(result):
        inner = as_object(value) is not None or as_list(value) is not None
        if inner or value is None or len(parts) > DEEP or _plainly(value) in echoes:
            continue
        found.append(Leaf(join(parts), value, _spoken(parts, value, goal)))
    numbers = [leaf for leaf in found if _is_number(leaf.value)]
    if len(numbers) == 1:
        found = [replace(leaf, score=leaf.score + ONLY) if leaf is numbers[0] else leaf for leaf in found]
    found.sort(key=lambda leaf: -leaf.score)
    names = [leaf.path.rsplit(".", 1)[-1] for leaf in found]
    return [leaf for index, leaf in enumerate(found) if names[index].isdigit() or names[index] not in names[:index]]


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _plainly(value: Json) -> str:
    return canonical(float(value)) if _is_number(value) else canonical(value)


def _spoken(parts: Sequence[str], value: Json, goal: str) -> float:
    """Share of the telling words of a key in the goal; numbers count a little more, deep places a little less."""
    name = next((part for part in reversed(parts) if not part.lstrip("-").isdigit()), "")
    said = set(stems(goal))
    apart = words(re.sub(r"(?<=\d)(?=[a-z])", "_", name))
    own = [stem(word) for word in apart if word not in GENERIC and not (len(word) < 4 and unit_of(word))]
    listed = 0.2 if any(part.isdigit() for part in parts) else 0.0
    deep = 0.05 * (len(parts) - 1) + listed - (0.15 if _is_number(value) else 0.0)
    if not own or plain(name) in GENERIC:
        return 0.3 - deep
    heard = [
        word for word in own if word in said or (len(word) > 3 and any(likeness(word, one) >= 0.85 for one in said))
    ]
    above = {stem(word) for part in parts[:-1] for word in words(part)} & said
    whole = 0.2 if heard and len(heard) == len(own) else 0.0
    return len(heard) / len(own) + whole + 0.1 * min(2, len(heard) - 1 if heard else 0) + 0.05 * len(above) - deep


def clear(found: Sequence[Leaf]) -> str | None:
    """The path of the answer, "" for the whole result; None where a model may know better."""
    if not found or len(found) > MOST:
        return ""
    if len(found) == 1:
        return found[0].path
    best, next_ = found[0].score, found[1].score
    if best >= ENOUGH and best - next_ >= LEAD:
        return found[0].path
    return None


def tied(found: Sequence[Leaf]) -> list[Leaf]:
    """The leaves that a model is to choose from."""
    best = max((leaf.score for leaf in found), default=0.0)
    return [leaf for leaf in found if leaf.score > 0 and leaf.score >= best - 2 * LEAD]
