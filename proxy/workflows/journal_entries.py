"""The journal's entries for a workflow run: while it is under way, when it has ended, and when it could not be read.

Knows the report and the journal's record, and nothing of how a run is carried out.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from proxy.repair import explain
from schemas.plan import Plan
from schemas.problem import Problem
from schemas.record import RunRecord
from schemas.report import Report
from schemas.trial import Candidate


def under_way(repair_id: str, session: str, submitted: Plan, plan: Plan) -> RunRecord:
    """The entry of a run that has come to this plan: what a process that is killed leaves behind."""
    return RunRecord(repair_id, time.time(), "workflow", session, "running", submitted.json(), plan.json())


def ended(
    report: Report, session: str, submitted: Plan, found: Sequence[Problem] = (), tried: Sequence[Candidate] = ()
) -> RunRecord:
    """The entry of a run with this report; `found` is what was wrong with the plan as it was submitted."""
    written: dict[str, Any] = report.written()
    return RunRecord(
        report.repair_id,
        time.time(),
        "workflow",
        session,
        report.status,
        submitted.json(),
        report.plan,
        written["repairs"],
        written["problems"],
        error_after="; ".join(problem.message for problem in report.problems)[:500],
        calls=report.search.upstream_calls,
        seconds=report.search.seconds,
        report=written,
        found=[explain.problem_json(problem) for problem in found],
        tried=explain.candidates(submitted, tried),
    )
