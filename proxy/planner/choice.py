"""Which candidate the scores speak for. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from proxy.ports import Advice

NOISE = 0.05
"""Nats per token: the same option scored in batches of other shapes differs by up to this much."""


def choose(scores: Sequence[float], priors: Sequence[float], rest: int = 0) -> Advice:
    """Order candidates by score; those within the noise of the best one by prior, the surest first.

    `rest` counts further candidates that were not scored: they follow in their own order.
    """
    by_score = sorted(range(len(scores)), key=lambda index: -scores[index])
    if not by_score:
        return Advice(tuple(range(rest)), 0.0)
    best = scores[by_score[0]]
    tied = [index for index in by_score if best - scores[index] <= NOISE]
    clear = by_score[len(tied) :]
    leaders = sorted(tied, key=lambda index: (-priors[index], -scores[index]))
    margin = 0.0 if len(tied) > 1 else (best - scores[clear[0]] if clear else float("inf"))
    return Advice((*leaders, *clear, *range(len(scores), len(scores) + rest)), margin)
