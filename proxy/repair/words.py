"""Names taken apart and compared: tool names, argument names, values of an enumeration.

Pure. Similarity is a number in 0..1; nothing here decides what is similar enough.
"""

from __future__ import annotations

import re
from functools import lru_cache

from rapidfuzz import fuzz
from rapidfuzz.distance import DamerauLevenshtein

from proxy.repair.senses import same_sense
from schemas.letters import plain, same, typed_alike
from schemas.letters import split as words

FILLERS = frozenset({"the", "a", "an", "of", "my", "input", "value", "arg", "param", "parameter", "new", "field", "x"})
"""Words that a careless writer adds to a name without changing what it names."""


@lru_cache(maxsize=16384)
def stems(name: str) -> frozenset[str]:
    """The words of a name without plural endings."""
    return frozenset(stem(word) for word in words(name))


@lru_cache(maxsize=16384)
def stem(word: str) -> str:
    """Take the plural off a word, roughly: `inches` is `inch`, `ids` is `id`, `status` stays."""
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("ches", "shes", "xes", "sses")):
        return word[:-2]
    if len(word) > 2 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def typed_likeness(left: str, right: str) -> float:
    """How alike the letters of two names are, 1 less the share of typing errors (Damerau-Levenshtein)."""
    ours, theirs = plain(left), plain(right)
    return DamerauLevenshtein.normalized_similarity(ours, theirs) if ours and theirs else 0.0


@lru_cache(maxsize=65536)
def likeness(left: str, right: str) -> float:
    """How alike two names are, 1 for the same but for case and separators.

    The best of three readings: the same letters (typing errors, by Damerau-Levenshtein), one name's words within the
    other's (0.9 less a little per extra word), and the share of common words. Words of one sense count as common, at
    a small cost.
    """
    if same(left, right):
        return 1.0
    if not plain(left) or not plain(right):
        return 0.0
    typed = typed_likeness(left, right)
    ours, theirs, kept = _common_senses(stems(left), stems(right))
    common = ours & theirs
    extra = len((ours | theirs) - common - FILLERS)
    within = 0.92 - 0.06 * extra if common and common in (ours, theirs) else 0.0
    shared = 0.8 * len(common - FILLERS) / max(1, len((ours | theirs) - FILLERS))
    mistyped = min(len(plain(left)), len(plain(right))) > 3 and typed_alike(left, right)
    short = 0.9 * typed if mistyped else 0.75 * typed
    abbreviated = 0.78 if _abbreviates(plain(left), plain(right)) else 0.0
    return max(short, kept * within, kept * shared, abbreviated)


def _common_senses(ours: frozenset[str], theirs: frozenset[str]) -> tuple[frozenset[str], frozenset[str], float]:
    """The words of two names, those of one sense made the same, and the share of likeness that is left by that."""
    free = theirs - ours
    told = {word: other for word in ours - theirs for other in free if same_sense(word, other)}
    if not told:
        return ours, theirs, 1.0
    return frozenset(told.get(word, word) for word in ours), theirs, 0.95


def _abbreviates(left: str, right: str) -> bool:
    """Tell whether one is the other cut short (`addr`, `address`), or its consonants (`msg`, `message`)."""
    short, long = sorted((left, right), key=len)
    if not 3 <= len(short) < len(long):
        return False
    return long.startswith(short) or (len(short) <= 4 and _skeleton(short, long))


def _skeleton(short: str, long: str) -> bool:
    letters = iter(long)
    return short[0] == long[0] and not set(short) & set("aeiou") and all(letter in letters for letter in short)


def mentions(text: str, word: str) -> bool:
    """Tell whether a text holds a word or phrase as a whole, case aside; never inside a longer run of letters."""
    return bool(word) and re.search(rf"(?<![^\W_]){re.escape(word)}(?![^\W_])", text, re.IGNORECASE) is not None


def closeness(query: str, text: str) -> float:
    """How much of a query's words stand in a longer text, 0..1."""
    return fuzz.token_set_ratio(" ".join(words(query)), " ".join(words(text))) / 100
