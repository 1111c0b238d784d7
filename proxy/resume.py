"""Go on from a run that was cut off: what its journal says has been sent is never sent again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from proxy.journal.database import journal_path
from proxy.journal.reader import Entry, NoEntryError, open_reader
from proxy.repair.values import value_of
from schemas.catalog import Effect, as_object
from schemas.trial import Lost, Reply, StepRun, Verdict


@dataclass(frozen=True)
class Earlier:
    """An earlier run: the plan it had come to, and everything it sent, by step."""

    repair_id: str
    plan: dict[str, Any]
    sent: dict[str, list[StepRun]] = field(default_factory=dict[str, list[StepRun]])


class CannotResumeError(Exception):
    """Why a run cannot be gone on from."""


def earlier(written: str) -> Earlier:
    """Read an earlier run from the journal; raises `CannotResumeError` with what to do instead."""
    try:
        with open_reader(journal_path()) as reader:
            entry = reader.run(reader.resolve(written, "run"))
    except FileNotFoundError as error:
        raise CannotResumeError("there is no journal yet, so there is no run to go on from") from error
    except NoEntryError as error:
        raise CannotResumeError(str(error)) from error
    if entry["kind"] != "workflow":
        raise CannotResumeError(f"{entry['repair_id']} is a single call, not a workflow")
    plan = as_object(entry.get("plan_after")) or as_object(entry.get("plan_before"))
    if plan is None or not plan.get("steps"):
        raise CannotResumeError('the journal kept no plan of it (journal.payloads is not "full")')
    found = Earlier(entry["repair_id"], plan)
    for call in entry["sent"]:
        if call.get("step"):
            found.sent.setdefault(str(call["step"]), []).append(_run(call))
    return found


def _run(call: Entry) -> StepRun:
    outcome = str(call["outcome"])
    verdict = Verdict(outcome) if outcome in set(Verdict) else Verdict.UNKNOWN
    body = as_object(call.get("reply"))
    if verdict is Verdict.UNKNOWN or body is None:
        reply = Reply(lost=Lost.BROKEN, message="the run was cut off before a reply was noted")
        verdict = Verdict.UNKNOWN if verdict is Verdict.OK else verdict
    else:
        reply = Reply(error=body) if "code" in body and "content" not in body else Reply(result=body)
    return StepRun(
        str(call["step"]),
        str(call["server"]),
        str(call["tool"]),
        call.get("arguments"),
        verdict,
        reply,
        value_of(reply.result) if reply.result is not None else None,
        str(call["call_id"]),
        Effect(call["effect"]),
        float(call["ms"] or 0.0),
    )
