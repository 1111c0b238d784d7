"""A refused text with nothing but its writing around it: the address of a file, a line break, quotes of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

from proxy.repair.rule import TEXT, Example, Offer, Rule, Tier
from proxy.repair.view.coerce import short
from proxy.repair.view.schema import fits
from proxy.repair.view.step import StepView
from proxy.repair.view.words import words
from schemas.edit import CoerceArgument, Confidence
from schemas.plan import walk
from schemas.problem import Refused

_FILE = re.compile(r"file://(?:localhost)?(?=/)(?:/(?=[A-Za-z]:[/\\]))?", re.IGNORECASE)
_QUOTES = re.compile(r"\s*(?P<mark>\\?[\"'`])(?P<inner>[^\"'`]*(?:\\[\"'`][^\"'`]*)*)(?P=mark)\s*")


def propose(problem: Refused, here: StepView) -> Iterator[Offer]:
    """Take a path out of the address of a file, the line break off the end of a refused text, and its quotes."""
    yield from _bare(here)
    yield from _unquoted(here)


def _bare(here: StepView) -> Iterator[Offer]:
    for name, value in here.written.items():
        schema = here.argument_schema(name)
        if not isinstance(value, str) or schema is None:
            continue
        bare = value.rstrip("\r\n")
        address = _FILE.match(bare)
        if address is not None and schema.get("format") is None and not {"uri", "url"} & set(words(name)):
            bare = unquote(bare[address.end() :])
        named = name in here.blamed or value.strip() in here.reading.text
        if named and bare and bare != value and "\n" not in bare and fits(schema, bare):
            evidence = f"{short(value)} is {short(bare)} with nothing but its writing around it"
            yield Offer((CoerceArgument(here.step.id, (name,), bare),), evidence, Confidence.LOSSLESS)


def _unquoted(here: StepView) -> Iterator[Offer]:
    """Every text beside a refused one in its list or object loses its quotes too, all alike."""
    for name in here.blamed:
        texts = [(where, inner) for where, inner in walk(here.written[name]) if isinstance(inner, str)]
        bare = {where: match["inner"].replace("\\", "") for where, text in texts if (match := _QUOTES.fullmatch(text))}
        edits = tuple(CoerceArgument(here.step.id, (name, *where), text) for where, text in bare.items())
        if edits and all(text and fits(here.schema_at((name, *where)), text) for where, text in bare.items()):
            evidence = f"{len(edits)} of {len(texts)} texts in {name!r} stand in quotes of their own"
            yield Offer(edits, evidence, Confidence.EVIDENT, 0.85)


_TAKES = {"path": TEXT}
RULE = Rule(
    "bare_text",
    (Refused,),
    Tier.ALIKE,
    propose,
    (
        Example(_TAKES, {"path": "file:///a/b%20c.txt"}, {"path": "/a/b c.txt"}, refused="path: no such file"),
        Example(_TAKES, {"path": "/a/b.txt\n"}, {"path": "/a/b.txt"}, refused="path: no such file"),
        Example(_TAKES, {"path": "'/a/b.txt'"}, {"path": "/a/b.txt"}, refused="path: no such file"),
        Example({"url": TEXT}, {"url": "file:///a/b.txt"}, refused="url: not allowed"),
        Example(_TAKES, {"path": "/a/b.txt"}, refused="path: no such file"),
    ),
)
