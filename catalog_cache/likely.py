"""The few tools that a wrong name and its arguments could have meant, found without looking at every tool.

Pure. A first sieve over large catalogs (a millisecond or two for 1,600 tools); what is kept is weighed elsewhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from rapidfuzz import fuzz, process

from catalog_cache.letters import plain, split
from schemas.catalog import Catalog, Tool

LONGEST = 300
"""Characters of a name that are compared."""
SPELLED = 24
"""Tools kept for the likeness of their letters."""
KEPT = 64
"""Answers kept for each catalog."""


@dataclass(frozen=True)
class _Index:
    names: list[str]
    words: dict[str, list[int]]
    arguments: dict[str, list[int]]
    found: dict[tuple[str, frozenset[str]], tuple[Tool, ...]]
    """The last answers: one repair asks the same question several times."""


_INDEXES: WeakKeyDictionary[Catalog, _Index] = WeakKeyDictionary()


def likely(catalog: Catalog, name: str, arguments: Collection[str], limit: int = 64) -> tuple[Tool, ...]:
    """At most `limit` tools near in letters, in words, or in the names of their arguments; all of a small catalog."""
    if len(catalog) <= limit:
        return catalog.tools
    index = _INDEXES.get(catalog)
    if index is None:
        index = _INDEXES[catalog] = _built(catalog)
    key = (name, frozenset(arguments))
    if key not in index.found:
        if len(index.found) >= KEPT:
            index.found.clear()
        index.found[key] = tuple(catalog.tools[number] for number, _ in _scores(index, *key).most_common(limit))
    return index.found[key]


def _scores(index: _Index, name: str, arguments: frozenset[str]) -> Counter[int]:
    score: Counter[int] = Counter()
    for _, ratio, number in process.extract(plain(name[:LONGEST]), index.names, scorer=fuzz.ratio, limit=SPELLED):
        score[number] += int(ratio)
    for word in _words(name):
        found = index.words.get(word, ())
        for number in found:
            score[number] += 100 // (1 + len(found) // 20)
    for argument in sorted(arguments):
        found = index.arguments.get(plain(argument), ())
        for number in found:
            score[number] += 100 // (1 + len(found) // 10)
    return score


def _built(catalog: Catalog) -> _Index:
    index = _Index([plain(tool.name[:LONGEST]) for tool in catalog], {}, {}, {})
    for number, tool in enumerate(catalog):
        for word in _words(tool.name):
            index.words.setdefault(word, []).append(number)
        for argument in tool.properties:
            index.arguments.setdefault(plain(argument), []).append(number)
    return index


def _words(name: str) -> set[str]:
    return {word[:5] for word in split(name) if len(word) > 1 or not word.isascii()}
