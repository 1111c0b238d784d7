"""Repair memory in the store: lessons by key and counts by rule, shared by every proxy of this place.

The edge of `proxy.repair.search.recall`. Read whole at the start (a lesson is some hundred bytes), written at each
success. A database that refuses is reported and costs only the memory.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable, Sequence

import anyio
import structlog

from proxy.repair.edits import Inapplicable, apply
from proxy.repair.read.diagnose import view_of
from proxy.repair.search.recall import Lesson, key_of, lesson_of, told_by
from proxy.repair.view.step import Evidence
from proxy.store.sql import Connection, StoreError
from proxy.store.state import State
from schemas.edit import Confidence, Proposal
from schemas.plan import Plan
from schemas.trial import Candidate

WAIT = 2.0
"""Seconds in which what was learnt earlier is waited for."""
EVERY = 60.0
"""Seconds until what other replicas have learnt is known here."""
LIMIT = 5_000
"""Lessons kept; the ones that were not confirmed for longest go first."""

_log: structlog.stdlib.BoundLogger = structlog.get_logger("proxy.store.memory")

_COUNT = """INSERT INTO guesses (key, worked, failed) VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET
 worked = guesses.worked + excluded.worked, failed = guesses.failed + excluded.failed"""
_LEARN = """INSERT INTO lessons (key, edit, confidence, rule, times, at) VALUES (?, ?, ?, ?, 1, ?)
 ON CONFLICT (key) DO UPDATE SET edit = excluded.edit, confidence = excluded.confidence, rule = excluded.rule,
 times = lessons.times + 1, at = excluded.at"""
_FORGET = "DELETE FROM lessons WHERE at < (SELECT at FROM lessons ORDER BY at DESC LIMIT 1 OFFSET ?)"


class Memories:
    """What was learnt, in memory and in the store: `lessons` for `Evidence.memory`, `counts` for the order of guesses.

    The store is written in a thread, in order: nobody waits for it.
    """

    def __init__(self, state: State | None) -> None:
        self._state = state
        self.lessons: dict[str, Lesson] = {}
        self.counts: dict[str, tuple[int, int]] = {}

    async def begin(self) -> None:
        """Take in what was learnt earlier, waiting for it, but not for long."""
        if self._state is not None:
            try:
                async with asyncio.timeout(WAIT):
                    await self._state.ask(self._read)
            except (StoreError, TimeoutError) as error:
                _log.warning("no repair memory yet", reason=str(error) or "the database is too slow")

    async def follow(self) -> None:
        """Take in what others have learnt every now and then, for ever."""
        while True:
            await anyio.sleep(EVERY)
            if self._state is not None:
                self._state.later("to tell what was learnt", self._read)

    def _read(self, connection: Connection) -> None:
        for row in connection.rows("SELECT key, edit, confidence, rule FROM lessons"):
            self.lessons[row["key"]] = Lesson(json.loads(row["edit"]), Confidence(row["confidence"]), row["rule"])
        for row in connection.rows("SELECT key, worked, failed FROM guesses"):
            self.counts[row["key"]] = (row["worked"], row["failed"])

    def count(self, claimed: Candidate) -> None:
        """Count every guess of a claimed candidate as right, and its rivals, which had to fail for that, as not."""
        for key, (worked, failed) in told_by(claimed).items():
            before = self.counts.get(key, (0, 0))
            self.counts[key] = (before[0] + worked, before[1] + failed)
            self._write(_COUNT, (key, worked, failed))

    def learn(self, submitted: Plan, lineage: Iterable[Proposal], evidence: Evidence) -> None:
        """Remember every edit of a lineage that led to success and could help with another plan."""
        plan = submitted
        for proposal in lineage:
            step = plan.by_id.get(proposal.problem.step)
            lesson = lesson_of(proposal, plan, evidence.catalog)
            if step is not None and lesson is not None and proposal.rule != "remembered":
                self._keep(key_of(proposal.problem, view_of(plan, step, evidence)), lesson)
            changed = apply(plan, proposal.edits)
            plan = plan if isinstance(changed, Inapplicable) else changed

    def _keep(self, key: str, lesson: Lesson) -> None:
        self.lessons[key] = lesson
        self._write(_LEARN, (key, json.dumps(dict(lesson.edit)), lesson.confidence.value, lesson.rule, time.time()))
        self._write(_FORGET, (LIMIT,))

    def _write(self, statement: str, values: Sequence[str | int | float]) -> None:
        if self._state is not None:
            self._state.later("a repair's lesson", lambda connection: connection.run(statement, values))
