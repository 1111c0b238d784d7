"""Names as letters: the one form in which two of them are compared, in any script, and the words they are made of.

Pure, by Unicode's own properties. Nothing is brought down to ASCII: what two scripts write alike stays two letters.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import pairwise

_SEPARATING = frozenset({"Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Zs", "Zl", "Zp", "Cc"})
"""Categories of punctuation, spaces and controls: they part words and say nothing."""
_SAYING = frozenset("#%&@")
"""Punctuation that names something: `C#` is not `C`, nor `50%` 50."""
_BETWEEN_DIGITS = re.compile(r"(?<!\d) | (?!\d)")
_CUTS = re.compile(r"(?<=[ld])(?=u)|(?<=u)(?=ul)|(?<=[ulo])(?=d)|(?<=[uld])(?=o)|(?<=o)(?=[ul])")
"""Where a word ends within a run of letters: at capitals, before digits, and where caseless letters begin or end."""
_ASCII_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+[a-z]*")
"""The same for names of ASCII alone, which are nearly all."""
_EAST_ASIAN = frozenset({"CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "BOPOMOFO"})
"""Scripts that one word may mix."""


@lru_cache(maxsize=32768)
def plain(name: str) -> str:
    """A name without case and separators: the form in which names are compared; "" is the form of no name.

    NFKC and case folding; letters with their marks, numbers and symbols stay. So do a separator between two digits
    (1.5 is not 15) and the sign in front of a number.
    """
    text = folded(name).strip()
    signed = len(text) > 1 and text[1].isdecimal() and unicodedata.category(text[0]) == "Pd"
    spaced = " ".join(_spaced(text).split())
    return folded(("-" if signed else "") + _BETWEEN_DIGITS.sub("", spaced))


def same(left: str, right: str) -> bool:
    """Tell whether two names are one but for case and separators; a name of separators alone equals none."""
    return plain(left) == plain(right) != ""


def folded(text: str) -> str:
    """A text without case and compatibility forms; folding it again changes nothing."""
    if text.isascii():
        return text.lower()
    for _ in range(4):
        before, text = text, unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
        if text == before:
            break
    return text


def split(name: str) -> tuple[str, ...]:
    """The words of a name, split at case changes, digits and separators, without case."""
    if name.isascii():
        return tuple(word.lower() for word in _ASCII_WORD.findall(name))
    found: list[str] = []
    for run in _spaced(unicodedata.normalize("NFKC", name), symbols=True).split():
        parts = letters(run)
        kinds = "".join(_kind(part[0]) for part in parts)
        cuts = [0, *(cut.start() for cut in _CUTS.finditer(kinds)), len(parts)]
        found += ["".join(parts[start:end]) for start, end in pairwise(cuts)]
    return tuple(folded(word) for word in found)


def letters(text: str) -> list[str]:
    """The letters of a text, each with the marks that belong to it: a vowel sign is no letter of its own."""
    if text.isascii():
        return list(text)
    found: list[str] = []
    for char in text:
        if found and unicodedata.category(char)[0] == "M":
            found[-1] += char
        else:
            found.append(char)
    return found


@lru_cache(maxsize=8192)
def script(char: str) -> str:
    """The script of a letter, "" for digits, symbols and separators."""
    if unicodedata.category(char)[0] not in "LM":
        return ""
    name = unicodedata.name(char, "").partition(" ")[0]
    return "CJK" if name in _EAST_ASIAN else name


@lru_cache(maxsize=8192)
def spells(char: str) -> bool:
    """Tell whether a character only helps to spell a word: a letter, but no ideograph, which is a word itself."""
    return unicodedata.category(char)[0] in "LM" and not unicodedata.name(char, "").startswith("CJK ")


def cased(text: str) -> bool:
    """Tell whether all letters of a text have capitals: then words stand apart, and one may be cut short."""
    return all(_kind(part[0]) in "uld" for part in letters(text))


@lru_cache(maxsize=8192)
def _kind(char: str) -> str:
    """Upper, lower, digit, or another letter."""
    if char.isupper() or char.istitle():
        return "u"
    return "l" if char.islower() else "d" if char.isdecimal() else "o"


def _spaced(text: str, *, symbols: bool = False) -> str:
    """A text with spaces for its separators (and symbols), and without invisible marks of format."""
    return "".join(_part_of_a_name(char, symbols) for char in text)


@lru_cache(maxsize=8192)
def _part_of_a_name(char: str, symbols: bool) -> str:  # noqa: FBT001
    category = unicodedata.category(char)
    if category == "Cf":
        return ""
    parts = symbols if char in _SAYING else category in _SEPARATING or (symbols and category[0] == "S")
    return " " if parts else char
