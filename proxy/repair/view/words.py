"""Names taken apart and compared: tool names, argument names, values of an enumeration.

Pure. Similarity is a number in 0..1; nothing here decides what is similar enough.
"""

from __future__ import annotations

from functools import lru_cache

from rapidfuzz import fuzz
from rapidfuzz.distance import DamerauLevenshtein

from catalog_cache.letters import cased, folded, letters, plain, same, script, spells, split
from proxy.repair.view.senses import same_sense

__all__ = ["closeness", "likeness", "mentions", "plain", "same", "slipped", "stem", "stems", "typed_likeness", "words"]

SHORT = 3
"""Letters of a word up to which another word is no typing error of it: in many scripts each of them says a thing."""
UNSURE = 0.75
"""Most that typing counts for where it may as well be a prefix or an ending: `включить`, `выключить`."""
LONGEST = 300
"""Characters of a name beyond which only the very same name is like it."""
FILLERS = frozenset({"the", "a", "an", "of", "my", "input", "value", "arg", "param", "parameter", "new", "field", "x"})
"""Words that a careless writer adds to a name without changing what it names."""


@lru_cache(maxsize=16384)
def words(name: str) -> tuple[str, ...]:
    """Split a name at case changes, digits and separators, lower-cased: `getUser_v2` is (get, user, v, 2)."""
    return split(name)


@lru_cache(maxsize=16384)
def stems(name: str) -> frozenset[str]:
    """The words of a name, without plural endings where all of it may be English."""
    return frozenset(stem(word) for word in words(name)) if name.isascii() else frozenset(words(name))


@lru_cache(maxsize=16384)
def stem(word: str) -> str:
    """Take the plural off a word, roughly: `inches` is `inch`, `ids` is `id`, `status` stays."""
    if not word.isascii():
        return word
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("ches", "shes", "xes", "sses")):
        return word[:-2]
    if len(word) > 2 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def typed_likeness(left: str, right: str) -> float:
    """How alike the letters of two names are, 1 less the share of typing errors (Damerau-Levenshtein).

    0 where they differ in what nobody mistypes: a digit, a symbol, an ideograph, or the script.
    """
    ours, theirs = plain(left), plain(right)
    if ours == theirs:
        return 1.0 if ours else 0.0
    if _fixed(ours) != _fixed(theirs):
        return 0.0
    return DamerauLevenshtein.normalized_similarity(letters(ours), letters(theirs))


@lru_cache(maxsize=16384)
def _fixed(form: str) -> tuple[tuple[str, ...], frozenset[str]]:
    """The characters of a form that nobody mistypes, and its scripts."""
    each = letters(form)
    return tuple(one for one in each if not spells(one[0])), frozenset(script(one[0]) for one in each) - {""}


def likeness(left: str, right: str) -> float:
    """How alike two names are, 1 for the same but for case and separators alone.

    The best of three readings: the same letters (typing errors, by Damerau-Levenshtein), one name's words within the
    other's (0.9 less a little per extra word), and the share of common words. Words of one sense count as common, at
    a small cost.
    """
    return _likeness(left, right) if left <= right else _likeness(right, left)


@lru_cache(maxsize=65536)
def _likeness(left: str, right: str) -> float:
    mine, other = plain(left), plain(right)
    if not mine or not other or len(mine) + len(other) > 2 * LONGEST:
        return float(mine == other != "")
    if mine == other:
        return 1.0
    ours, theirs, kept = _common_senses(stems(left), stems(right))
    common = ours & theirs
    extra = len((ours | theirs) - common - FILLERS)
    within = 0.92 - 0.06 * extra if common and common in (ours, theirs) else 0.0
    shared = 0.8 * len(common - FILLERS) / max(1, len((ours | theirs) - FILLERS))
    abbreviated = 0.85 if _abbreviates(mine, other) else 0.0
    alike = max(_typed(left, right), kept * within, kept * shared, abbreviated)
    return alike if _symbols(mine) == _symbols(other) else min(UNSURE, alike)


def _symbols(form: str) -> list[str]:
    return [char for char in form if not char.isalnum() and not script(char)]


def _typed(left: str, right: str) -> float:
    """What typing errors alone leave of likeness."""
    typed = typed_likeness(left, right)
    if min(len(letters(plain(left))), len(letters(plain(right)))) <= SHORT:
        return 0.5 * typed
    ours, theirs = words(left), words(right)
    pairs = zip(ours, theirs, strict=True) if len(ours) == len(theirs) else [(plain(left), plain(right))]
    inside = all(slipped(mine, other) for mine, other in pairs if mine != other)
    return 0.9 * typed if inside else min(UNSURE, 0.9 * typed)


def slipped(mine: str, right: str) -> bool:
    """Tell whether what two words differ in lies within: two exchanged letters, or neither the beginning nor the end.

    What stands in front of a word, or ends it, says something in most languages: its contrary, its number, its case.
    """
    if len(mine) > SHORT and sorted(mine) == sorted(right) and DamerauLevenshtein.distance(mine, right) == 1:
        return True
    return mine[:2] == right[:2] and mine[-1:] == right[-1:]


def _common_senses(ours: frozenset[str], theirs: frozenset[str]) -> tuple[frozenset[str], frozenset[str], float]:
    """The words of two names, those of one sense made the same, and the share of likeness that is left by that."""
    free = theirs - ours
    told = {word: other for word in sorted(ours - theirs) for other in sorted(free) if same_sense(word, other)}
    if not told:
        return ours, theirs, 1.0
    return frozenset(told.get(word, word) for word in ours), theirs, 0.95


def _abbreviates(left: str, right: str) -> bool:
    """Tell whether one is the other cut short (`addr`, `address`), or its consonants (`msg`, `message`)."""
    short, long = sorted((left, right), key=len)
    if not 3 <= len(short) < len(long) or not cased(short) or not cased(long):
        return False
    return long.startswith(short) or (len(short) <= 4 and (short + long).isascii() and _skeleton(short, long))


def _skeleton(short: str, long: str) -> bool:
    letters = iter(long)
    return short[0] == long[0] and not set(short) & set("aeiou") and all(letter in letters for letter in short)


def mentions(text: str, word: str) -> bool:
    """Tell whether a text holds a word or phrase as a whole, case aside.

    Within a longer run of letters of its script it is none, so a script without spaces seldom tells.
    """
    text, word = folded(text), folded(word)
    at = text.find(word) if word else -1
    while at >= 0:
        end = at + len(word)
        if not _runs_on(text[at - 1 : at], word[0]) and not _runs_on(text[end : end + 1], word[-1]):
            return True
        at = text.find(word, at + 1)
    return False


def _runs_on(beside: str, edge: str) -> bool:
    """Tell whether the character beside a match belongs to the same word."""
    if not beside or not (beside.isalnum() or script(beside)):
        return False
    return not script(beside) or not script(edge) or script(beside) in (script(edge), "COMBINING")


def closeness(query: str, text: str) -> float:
    """How much of a query's words stand in a longer text, 0..1."""
    return fuzz.token_set_ratio(" ".join(words(query)), " ".join(words(text))) / 100
