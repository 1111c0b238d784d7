"""Names that look alike but are written with other characters: a narrow space, a curly quote, a decomposed accent.

Pure. Two spellings are one name where Unicode's compatibility form makes them equal once every kind of white space,
dash and quote is one; case and everything else tells names apart.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

READ = 100_000
"""Characters of a text in which names are looked for."""
LONGEST = 1000
"""Characters of a name."""
_MARK = re.compile(r"^[^\w\n\[]{0,20}(?:\[\w{1,20}\])?[^\w\n]{0,20}")
_PARTS = re.compile(r"\t| {2,}|[/\\]")
_WITHIN = re.compile(r"[\"“`']([^\"”“`'\n]{1,300})[\"”`']")


def looks(text: str) -> str:
    """The form that two names share which look alike."""
    return "".join(map(_look, unicodedata.normalize("NFKC", text)))


def _look(char: str) -> str:
    category = unicodedata.category(char)
    if char.isspace():
        return " "
    if category == "Pd" or char == "−":
        return "-"
    if category in ("Pi", "Pf") or char in "'\"`´":
        return "'"
    return "" if category == "Cf" else char


def names(text: str) -> Iterator[str]:
    """What a text may list as names: itself, its lines without marks before them, and their parts."""
    for line in text[:READ].split("\n"):
        bare = line.rstrip("\r")
        for form in dict.fromkeys((bare, bare[len(mark[0]) :] if (mark := _MARK.match(bare)) else bare)):
            yield from (part for part in (form, *_PARTS.split(form), *_WITHIN.findall(form)) if part)
