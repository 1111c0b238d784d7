"""Units of measure compared by meaning: `kg` is `kilogram`, `deg` is `degrees`.

Pure, on pint's registry, which is loaded at the first question (it costs about half a second).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, cast

from proxy.repair.view.words import stem


@lru_cache(maxsize=1)
def _registry() -> Any:
    import pint

    return cast("Any", pint.UnitRegistry(cache_folder=None))


@lru_cache(maxsize=8192)
def unit_of(text: str) -> str | None:
    """The canonical name of the unit that a text names, None where it names none."""
    bare = text.strip().lower() if text.strip().lower() != text.strip() and len(text.strip()) > 3 else text.strip()
    bare = bare.removesuffix(".")
    if not re.fullmatch(r"[A-Za-zµ°Å%][A-Za-zµ°Å0-9_ /*^²³.-]*", bare):
        return None
    for spelling in (bare, bare.replace(" ", "_"), " ".join(stem(word) for word in bare.split())):
        found = _parse(spelling)
        if found is not None:
            return found
    return None


def _parse(text: str) -> str | None:
    try:
        unit = _registry().parse_units(text)
    except Exception:  # noqa: BLE001  pint raises many kinds, tokenizer errors included, for texts that are no units
        return None
    return str(unit) if str(unit) != "dimensionless" else None


def same_unit(left: str, right: str) -> bool:
    """Tell whether two texts name the same unit."""
    ours = unit_of(left)
    return ours is not None and ours == unit_of(right)


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
