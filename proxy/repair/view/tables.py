"""The table of codes that a description writes out: `0 = none, 1 = low`, `(1: rot; 2: blau)`, `"A" for admin`.

Pure; signs carry a table, not words, so that it reads in any language. A lone pair is no table, and neither are pairs
whose codes or signs differ in kind.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from catalog_cache.letters import same
from proxy.repair.view.scalars import read_number
from schemas.catalog import Json

READ = 4000
"""Characters of a description that are searched for a table."""
_PIECES = re.compile(r"[,;|()\[\]\n、،؛。]|\.(?=\s|$)")
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
def table(text: str) -> tuple[tuple[str, str], ...]:
    """The pairs of code and label that a text writes out, () where there are fewer than two of one kind."""
    text = unicodedata.normalize("NFKC", text[:READ])
    for split, form in _FORMS:
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


def code_of(label: str, text: str) -> str | None:
    """The code whose label in the table of a text equals this one but for case and separators; None for none or two."""
    codes = [code for code, said in table(text) if same(said, label)]
    return codes[0] if len(codes) == 1 else None


def as_number(code: str) -> Json:
    """A code as the number that it is, None for others."""
    reading = read_number(code)
    return reading.value if reading is not None and not reading.rest else None
