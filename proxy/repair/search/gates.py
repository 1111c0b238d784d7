"""When a submitted plan may take a repair unasked: by its confidence, score and margin, and by what its tool does.

Pure. The thresholds are held against how often repairs of such scores turned out right (`benchmarks.search`, part
calibration).
"""

from __future__ import annotations

from collections.abc import Iterable

from proxy.repair.search.propose import Repair
from schemas.catalog import Effect, Tool
from schemas.edit import Confidence, Proposal

TIE = 0.05
"""Distance to the next candidate within which the evidence singles out neither.

Measured, a first guess was right 3 times in 10 where it led by 0.01 to 0.05, and 17 times in 19 beyond.
"""
LIKELY = 0.3
"""Least score of a guess that is tried at all: measured, of those below it none was right."""


def sure_enough(option: Repair, tool: Tool) -> bool:
    """Tell whether a submitted plan may take this repair unasked: a guess only where its tool reads."""
    if option.confidence is not Confidence.GUESS:
        return True
    return tool.effect is Effect.READ and option.score >= LIKELY and abs(option.margin) > TIE


def tied(option: Repair, tool: Tool) -> bool:
    """Tell whether a likely repair is kept from a tool that only reads by nothing but a rival as likely."""
    guess = option.confidence is Confidence.GUESS and option.score >= LIKELY
    return guess and tool.effect is Effect.READ and abs(option.margin) <= TIE


def sure_output(option: Repair) -> bool:
    """Tell whether a repair of the plan's output may be taken unasked."""
    return option.confidence is not Confidence.GUESS or option.score >= 2 * LIKELY


def sureness(lineage: Iterable[Proposal]) -> dict[str, Confidence]:
    """Step id to the least sure of its edits."""
    worst: dict[str, Confidence] = {}
    for proposal in lineage:
        for edit in proposal.edits:
            known = worst.get(edit.step, Confidence.LOSSLESS)
            worst[edit.step] = max(known, proposal.confidence, key=lambda confidence: confidence.rank)
    return worst
