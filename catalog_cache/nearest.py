"""Which tools a text is about: BM25 over names, descriptions and arguments, joined with meanings where there are any.

Pure: an index is a value made once per catalog, a search reads it. Knows no model; similarities of meaning come in
from outside, as one number per tool.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from schemas.catalog import Catalog, Tool, as_object

K1 = 1.2
B = 0.6
"""The two customary constants of BM25: how soon repetition stops to count, how much length is held against a tool."""
NAME = 2.0
ARGUMENT = 2.0
SERVER = 1.0
DESCRIPTION = 1.0
TRIGRAM = 0.25
"""Weights of what a word was found in; trigrams of the name forgive misspellings."""
MADE_UP = 0.3
"""Weight of the words of a name that no tool has."""
DESCRIBED = 600
"""Characters of a description that count: the beginning says what a tool is for."""
LONGEST = 300
"""Characters of a wrong name that are compared."""
MEANING = 0.6
"""Share of meaning in a joined score, the rest is words."""

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_]+")
_STOP = frozenset(
    "a an the of to in on for from with by and or is are be this that it its as at if not no do does can will you your "
    "i me my we our what which who how there here use used using tool when any all".split()
)


@dataclass(frozen=True)
class Hit:
    """A tool and how well it fits, in 0..1 against the best of the same search."""

    tool: Tool
    score: float


@dataclass(frozen=True)
class Index:
    """The words of every tool of one catalog: term to (tool's number, weight), lengths taken into account."""

    tools: tuple[Tool, ...]
    postings: Mapping[str, tuple[tuple[int, float], ...]]


def words(text: str) -> list[str]:
    """The words of a text or name, lower case, plurals and the commonest endings cut, filler left out."""
    found = (match.lower() for match in _WORD.findall(text))
    return [_stem(word) for word in found if word not in _STOP]


def _stem(word: str) -> str:
    for ending, least in (("ies", 5), ("ing", 6), ("es", 6), ("ed", 5), ("s", 4)):
        if word.endswith(ending) and len(word) >= least and not word.endswith("ss"):
            return word[: -len(ending)] + ("y" if ending == "ies" else "")
    return word[:-1] if len(word) > 4 and word.endswith("e") else word


def _trigrams(name: str) -> list[str]:
    """The letters of a name in threes, marked so that no word equals them."""
    letters = "".join(_WORD.findall(name.lower()))
    return [f"#{letters[start : start + 3]}" for start in range(len(letters) - 2)]


def describe(tool: Tool) -> str:
    """What a tool is about in one text, for a model of meanings."""
    names = ", ".join(tool.properties)
    return f"{tool.name.replace('_', ' ')}: {tool.description[:DESCRIBED]}" + (f" ({names})" if names else "")


def index(catalog: Catalog | Iterable[Tool]) -> Index:
    """Read the words of every tool."""
    tools = tuple(catalog)
    counts = [_weighted(tool) for tool in tools]
    lengths = [sum(count.values()) for count in counts]
    average = sum(lengths) / len(lengths) if lengths else 1.0
    having: Counter[str] = Counter(term for count in counts for term in count)
    postings: dict[str, list[tuple[int, float]]] = {}
    for number, (count, length) in enumerate(zip(counts, lengths, strict=True)):
        damping = K1 * (1 - B + B * length / average)
        for term, weight in count.items():
            rarity = math.log(1 + (len(tools) - having[term] + 0.5) / (having[term] + 0.5))
            scale = TRIGRAM if term.startswith("#") else 1.0
            value = scale * rarity * weight * (K1 + 1) / (weight + damping)
            postings.setdefault(term, []).append((number, value))
    return Index(tools, {term: tuple(found) for term, found in postings.items()})


def _weighted(tool: Tool) -> Counter[str]:
    """Each term of a tool with its weight; a word of the name counts once however often it is repeated there."""
    found: Counter[str] = Counter()
    for term in dict.fromkeys(words(tool.name)):
        found[term] += NAME  # pyright: ignore[reportArgumentType] - a counter of weights
    for term in dict.fromkeys(_trigrams(tool.name)):
        found[term] += 1
    for term in words(tool.server):
        found[term] += SERVER  # pyright: ignore[reportArgumentType]
    for name, schema in tool.properties.items():
        for term in words(name):
            found[term] += ARGUMENT  # pyright: ignore[reportArgumentType]
        for term in words(str((as_object(schema) or {}).get("description", ""))[:120]):
            found[term] += 0.5  # pyright: ignore[reportArgumentType]
    for term in words(tool.description[:DESCRIBED]):
        found[term] += DESCRIPTION  # pyright: ignore[reportArgumentType]
    return found


def by_words(index: Index, query: str, name: str = "") -> list[float]:
    """How well each tool fits the words of a query, and the letters of a `name` that no tool has.

    The words of such a name count little: what was made up is poor evidence, what was misspelled shares letters.
    """
    scores = [0.0] * len(index.tools)
    terms = {term: min(times, 2.0) for term, times in Counter(words(query)).items()}
    for term in words(name):
        terms.setdefault(term, MADE_UP)
    terms |= dict.fromkeys(_trigrams(name), 1.0)
    for term, times in terms.items():
        for number, value in index.postings.get(term, ()):
            scores[number] += value * times
    return scores


def nearest(
    index: Index, query: str, limit: int = 16, *, name: str = "", meanings: Sequence[float] | None = None
) -> tuple[Hit, ...]:
    """The tools that fit best, best first; none that shares neither word nor meaning with the query.

    `meanings` holds one similarity in -1..1 per tool of the index.
    """
    said = _scaled(by_words(index, query, name))
    meant = None if meanings is None else _scaled([max(0.0, value) for value in meanings])
    joined = said if meant is None else [(1 - MEANING) * s + MEANING * m for s, m in zip(said, meant, strict=True)]
    order = sorted((number for number, score in enumerate(joined) if score > 0), key=lambda number: -joined[number])
    return tuple(Hit(index.tools[number], joined[number]) for number in order[:limit])


_INDEXES: WeakKeyDictionary[Catalog, Index] = WeakKeyDictionary()


def indexed(catalog: Catalog) -> Index:
    """The index of a catalog, made at the first question."""
    found = _INDEXES.get(catalog)
    if found is None:
        found = _INDEXES[catalog] = index(catalog)
    return found


def likely(catalog: Catalog, name: str, arguments: Iterable[str], limit: int = 64) -> tuple[Tool, ...]:
    """At most `limit` tools that a wrong name and its arguments could have meant; all of a small catalog."""
    if len(catalog) <= limit:
        return catalog.tools
    name = name[:LONGEST]
    return tuple(hit.tool for hit in nearest(indexed(catalog), " ".join((name, *arguments)), limit, name=name))


def _scaled(scores: Sequence[float]) -> list[float]:
    top = max(scores, default=0.0)
    return [score / top if top > 0 else 0.0 for score in scores]
