"""A tool name with a typing error in it: `get_wether` for `get_weather`.

A typing error is a word that is none: it names nothing else in the catalog, is no verb that tools are named by, and
differs from the right word in so few letters that the two were never meant to be told apart. So `decrease` is no error
for `increase`, nor `get_user` one for `get_users`, and `disassemble` and `decompile` stay two tools.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from rapidfuzz.distance import OSA

from catalog_cache.effects import CHANGING, PEEKING, seems_to_read
from catalog_cache.letters import cased
from catalog_cache.names import clean, owner
from catalog_cache.nearest import likely
from proxy.repair.rule import TEXT, Example, Offer, Rule, Tier
from proxy.repair.view.opposites import OPPOSITES
from proxy.repair.view.step import StepView
from proxy.repair.view.tool_fit import argument_fit, may_correct, opened
from proxy.repair.view.words import LONGEST, stem, typed_likeness, words
from schemas.catalog import Tool
from schemas.edit import Confidence, SwapTool
from schemas.problem import UnknownTool

KNOWN_WORDS = CHANGING | PEEKING | frozenset(word for pair in OPPOSITES for word in pair)
"""Words that a name means when it says them."""
LETTERS = {1: 4, 2: 8}
"""Errors in a word, and how many letters the right word has at least to be recognised all the same."""
FIT = 0.5
"""Least fit of the arguments: a name that is nearly right with arguments that are not is another tool's."""


def propose(problem: UnknownTool, here: StepView) -> Iterator[Offer]:
    """Correct a name that only typing errors keep from being exactly one tool's."""
    said = clean(here.step.tool) or here.step.tool
    if len(said) > LONGEST:
        return
    near = likely(here.evidence.catalog, said, opened(here.written))
    spoken = frozenset(word for tool in near for word in words(tool.public))
    whose = owner(here.evidence.catalog, said)
    found = [(t, wrong) for t in near if whose in (None, t.server) and (wrong := _errors(said, t, spoken))]
    if len(found) != 1:
        return
    tool, wrong = found[0]
    surely = seems_to_read(tool) or all(_no_word(mine, right) for mine, right in wrong)
    if surely and may_correct(here, tool) and argument_fit(tool, here) >= FIT:
        shown = ", ".join(f"{mine!r} is {right!r} mistyped" for mine, right in wrong)
        edit = SwapTool(here.step.id, tool.server, tool.name)
        yield Offer((edit,), f"{shown}, and no other tool is as near", Confidence.EVIDENT, 0.9)


def _no_word(mine: str, right: str) -> bool:
    """Tell whether an error seldom makes another word: letters exchanged, or one doubled or not doubled.

    A letter more or less may (`contract`, `contact`), and then an effect would go where it was not meant.
    """
    return len(mine) == len(right) or [letter for letter, _ in groupby(mine)] == [
        letter for letter, _ in groupby(right)
    ]


def _errors(said: str, tool: Tool, spoken: frozenset[str]) -> list[tuple[str, str]]:
    """The mistyped words and the right ones, where nothing else tells the name from one of the tool's spellings."""
    ours = words(said)
    for name in (tool.name, tool.public, f"mcp__{tool.public}"):
        theirs = words(name)
        if len(ours) != len(theirs):
            continue
        pairs = [(mine, right) for mine, right in zip(ours, theirs, strict=True) if mine != right]
        if pairs and all(_mistyped(mine, right, spoken) for mine, right in pairs):
            return pairs
    return []


def _mistyped(mine: str, right: str, spoken: frozenset[str]) -> bool:
    if mine in spoken or mine in KNOWN_WORDS or mine[0] != right[0] or stem(mine) == stem(right):
        return False
    if typed_likeness(mine, right) == 0.0 or not (cased(mine) and cased(right)):
        return False
    errors = OSA.distance(mine, right)
    return mine.isalpha() and right.isalpha() and len(right) >= LETTERS.get(errors, len(right) + 1)


_TOOLS = {"get_weather": {"city": TEXT}, "increase_volume": {"city": TEXT}}
RULE = Rule(
    "misspelled_tool",
    (UnknownTool,),
    Tier.ALIKE,
    propose,
    (
        Example({}, {"city": "Oslo"}, SwapTool("it", "s", "get_weather"), called="get_wether", tools=_TOOLS),
        Example({}, {"city": "Oslo"}, called="decrease_volume", tools=_TOOLS),
        Example({}, {"path": "/etc", "mode": 7}, called="get_wether", tools=_TOOLS),
    ),
)
