"""Sound plans broken as small models break them: one to four faults each, by a seed. Pure."""

from __future__ import annotations

import random
from collections.abc import Sequence

from evals.heldout import links, names, values
from evals.heldout.draft import Breaker, Draft, Fault, Sound

BREAKERS: tuple[Breaker, ...] = (
    names.tool_typo, names.tool_style, names.tool_prefix, names.tool_synonym, names.tool_words, names.argument_typo,
    names.argument_style, names.argument_affix, names.argument_synonym, names.argument_short, names.argument_extra,
    values.number_text, values.number_dressed, values.number_spoken, values.boolean_word, values.scalar_in_list,
    values.list_as_scalar, values.json_text, values.choice_spelled, values.date_layout, values.text_expected,
    values.null_optional, values.arguments_wrapped, values.arguments_nested, links.missing_reference,
    links.missing_literal, links.reference_key, links.reference_index, links.reference_step, links.reference_whole,
    links.reference_text, links.reference_placeholder, links.arguments_exchanged, links.step_twice, links.step_lost,
    links.step_order, links.step_inner,
)  # fmt: skip
"""Every kind of fault that a plan alone can have."""

ALONE: frozenset[Breaker] = frozenset([
    links.reference_step, links.arguments_exchanged, links.step_twice, links.step_lost, links.step_order,
    values.date_layout,
])  # fmt: skip
"""Faults that may leave no trace: in a plan that fails for another reason, nobody could tell them."""


def corrupt(sound: Sound, first: Breaker, more: int, rng: random.Random) -> tuple[Draft, list[Fault]] | None:
    """Break a plan by this breaker and up to `more` others; None where the first finds nothing to break.

    The first may be one that leaves no trace: whoever calls sees to it that the plan fails because of it.
    """
    draft = Draft.of(sound)
    fault = first(draft, rng)
    if fault is None:
        return None
    faults = [fault]
    for breaker in rng.sample(BREAKERS, len(BREAKERS)):
        if len(faults) > more:
            break
        found = None if breaker in ALONE else breaker(draft, rng)
        if found is not None:
            faults.append(found)
    return draft, faults


def hardest(faults: Sequence[Fault]) -> str:
    """The level of the hardest fault, in the order D, F, G."""
    return max((str(fault["level"]) for fault in faults), key="DFG".index)
