"""Verbs in tool names: what a plan asked for, and what is its contrary. Pure."""

from __future__ import annotations

import re
from itertools import pairwise

from catalog_cache.effects import CHANGING, PEEKING
from proxy.repair.view.opposites import OPPOSITES
from proxy.repair.view.words import words

EMPTY_WORDS = frozenset({"v", "run", "do", "tool", "call", "exec", "execute", "api", "func", "function"})
"""Words that are added to or dropped from tool names between versions of a server; digits count as such too."""


def verbs(name: str) -> frozenset[str]:
    """The words of a tool name that are verbs of effect, those behind a `re` (refill, resend) included."""
    parts = meaningful(name)
    if parts and parts[0] in PEEKING:
        parts = tuple(word for before, word in pairwise(parts) if before in ("and", "or", "then"))
    found = {word for word in parts if word in CHANGING}
    found |= {word[2:] for word in parts if re.match(r"re[a-z]{3,}", word) and word[2:] in CHANGING}
    return frozenset(found)


def contrary(said: str, name: str) -> bool:
    """Tell whether two tool names differ in a word and its opposite, or where one looks, in one that changes."""
    ours, theirs = set(words(said)), set(words(name))
    return any(_opposed(mine, other) for mine in ours - theirs for other in theirs - ours)


def _opposed(mine: str, other: str) -> bool:
    turned = {f"{prefix}{word}" for prefix in ("un", "de", "dis") for word in (mine, other)}
    looks = mine in PEEKING and other in CHANGING
    return looks or frozenset((mine, other)) in OPPOSITES or mine in turned or other in turned


def meaningful(name: str) -> tuple[str, ...]:
    """The words of a tool name without version marks and empty words; all of them where nothing else is left."""
    parts = tuple(word for word in words(name) if word not in EMPTY_WORDS and not word.isdigit())
    return parts or words(name)
