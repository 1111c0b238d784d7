"""Names as their letters, in any script: the one form in which names are compared.

Pure. Nothing is stripped to ASCII. A mark (a Thai vowel, a Hebrew point, an accent) belongs to its letter and counts.
An empty form equals nothing: two names of which nothing is left are not the same name.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache


@lru_cache(maxsize=16384)
def split(name: str) -> tuple[str, ...]:
    """The words of a name: parted at separators, digits and camel case, in one Unicode form, case folded.

    `getUser_v2` is (get, user, v, 2). Source of forms and case folding: Unicode Standard Annex 15, and section 3.13.
    """
    found: list[str] = []
    word, before = "", ""
    text = unicodedata.normalize("NFKC", name)
    for index, letter in enumerate(text):
        kind = _kind(letter)
        behind = _kind(text[index + 1]) if index + 1 < len(text) else ""
        camel = kind == "upper" and (before in ("lower", "digit") or (before == "upper" and behind == "lower"))
        if word and (kind == "" or camel or (kind == "digit" and before not in ("digit", "mark"))):
            found.append(word)
            word = ""
        if kind:
            word += letter
        before = before if kind == "mark" else kind
    found += [word] if word else []
    return tuple(unicodedata.normalize("NFKC", part.casefold()) for part in found)


@lru_cache(maxsize=16384)
def plain(name: str) -> str:
    """A name without case and separators, "" where it is nothing but separators."""
    return "".join(split(name))


def same(left: str, right: str) -> bool:
    """Tell whether two names are one but for Unicode form, case and separators."""
    return plain(left) == plain(right) != ""


@lru_cache(maxsize=16384)
def scripts(name: str) -> frozenset[str]:
    """The scripts of a name's letters, as Unicode names them: LATIN, CYRILLIC, HANGUL ..."""
    return frozenset(unicodedata.name(letter, "?").split()[0] for letter in plain(name) if letter.isalpha())


def typed_alike(left: str, right: str) -> bool:
    """Tell whether a likeness of letters can mean a typing error between two names at all.

    Not across scripts (a Latin a is no Cyrillic one), not in scripts without case, where one letter may be a word, not
    where a digit or a word of fewer than four letters differs.
    """
    ours, theirs = split(left), split(right)
    if scripts(left) != scripts(right) or any(
        _kind(letter) in ("other", "mark") for letter in plain(left) + plain(right)
    ):
        return False
    if [c for c in plain(left) if c.isdigit()] != [c for c in plain(right) if c.isdigit()]:
        return False
    pairs = zip(ours, theirs, strict=True) if len(ours) == len(theirs) else ()
    return not any(mine != other and max(len(mine), len(other)) < 4 for mine, other in pairs)


def _kind(letter: str) -> str:
    category = unicodedata.category(letter)
    if category[0] == "L":
        return "upper" if category in ("Lu", "Lt") else "lower" if category == "Ll" else "other"
    return {"M": "mark", "N": "digit"}.get(category[0], "")
