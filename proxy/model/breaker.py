"""When to do without a model that fails, so that it costs few questions. Knows no clock but the monotonic one."""

from __future__ import annotations

import time

import structlog

log = structlog.get_logger("planner")

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
"""Seconds without a model after it failed; doubled every time that one question more did not help."""
DOUBLINGS = 6
SHARE = 2.0
"""A pause is at least this many times what the failure took: a run meets a hanging model once or twice, not always."""


class Breaker:
    """Opens after so many failures in a row; once its pause is over, one question is let through and decides.

    A change is logged once, with `about`. Whoever was admitted tells how it ended, by `worked` or `failed`, and `left`.
    """

    def __init__(self, failures: int = 1, **about: str) -> None:
        self._most = failures
        self._about = about
        self._failures = 0
        self._pauses = 0
        self._until = 0.0
        self._trying = False

    @property
    def closed(self) -> bool:
        """Tell whether every question is let through."""
        return self._pauses == 0

    @property
    def refuses(self) -> bool:
        """Tell whether a question would be turned away now."""
        return not self.closed and (self._trying or time.monotonic() < self._until)

    def admit(self) -> bool:
        """Let a question through, or not; while open the one that is let through is the trial."""
        if self.refuses:
            return False
        self._trying = not self.closed
        return True

    def left(self) -> None:
        """End a trial; without a verdict (its asker was cancelled) the next question is one."""
        self._trying = False

    def worked(self) -> bool:
        """Close, and tell whether it was open."""
        opened = not self.closed
        self._failures = self._pauses = 0
        if opened:
            log.info("the planner is available again", **self._about)
        return opened

    def failed(self, reason: str, took: float = 0.0) -> None:
        """Count a failure that took so many seconds; those of questions sent before it opened change nothing."""
        if not self.closed and time.monotonic() < self._until:
            return
        self._failures += 1
        if self._failures < self._most:
            log.info("the planner has no answer", reason=reason, **self._about)
            return
        pause = min(LONGEST_PAUSE, max(FIRST_PAUSE, SHARE * took) * 2 ** min(self._pauses, DOUBLINGS))
        self._until = time.monotonic() + pause
        say = log.warning if self.closed else log.debug
        self._pauses += 1
        told = "the planner is not available, repairs go on by rules alone"
        say(told, reason=reason, again_in_seconds=round(pause, 1), **self._about)
