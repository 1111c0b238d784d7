"""Units of measure compared by meaning: `kg` is `kilogram`, `deg` is `degrees`.

Pure, on pint's registry, which is loaded at the first question or by `load` (it costs about half a second).
"""

from __future__ import annotations

import re
import threading
import unicodedata
from functools import lru_cache
from math import isclose
from typing import Any, cast

from proxy.repair.view.words import stem

_loading = threading.Lock()
"""Keeps two threads from loading at once: the second waits for what the first has begun."""


def load() -> None:
    """Load the registry now, in whatever thread this is called."""
    _registry()


def _registry() -> Any:
    with _loading:
        return _loaded()


@lru_cache(maxsize=1)
def _loaded() -> Any:
    import pint

    return cast("Any", pint.UnitRegistry(cache_folder=None))


_CUSTOMARY = re.compile(r"(?i:us|u\.s\.)[ _](?P<front>\w.*)|(?P<back>.*\w) ?\((?i:us|u\.s\.)\)")
_IMPERIAL = re.compile(r"(?i:uk|imp|imperial)[ _](?P<front>\w.*)|(?P<back>.*\w) ?\((?i:uk|imp|imperial)\)")
_DEGREES = re.compile(r"(?:°|deg(?:ree)?s?)[ _]?(?:(c|celsius)|(f|fahrenheit))", re.IGNORECASE)
_PREFIX = re.compile(r"\b(kilo|mega|giga|tera|hecto|deci|centi|milli|micro|nano)[ _-](?=[a-z])", re.IGNORECASE)
_POWER = re.compile(r"\b(?:(?:[cdkm]?m|ft|yd|mi|in)()|[A-Za-z]{1,3}([⁻-]))([1-9¹²³])(?![\w.])")


@lru_cache(maxsize=8192)
def unit_of(text: str) -> str | None:
    """The canonical name of the unit that a text names, None where it names none."""
    bare = text.strip()[:LONGEST].removesuffix(".")
    degrees = _DEGREES.fullmatch(bare)
    if degrees is not None:
        return "degree_Celsius" if degrees[1] else "degree_Fahrenheit"
    for form, before in ((_CUSTOMARY, ""), (_IMPERIAL, "imperial_")):
        found = form.fullmatch(bare)
        if found is not None:
            own = _named(found["front"] or found["back"])
            return own and (_parse(before + own) if before else own)
    return _named(bare)


LONGEST = 60
"""Characters of a text that may name a unit."""


def _named(bare: str) -> str | None:
    if not re.fullmatch(r"[A-Za-zµ°Å%][A-Za-zµ°Å0-9_ /*^²³¹⁻·⋅.-]*", bare):
        return None
    lower = bare.lower() if len(bare) > 3 else bare
    plainly = _PREFIX.sub(r"\1", re.sub(r"(?<=[a-z])-(?=[a-z])", " ", lower))
    raised = _POWER.sub(_power, bare.replace("·", "*").replace("⋅", "*").replace(" ", "*"))
    spellings = (
        *(("floz",) if re.fullmatch(r"fl\.? ?oz", lower) else ()),
        *((bare,) if bare != lower and " " not in bare else ()),
        *(lower, lower.replace(" ", "_"), " ".join(stem(word) for word in lower.split())),
        *(plainly, plainly.replace(" ", "_"), " ".join(stem(word) for word in plainly.split())),
        *((raised,) if raised != bare else ()),
    )
    return next((unit for form in dict.fromkeys(spellings) if (unit := _parse(form)) is not None), None)


def _power(match: re.Match[str]) -> str:
    return f"{match[0].rstrip(match[3]).rstrip('⁻-')}**{'-' if match[2] else ''}{unicodedata.digit(match[3])}"


def _parse(text: str) -> str | None:
    try:
        unit = _registry().parse_units(text)
    except Exception:  # noqa: BLE001  pint raises many kinds, tokenizer errors included, for texts that are no units
        return None
    return str(unit) if str(unit) != "dimensionless" else None


@lru_cache(maxsize=8192)
def same_unit(left: str, right: str) -> bool:
    """Tell whether two texts name the same unit: one amount of either is the same amount of the other."""
    ours, theirs = unit_of(left), unit_of(right)
    if ours is None or theirs is None or ours == theirs:
        return ours is not None and ours == theirs
    return all((said := convert(each, left, right)) is not None and isclose(said, each) for each in (1.0, 1000.0))


@lru_cache(maxsize=4096)
def convert(amount: float, source: str, target: str) -> float | None:
    """Convert between two units, None where they do not measure the same thing."""
    ours, theirs = unit_of(source), unit_of(target)
    if ours is None or theirs is None:
        return None
    try:
        return float(_registry().Quantity(amount, ours).to(theirs).magnitude)
    except Exception:  # noqa: BLE001  incompatible dimensions and offset units alike mean: no conversion
        return None
