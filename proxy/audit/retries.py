"""What an agent did about a failed call by itself: the later call that is the same one, mended. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rapidfuzz.fuzz import ratio

from proxy.audit.catalogs import worked
from proxy.audit.transcript import Past
from schemas.catalog import Json, as_object, canonical
from schemas.plan import walk

LOOK = 20
"""Calls of the session that are looked at after a failed one."""
ALIKE = 80.0
"""Likeness, of 100, from which a text or a name counts as the other one corrected."""


@dataclass(frozen=True)
class Retry:
    """The call by which the agent mended a failed one, how many turns of the model it took, and its tries before."""

    found: Past
    turns: int
    tries: tuple[int, ...] = ()
    """Places of the tries in the session, the one that worked included."""


def retry_of(calls: Sequence[Past], at: int, *, renamed: bool) -> Retry | None:
    """The agent's own correction of the call at this place; None where it gave up, or did something else.

    `renamed` tells that no tool has the name that was called, so that the correction has another.
    """
    failed = calls[at]
    tries: list[int] = []
    for place in range(at + 1, min(len(calls), at + 1 + LOOK)):
        other = calls[place]
        if other.server != failed.server or not _same_tool(failed, other, renamed=renamed):
            continue
        if not _same_intent(failed, other, first=not tries):
            continue
        tries.append(place)
        if worked(other):
            return Retry(other, max(1, other.called.turn - failed.called.turn), tuple(tries))
    return None


def _same_tool(failed: Past, other: Past, *, renamed: bool) -> bool:
    return other.name == failed.name or (renamed and ratio(other.name, failed.name) >= ALIKE)


def _same_intent(failed: Past, other: Past, *, first: bool) -> bool:
    """Tell whether two calls want the same: a value of the one stands in the other, or it is the very next turn."""
    if first and other.called.turn - failed.called.turn <= 1:
        return True
    mine, theirs = list(_values(failed.arguments)), list(_values(other.arguments))
    if not mine or not theirs:
        return not mine and not theirs
    return any(left == right or (len(left) > 3 and ratio(left, right) >= ALIKE) for left in mine for right in theirs)


def _values(arguments: Json) -> Iterator[str]:
    """Every value inside arguments as text, so that "5" is 5."""
    for where, value in walk(as_object(arguments) or {}):
        if where and not isinstance(value, dict | list):
            yield value if isinstance(value, str) else canonical(value)
