"""Repair memory on disk: lessons by key and counts by rule, shared by every proxy of this state folder.

The edge of `proxy.repair.search.recall`. Read whole at the start (a lesson is some hundred bytes), written at each
success. A broken file is reported once and costs only the memory.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import structlog

from proxy.repair.edits import Inapplicable, apply
from proxy.repair.read.diagnose import view_of
from proxy.repair.search.recall import Lesson, key_of, lesson_of, told_by
from proxy.repair.view.step import Evidence
from schemas.edit import Confidence, Proposal
from schemas.plan import Plan
from schemas.trial import Candidate

LIMIT = 5_000
"""Lessons kept; the ones that were not confirmed for longest go first."""

_log: structlog.stdlib.BoundLogger = structlog.get_logger("proxy.store.memory")

_TABLE = """CREATE TABLE IF NOT EXISTS lessons
 (key TEXT PRIMARY KEY, edit TEXT NOT NULL, confidence TEXT NOT NULL, rule TEXT NOT NULL, times INTEGER NOT NULL,
  at REAL NOT NULL)"""
_COUNTED = """CREATE TABLE IF NOT EXISTS guesses
 (key TEXT PRIMARY KEY, worked INTEGER NOT NULL, failed INTEGER NOT NULL)"""
_COUNT = """INSERT INTO guesses VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET
 worked = worked + excluded.worked, failed = failed + excluded.failed"""
_LEARN = """INSERT INTO lessons VALUES (?, ?, ?, ?, 1, ?) ON CONFLICT (key) DO UPDATE SET
 edit = excluded.edit, confidence = excluded.confidence, rule = excluded.rule, times = times + 1, at = excluded.at"""
_FORGET = "DELETE FROM lessons WHERE key IN (SELECT key FROM lessons ORDER BY at DESC LIMIT -1 OFFSET ?)"


class Memories:
    """What was learnt, in memory and on disk: `lessons` for `Evidence.memory`, `counts` for the order of guesses.

    The disk is written in a thread, in order: nobody waits for it.
    """

    def __init__(self, database: sqlite3.Connection | None) -> None:
        self._database = database
        self._thread = ThreadPoolExecutor(1, "mcp-mend memory")
        self.lessons: dict[str, Lesson] = {}
        self.counts: dict[str, tuple[int, int]] = {}
        if database is None:
            return
        for key, edit, confidence, rule in database.execute("SELECT key, edit, confidence, rule FROM lessons"):
            self.lessons[key] = Lesson(json.loads(edit), Confidence(confidence), rule)
        for key, worked, failed in database.execute("SELECT key, worked, failed FROM guesses"):
            self.counts[key] = (worked, failed)

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

    def close(self) -> None:
        """Write what is left, and close the file."""
        self._thread.shutdown()
        if self._database is not None:
            self._database.close()

    def _write(self, sql: str, values: tuple[str | int | float, ...]) -> None:
        if self._database is not None:
            self._thread.submit(_written, self._database, sql, values)


def _written(database: sqlite3.Connection, sql: str, values: tuple[str | int | float, ...]) -> None:
    try:
        with database:
            database.execute(sql, values)
    except sqlite3.Error as error:
        _log.warning("a repair is not remembered on disk", reason=str(error))


@contextmanager
def open_memories(path: Path, *, enabled: bool = True) -> Generator[Memories]:
    """The repair memory in this file, 0600; not enabled, one that forgets at the end."""
    database: sqlite3.Connection | None = None
    if enabled:
        try:
            path.touch(mode=0o600)
            database = sqlite3.connect(path, timeout=2, check_same_thread=False)
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = NORMAL")
            database.execute(_TABLE)
            database.execute(_COUNTED)
        except (sqlite3.Error, OSError) as error:
            _log.warning("no repair memory", file=str(path), reason=str(error))
            database = None
    memories = Memories(database)
    try:
        yield memories
    finally:
        memories.close()
