"""Rules for texts that only their writing keeps from what is meant: look-alike characters, addresses of files, breaks.

Spellings are taken from what the same upstream returned, and only where it returned one alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

from proxy.repair.view.coerce import short
from proxy.repair.view.lookalikes import LONGEST, looks, names
from proxy.repair.view.schema import fits
from proxy.repair.view.step import StepView
from proxy.repair.view.values import MISSING, paths
from proxy.repair.view.words import words
from schemas.catalog import Json
from schemas.edit import CoerceArgument, Confidence, Proposal
from schemas.plan import walk
from schemas.problem import Problem

_FILE = re.compile(r"file://(?:localhost)?(?=/)(?:/(?=[A-Za-z]:[/\\]))?", re.IGNORECASE)


def as_seen(problem: Problem, here: StepView) -> Iterator[Proposal]:
    """Write a refused name, or the parts of a path, as the upstream itself has written what looks the same."""
    wanted = {name: value for name in here.blamed if _short(value := here.written[name])}
    spellings = _spellings(here) if wanted else {}
    for name, value in wanted.items():
        parts = [value] if looks(value) in spellings else re.split(r"([/\\])", value)
        written = "".join(_as_seen(part, spellings) for part in parts)
        if written != value:
            evidence = f"{short(value)} looks like what was returned before as {short(ascii(written))}"
            edit = CoerceArgument(here.step.id, (name,), written)
            yield Proposal(problem, (edit,), "seen_spelling", evidence, Confidence.EVIDENT, 0.9)


def _short(value: Json) -> bool:
    return isinstance(value, str) and 1 < len(value) <= LONGEST


def _as_seen(part: str, spellings: dict[str, set[str]]) -> str:
    seen = spellings.get(looks(part), set[str]()) if len(part) > 1 else set[str]()
    return next(iter(seen)) if len(seen) == 1 else part


def _spellings(here: StepView) -> dict[str, set[str]]:
    """The form of every name that the upstream of this step has returned, to how it was written."""
    found: dict[str, set[str]] = {}
    for value in _returned(here):
        texts = [value, *(inner for _, inner in paths(value))]
        for name in (name for text in texts if isinstance(text, str) for name in names(text)):
            if len(name) <= LONGEST:
                found.setdefault(looks(name), set()).add(name)
    return found


def _returned(here: StepView) -> Iterator[Json]:
    server = here.tool.server if here.tool is not None else None
    yield from (seen.value for seen in here.evidence.session if seen.server == server)
    for step in here.earlier:
        if step.server == server and (value := here.evidence.value(step.id)) is not MISSING:
            yield value


def bare_text(problem: Problem, here: StepView) -> Iterator[Proposal]:
    """Take a path out of the address of a file, and the line break off the end of a refused text."""
    for name, value in here.written.items():
        schema = here.argument_schema(name)
        if not isinstance(value, str) or schema is None or not _named(name, value, here):
            continue
        bare = value.rstrip("\r\n")
        address = _FILE.match(bare)
        if address is not None and schema.get("format") is None and not {"uri", "url"} & set(words(name)):
            bare = unquote(bare[address.end() :])
        if bare != value and bare and "\n" not in bare and fits(schema, bare):
            evidence = f"{short(value)} is {short(bare)} with nothing but its writing around it"
            edit = CoerceArgument(here.step.id, (name,), bare)
            yield Proposal(problem, (edit,), "bare_text", evidence, Confidence.LOSSLESS)


def _named(name: str, value: str, here: StepView) -> bool:
    return name in here.blamed or value.strip() in here.reading.text


_QUOTES = re.compile(r"\s*(?P<mark>\\?[\"'`])(?P<inner>[^\"'`]*(?:\\[\"'`][^\"'`]*)*)(?P=mark)\s*")


def unquoted(problem: Problem, here: StepView) -> Iterator[Proposal]:
    """Take the quotes off a refused text, and off every text beside it in its list or object, all alike."""
    for name in here.blamed:
        texts = [(where, inner) for where, inner in walk(here.written[name]) if isinstance(inner, str)]
        bare = {where: match["inner"].replace("\\", "") for where, text in texts if (match := _QUOTES.fullmatch(text))}
        edits = tuple(CoerceArgument(here.step.id, (name, *where), text) for where, text in bare.items())
        if edits and all(text and fits(here.schema_at((name, *where)), text) for where, text in bare.items()):
            evidence = f"{len(edits)} of {len(texts)} texts in {name!r} stand in quotes of their own"
            yield Proposal(problem, edits, "unquoted", evidence, Confidence.EVIDENT, 0.85)
