"""How long an answer may take. Pure."""

from __future__ import annotations

USUAL = 256
"""Tokens of an ordinary answer: a value, a step."""
LONGEST = 3.0
"""A whole plan is the reason why its run waits: it may take this many times as long as an ordinary answer."""


def patience(deadline: float, tokens: int) -> float:
    """Seconds for an answer of at most so many tokens, given those for an ordinary one."""
    return deadline * min(LONGEST, max(1.0, tokens / USUAL))
