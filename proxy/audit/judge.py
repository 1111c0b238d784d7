"""One session once more, on the way that a live call takes, with the transcript in the place of the servers.

`proxy.calls` decides as ever; here is only told apart what came of it: repaired, to be decided by trying, suggested, or
left as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from proxy.audit.recorded import Nobody, Notes, Recorded, same_call
from proxy.audit.retries import Retry, retry_of
from proxy.audit.transcript import Past
from proxy.calls.forward import Calls
from proxy.repair.read.proof import unknown_tool
from proxy.repair.read.refusal import error_text
from schemas.catalog import Catalog, Json, as_list, as_object
from schemas.config import Config
from schemas.record import RunRecord
from schemas.trial import Lost, Reply

Verdict = Literal["repaired", "tried", "suggested", "unrepaired", "not_sent", "no_answer"]
VERDICTS: dict[Verdict, str] = {
    "repaired": "would have been repaired",
    "tried": "would be tried: only running it decides",
    "suggested": "a repair would have been suggested, not sent",
    "unrepaired": "not repaired",
    "not_sent": "refused by the client itself: it would not have reached mcp-mend",
    "no_answer": "no answer came, and nothing is sent again after that",
}
"""What becomes of a failed call, and the words for it."""
NOTHING = "neither the schema nor the answer says what was wrong with the call"


@dataclass(frozen=True)
class Failure:
    """A call that failed, and what would have become of it."""

    past: Past
    error: str
    verdict: Verdict
    why: str = ""
    repairs: tuple[dict[str, Any], ...] = ()
    before: Json = None
    after: Json = None
    """The call as mcp-mend would have made it: `{"tool": ..., "arguments": ...}`."""
    confirmed: bool | None = None
    """Whether the transcript holds the repaired call with an answer, and whether that went well."""
    retry: Retry | None = None
    agrees: bool | None = None
    """Whether the agent's own correction is the very call that the repair makes; None where one of both is missing."""
    again: bool = False
    """Whether this call is itself a try to mend an earlier one."""


async def judged(config: Config, catalog: Catalog, calls: Sequence[Past]) -> list[Failure]:
    """The failures of one session, in order; calls that went well are evidence for later ones, as they would be."""
    world = Recorded(catalog, calls)
    notes = Notes()
    doors: dict[str, Calls] = {}
    found: list[Failure] = []
    if all(_went_well(past) for past in calls):
        return found
    mending: set[int] = set()
    for at, past in enumerate(calls):
        if past.reply is None:
            continue
        if past.reply.lost is not None:
            found.append(_lost(past, past.reply))
            continue
        door = doors.setdefault(past.server, Calls(config, world, notes, past.server))
        world.begin(at)
        notes.runs.clear()
        params = {"name": past.name} | ({} if past.arguments is None else {"arguments": past.arguments})
        reply = await door.call(params, Nobody(past.called.session))
        if past.reply.refused:
            unknown = catalog.origin(past.server, past.name) is None and unknown_tool(past.reply, past.name)
            retry = retry_of(calls, at, renamed=unknown)
            found.append(_told(past, reply, notes.runs[-1] if notes.runs else None, world, retry, again=at in mending))
            mending |= set(retry.tries) if retry is not None else set()
    return found


def _went_well(past: Past) -> bool:
    return past.reply is None or (past.reply.lost is None and not past.reply.refused)


def _lost(past: Past, reply: Reply) -> Failure:
    return Failure(past, reply.message, "not_sent" if reply.lost is Lost.NOT_SENT else "no_answer")


def _told(
    past: Past, reply: Reply, run: RunRecord | None, world: Recorded, retry: Retry | None, *, again: bool
) -> Failure:
    """What a live call has come to, as the audit tells it."""
    error = error_text(past.reply or Reply())
    diagnosis = _diagnosis(reply)
    if run is None:
        return Failure(past, error, "unrepaired", _wrong(diagnosis) or NOTHING, retry=retry, again=again)
    after = _call(run.after)
    verdict = _verdict(run, world)
    server = str(after.get("server") or past.server)
    agrees = confirmed = None
    if verdict in ("repaired", "tried", "suggested") and run.repairs:
        if retry is not None:
            agrees = same_call(retry.found, server, str(after.get("tool")), after.get("arguments"))
        same = [each for each in world.found if same_call(each, server, str(after.get("tool")), after.get("arguments"))]
        confirmed = _went_well(same[-1]) if same else None
    return Failure(
        past, error, verdict, _why(verdict, diagnosis), tuple(dict(one) for one in run.repairs), _call(run.before),
        after, confirmed, retry, agrees, again,
    )  # fmt: skip


def _verdict(run: RunRecord, world: Recorded) -> Verdict:
    unsure = any(repair.get("confidence") == "guess" for repair in run.repairs)
    if run.status == "repaired":
        return "tried" if unsure else "repaired"
    if world.supposed and run.repairs:
        return "tried"
    return "suggested" if run.status == "suggested" else "unrepaired"


def _why(verdict: Verdict, diagnosis: dict[str, Any]) -> str:
    wrong = _wrong(diagnosis)
    match verdict:
        case "repaired":
            return ""
        case "tried":
            return wrong
        case "suggested":
            return str(diagnosis.get("not_sent_because") or wrong)
        case _:
            return wrong or NOTHING


def _wrong(diagnosis: dict[str, Any]) -> str:
    problems = (as_object(problem) or {} for problem in as_list(diagnosis.get("problems")) or [])
    return "; ".join(str(problem.get("message")) for problem in problems)


def _diagnosis(reply: Reply) -> dict[str, Any]:
    """What the proxy says beside an error, under `repair.suggest = "meta"`."""
    meta = as_object((reply.result or {}).get("_meta")) or as_object((reply.error or {}).get("data")) or {}
    return as_object(meta.get("mcp-mend/diagnosis")) or {}


def _call(plan: Any) -> dict[str, Any]:
    steps = as_list((as_object(plan) or {}).get("steps")) or [{}]
    step = as_object(steps[0]) or {}
    return {key: step[key] for key in ("server", "tool", "arguments") if key in step}
