"""What a tool says about its arguments, in schemas or in the text of its description. Pure.

Many servers publish bare schemas and keep units and meanings in a docstring, in one of the customary layouts, and the
codes of a value in a table: `0 = none, 1 = low`, `(1: rot; 2: blau)`, `"A" for admin`. Signs carry a table, not words,
so that it reads in any language; a lone pair is none, and neither are pairs whose codes or signs differ in kind.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from catalog_cache.letters import same
from proxy.repair.view.scalars import read_number
from proxy.repair.view.schema import Schema, deref
from schemas.catalog import Json, Tool

KNOWN_LIMIT = 8192
_KNOWN: dict[tuple[int, str], tuple[Tool, Schema]] = {}
"""Described schemas by the identity of the tool, which is kept so that the identity stays its own."""

_SECTION = re.compile(
    r"^\s*+(args|arguments|parameters|params|inputs?|returns?|examples?|raises|notes?)\s*+:?\s*+$", re.I
)


def summary(tool: Tool) -> str:
    """What the tool does: its description up to the first section about arguments, results or examples."""
    lines: list[str] = []
    for line in tool.description.strip().splitlines():
        if _SECTION.match(line) or re.match(r"^\s*+-{3,}+\s*+$", line):
            break
        lines.append(line.strip())
    return " ".join(line for line in lines if line)


def note(tool: Tool, name: str) -> str:
    """What the tool says about this argument, "" where it says nothing."""
    schema: Schema = deref(tool.properties.get(name, {}), tool.schema)
    said = schema.get("description")
    if isinstance(said, str) and said.strip():
        return " ".join(said.split())
    return _written(tool.description, name)


def described(tool: Tool, name: str) -> Schema:
    """The schema of an argument, with what the docstring says of it where the schema itself says nothing."""
    known = _KNOWN.get((id(tool), name))
    if known is None:
        if len(_KNOWN) >= KNOWN_LIMIT:
            _KNOWN.clear()
        schema = deref(tool.properties.get(name, {}), tool.schema)
        said = note(tool, name) if name in tool.properties and not schema.get("description") else ""
        known = _KNOWN[id(tool), name] = (tool, {**schema, "description": said} if said else schema)
    return known[1]


def alternatives(text: str) -> tuple[str, ...]:
    """The values that a description lists: several in quotes, or words in parentheses; examples are no such list."""
    if re.search(r"e\.g\.|example|such as", text, re.IGNORECASE):
        return ()
    quoted = re.findall(r"(?<![\w])['\"`]([A-Za-z][\w -]{0,30})['\"`]", text)
    if len(quoted) > 1:
        return tuple(dict.fromkeys(quoted))
    for listed in re.findall(r"\(([^(),]{0,200}+,[^()]{0,500}+)\)", text):
        parts = [
            part.strip() for part in re.split(r",|\bor\b", listed) if part.strip() not in ("", "etc.", "etc", "...")
        ]
        if len(parts) > 2 and all(re.fullmatch(r"[A-Za-z][\w-]*", part) for part in parts):
            return tuple(dict.fromkeys(parts))
    return ()


_SAID = r"(?:['\"`](?P<quoted>[^'\"`\s,][^'\"`\n]{0,60})['\"`]|(?P<bare>[\w+-][\w/.+-]{0,40}?)(?=\.?(?:[\s,;)\]]|$)))"
_ABSENT = r"\b(?:if|when|unless)\b[^.\n]{0,40}\b(?:no|none|not|omitted|unset|missing|given|provided|specified)\b"
_DEFAULTS = (
    re.compile(rf"\bdefault(?:s to|ing to| value| is|s)?(?: is)?\s{{0,3}}[:=]?\s{{0,3}}{_SAID}", re.IGNORECASE),
    re.compile(rf"\buses? {_SAID}[^.\n]{{0,60}}{_ABSENT}", re.IGNORECASE),
    re.compile(rf"{_ABSENT}[^.\n]{{0,40}}\buses? {_SAID}", re.IGNORECASE),
)
_TELLING = re.compile(r"[^a-z]|^(?:true|false)$")
"""A bare word that is a value and no word of a sentence: it holds a figure, a capital, a slash."""


def stated_default(text: str) -> str | None:
    """The value that a description says is used where none is given; None where it says none, or more than one."""
    text = text[:DESCRIBED]
    found = [match for form in _DEFAULTS for match in form.finditer(text)]
    values = {match["quoted"] or match["bare"] for match in found if match["quoted"] or _TELLING.search(match["bare"])}
    return values.pop() if len(values) == 1 else None


DESCRIBED = 4000
"""Characters of a description that are searched for a default."""


def _written(text: str, name: str) -> str:
    """The note in a docstring: `name: text`, `name (type): text`, or `name : type` with the text on the next line."""
    lines = text.splitlines()
    head = re.compile(rf"^(\s*+)[-*`]*{re.escape(name)}`?\s*+(?:\([^)]*+\))?\s*+:\s*+(.*+)$")
    for number, line in enumerate(lines):
        found = head.match(line)
        if found is None:
            continue
        below = lines[number + 1] if number + 1 < len(lines) else ""
        if below.strip() and len(below) - len(below.lstrip()) > len(found[1]):
            return " ".join(below.split())
        return " ".join(found[2].split())
    return ""


CODES = 50
"""Allowed values that are looked for as codes."""
READ = 4000
"""Characters of a description that are searched for a table."""
_PIECES = re.compile(r"[,;|()\[\]\n、،؛。]|\.(?=\s|$)|\s(?=\d{1,9}\s?[=:→]\s?[^\W\d_])")
_CLOSED = re.compile(r"[,;|)\]\n、،؛。]|\.(?=\s|$)")
"""Where an entry ends; the second leaves an opening bracket standing, for `1 (low), 2 (high)`."""
_SIGN = r"(?P<sign>\s{0,3}(?:=>|->|[=:→])|\s[-–—]|\sfor)\s{0,3}"
_LABEL = r"(?P<label>[^=:→\s][^=:→]{0,60})$"
_NUMBER = r"(?P<code>-?\d{1,9}(?:\.\d{1,9})?)"
_FIRST = r"(?:^|:\s{0,3})"
_FORMS = (
    (_PIECES, re.compile(rf"['\"`](?P<code>[^'\"`]{{1,40}})['\"`]{_SIGN}{_LABEL}")),
    (_PIECES, re.compile(rf"(?:^|[\s:]){_NUMBER}{_SIGN}{_LABEL}")),
    (_PIECES, re.compile(rf"{_FIRST}(?P<code>\w{{1,4}})(?P<sign>\s{{0,3}}=)\s{{0,3}}{_LABEL}")),
    (_PIECES, re.compile(rf"{_FIRST}(?P<label>[^=:→\d][^=:→]{{0,60}}?)(?P<sign>\s{{0,3}}[=:→])\s{{0,3}}{_NUMBER}$")),
    (_CLOSED, re.compile(rf"{_FIRST}{_NUMBER}\s?(?P<sign>\()(?P<label>[^()]{{1,60}})$")),
    (_CLOSED, re.compile(rf"{_FIRST}(?P<label>[^():]{{1,60}}?)\s?(?P<sign>\(){_NUMBER}$")),
)


@lru_cache(maxsize=1024)
def table(text: str, allowed: tuple[str, ...] = ()) -> tuple[tuple[str, str], ...]:
    """The pairs of code and label that a text writes out, () where there are fewer than two of one kind.

    The `allowed` values are codes however the text writes them: `M - male`.
    """
    text = unicodedata.normalize("NFKC", text[:READ])
    known = "|".join(re.escape(code) for code in allowed[:CODES])
    forms = [(_PIECES, re.compile(rf"(?:^|:\s?)['\"`]?(?P<code>{known})['\"`]?{_SIGN}{_LABEL}"))] if known else []
    for split, form in (*_FORMS, *forms):
        pieces = (piece.strip() for piece in split.split(text))
        found = [match for piece in pieces if len(piece) < 200 and (match := form.search(piece))]
        signs = [match["sign"].strip() for match in found]
        usual = max(signs, key=signs.count, default="")
        entries = [match for match, sign in zip(found, signs, strict=True) if sign == usual]
        pairs = [(match["code"], match["label"].strip(" '\"`.")) for match in entries]
        told = all(any(char.isalpha() for char in label) for _, label in pairs)
        if told and len(pairs) > 1 and len(dict(pairs)) == len(pairs):
            return tuple(pairs)
    return ()


def code_of(label: str, text: str, allowed: tuple[str, ...] = ()) -> str | None:
    """The code whose label in the table of a text equals this one but for case and separators; None for none or two."""
    codes = [code for code, said in table(text, allowed) if same(said, label)]
    return codes[0] if len(codes) == 1 else None


def as_number(code: str) -> Json:
    """A code as the number that it is, None for others."""
    reading = read_number(code)
    return reading.value if reading is not None and not reading.rest else None
