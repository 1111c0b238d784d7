"""What is meant among closed alternatives: the allowed value of a text, or the branch of a union of an object. Pure.

A discriminator is a required key whose schema allows one value. It is filled in only where every key that was written
is one of the alternative's, and where no other alternative would fit as well.
"""

from __future__ import annotations

from collections.abc import Iterator

from catalog_cache import letters
from proxy.repair.view.scalars import Coercion
from proxy.repair.view.schema import Schema, allowed_values, branches, deref, fits
from proxy.repair.view.units import same_unit, unit_of
from proxy.repair.view.words import likeness, mentions, words
from schemas.catalog import Json, as_list, as_object
from schemas.edit import Confidence

MOST = 1_000
"""Allowed values among which another than the very same is looked for."""
NEGATIONS = frozenset({"not", "no", "non", "except", "without"})
"""Words that turn what stands beside them into its opposite."""


def choose(value: str, allowed: tuple[str, ...]) -> Iterator[Coercion]:
    """Find the allowed value that a text means: by spelling, by unit, as the one it contains, or by a near spelling."""
    same = [option for option in allowed if letters.same(option, value)]
    if len(same) == 1:
        yield Coercion(
            same[0], "allowed_value_spelling", Confidence.LOSSLESS, f"{same[0]!r} but for case and separators"
        )
        return
    if len(allowed) > MOST:
        return
    unit = [option for option in allowed if same_unit(value, option)]
    if len(unit) == 1:
        rivals = [option for option in allowed if option != unit[0] and mentions(option, value)]
        sure = Confidence.GUESS if rivals else Confidence.EVIDENT
        yield Coercion(unit[0], "same_unit", sure, f"{value!r} and {unit[0]!r} are the same unit")
        for option in rivals:
            yield Coercion(option, "allowed_value_holding", Confidence.GUESS, f"{option!r} holds the word {value!r}")
        return
    other = unit_of(value) is not None
    alike = tuple(option for option in allowed if _negated(option) == _negated(value))
    alike = tuple(option for option in alike if not (other and unit_of(option) is not None))
    held = [option for option in alike if len(option) > 1 and mentions(value, option)]
    held = [option for option in held if not any(option != other and option in other for other in held)]
    if len(held) == 1:
        yield Coercion(
            held[0], "allowed_value_within", Confidence.GUESS, f"{held[0]!r} is the one allowed value in {value!r}"
        )
    elif not held:
        yield from _near(value, alike)


def _negated(text: str) -> bool:
    return not NEGATIONS.isdisjoint(words(text))


def _near(value: str, allowed: tuple[str, ...]) -> Iterator[Coercion]:
    ranked = sorted(((likeness(value, option), option) for option in allowed), reverse=True)
    if ranked and ranked[0][0] >= 0.78:
        margin = ranked[0][0] - (ranked[1][0] if len(ranked) > 1 else 0)
        sure = Confidence.EVIDENT if margin >= 0.15 else Confidence.GUESS
        if margin > 0.02:
            yield Coercion(
                ranked[0][1], "allowed_value_near", sure, f"{ranked[0][1]!r} is the nearest allowed value to {value!r}"
            )


def tagged(value: Json, schema: Schema, root: Schema) -> dict[str, Json] | None:
    """The object with its discriminators filled in; None where none, or more than one alternative fits then."""
    written, options = as_object(value), branches(schema, root)
    if not written or len(options) < 2:
        return None
    found = [filled for option in options if (filled := _filled(written, option, root)) is not None]
    return found[0] if len(found) == 1 and len(found[0]) > len(written) else None


def _filled(written: dict[str, Json], option: Schema, root: Schema) -> dict[str, Json] | None:
    declared = as_object(option.get("properties")) or {}
    if not set(written) <= set(declared):
        return None
    missing = [str(name) for name in as_list(option.get("required")) or [] if name not in written]
    allowed = [allowed_values(deref(declared.get(name, {}), root), root) for name in missing]
    tags = [values[0] for values in allowed if values is not None and len(values) == 1]
    if len(tags) < len(missing):
        return None
    filled = {**dict(zip(missing, tags, strict=True)), **written}
    definitions = {key: root[key] for key in ("$defs", "definitions") if key in root}
    return filled if fits({**definitions, **option}, filled) else None
