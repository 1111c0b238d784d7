"""One failed `tools/call` as a plan of one step: searched like any other, and how its end is told to the client."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from anyio import to_thread

from proxy.repair import explain
from proxy.repair.edits import Inapplicable, apply
from proxy.repair.read.diagnose import static_problems, view_of
from proxy.repair.read.refusal import error_text
from proxy.repair.read.refused import refusal_problems
from proxy.repair.search.gates import Gate
from proxy.repair.search.laws import objection
from proxy.repair.search.loop import Ask, Search
from proxy.repair.search.outcome import blocking
from proxy.repair.search.propose import Repair, repairs
from proxy.repair.view.schema import describe
from proxy.repair.view.step import Evidence
from proxy.workflows.executor import Executor
from schemas.catalog import Catalog, Json, Tool
from schemas.config import Evolution, Mode
from schemas.edit import Confidence, Proposal
from schemas.plan import Plan, Step
from schemas.problem import Problem, Refused, UnexpectedArgument
from schemas.record import RunRecord
from schemas.report import Stop
from schemas.trial import Candidate, Execution, Reply, StepRun

STEP = "call"
"""Id of the one step that a call is."""
GENERATIONS = 8
"""Of a search for one call, whose calls `repair.calls` bounds."""


@dataclass(frozen=True)
class Mended:
    """What became of a failed call.

    `reply` is what the client gets before anything is added to it; `before` is the call as it came, `after` as it was
    sent, but for what was `tried`; `lineage` are the edits between the two, `problems` what is wrong with `after`.
    """

    reply: Reply
    before: Plan
    after: Plan
    lineage: tuple[Proposal, ...] = ()
    suggestion: Repair | None = None
    problems: tuple[Problem, ...] = ()
    worked: bool = False
    tried: tuple[StepRun, ...] = ()
    """Repaired calls that were sent and not claimed."""
    candidates: tuple[Candidate, ...] = ()
    """Everything that the search tried, in order."""
    why_not: str = ""
    """Why the suggestion was not sent, or not claimed."""
    first: str = ""
    """How the call was refused before its name was mended."""


def plan_of(tool: Tool, arguments: Json, name: str = "") -> Plan:
    """A call as a plan of one step, under another `name` where the client wrote one that no tool bears."""
    return Plan((Step(STEP, name, arguments or {}) if name else Step(STEP, tool.name, arguments, tool.server),))


async def mend(
    executor: Executor,
    before: Plan,
    evidence: Evidence,
    mode: Mode,
    settings: Evolution,
    *,
    ask: Ask | None = None,
    reads: Callable[[Tool], Awaitable[bool]] | None = None,
) -> Mended:
    """Search for the repair of a call whose first sending, the last entry of the executor's ledger, was refused."""
    first = executor.history(STEP)[-1]
    known = replace(evidence, runs={STEP: first})
    problems, reply = await to_thread.run_sync(problems_of, before, known), first.reply or Reply()
    if mode != "auto":
        return await to_thread.run_sync(_suggested, Mended(reply, before, before, problems=problems), executor, known)
    search = Search(before, evidence, executor, settings, GENERATIONS, ask=ask, reads=reads)
    stop = await search.run(Execution({STEP: first}))
    best = search.population.best
    tried, candidates = tuple(executor.history(STEP)[1:]), tuple(search.population.tried.values())
    if best is not None and stop is Stop.SOLVED and best.lineage:
        reply = best.execution.runs[STEP].reply or reply
        return Mended(reply, before, best.plan, best.lineage, problems=problems, worked=True, candidates=candidates)
    failed = tuple(run for run in tried if not run.ok)
    mended = Mended(reply, before, before, problems=problems, tried=failed, candidates=candidates)
    known = replace(known, catalog=search.evidence.catalog)
    return await to_thread.run_sync(_suggested, mended, executor, known, stop)


def _suggested(mended: Mended, executor: Executor, evidence: Evidence, stop: Stop = Stop.NO_EDITS) -> Mended:
    """The same with the best repair that was not made, and why it was not."""
    failed = [run.arguments for run in mended.tried]
    options = (option for option in repairs(mended.before, STEP, evidence) if not option.open)
    best = next((option for option in options if option.plan.steps[0].arguments not in failed), None)
    if best is None:
        return mended
    why = Gate(mended.before, executor.history).closed(best, mended.before, STEP, evidence)
    return replace(mended, suggestion=best, why_not=why or (stop.sentence if stop is Stop.CONTESTED else ""))


def problems_of(plan: Plan, evidence: Evidence) -> tuple[Problem, ...]:
    """What is wrong with a call, by its schema and by its refusal."""
    here = view_of(plan, plan.steps[0], evidence)
    static = blocking(here)
    places = {problem.at for problem in static}
    return (*static, *(problem for problem in refusal_problems(here) if not problem.at or problem.at not in places))


def before_sending(tool: Tool, arguments: Json, catalog: Catalog) -> Repair | None:
    """The lossless repair of a call that breaks its schema, for `repair.when = "before"`; None where there is none."""
    plan = plan_of(tool, arguments)
    evidence = Evidence(catalog, single=True)
    if all(isinstance(p, UnexpectedArgument) for p in static_problems(view_of(plan, plan.steps[0], evidence))):
        return None
    options = [option for option in repairs(plan, STEP, evidence) if not option.open]
    best = options[0] if options and options[0].confidence is Confidence.LOSSLESS else None
    return None if best is None or objection(plan, plan, best.proposals, evidence) else best


def announced(result: Mapping[str, Any], repair_id: str, mended: Mended) -> dict[str, Any]:
    """A repaired call's result: the upstream's own, and what was changed under `_meta`."""
    told = {"repair_id": repair_id, "repairs": explain.repairs(mended.before, mended.lineage)}
    return {**result, "_meta": {**(result.get("_meta") or {}), "mcp-mend/repair": told}}


def diagnosis(tool: Tool, mended: Mended) -> dict[str, Any]:
    """Why a call failed and what would mend it, for the client's own model; {} where nothing more is known."""
    problems = [problem for problem in mended.problems if not isinstance(problem, Refused)]
    told: dict[str, Any] = {}
    if problems:
        told["problems"] = [explain.problem_json(problem) for problem in problems]
    if mended.suggestion is not None:
        changed = mended.suggestion.plan.steps[0]
        told["suggestion"] = {"tool": tool.public, "arguments": changed.arguments}
        told["confidence"] = mended.suggestion.confidence.value
        if mended.why_not:
            told["not_sent_because"] = mended.why_not
        told["repairs"] = explain.repairs(mended.after, mended.suggestion.proposals)
    if mended.tried:
        told["tried"] = [
            {"arguments": run.arguments, "error": (error_text(run.reply) if run.reply else "")[:500]}
            for run in mended.tried
        ]
        told.setdefault("repairs", [])
    if mended.lineage:
        told["sent"] = {"arguments": mended.after.steps[0].arguments}
        told["sent"]["repairs"] = explain.repairs(mended.before, mended.lineage)
    if told:
        told["schema"] = describe(tool.schema, 800)
    return told


def sentence(name: str, told: Mapping[str, Any]) -> str:
    """A diagnosis in words; `name` is the tool as the client knows it."""
    tried = told.get("tried", [])
    lines = [] if tried else ["mcp-mend did not change this call; it failed as it was sent."]
    if "sent" in told:
        arguments = json.dumps(told["sent"]["arguments"], ensure_ascii=False)
        why = "; ".join(dict.fromkeys(repair["evidence"] for repair in told["sent"]["repairs"]))
        lines = [f"mcp-mend sent this call as {name} with {arguments} ({why}), and that failed as it stands above."]
    lines += [f"- {problem['message']}" + _where(problem) for problem in told.get("problems", [])]
    for run in tried:
        arguments = json.dumps(run["arguments"], ensure_ascii=False)
        lines.append(f"mcp-mend sent it again as {name} with {arguments}; that failed too: {run['error']}")
    if "suggestion" in told:
        why = "; ".join(dict.fromkeys(repair["evidence"] for repair in told["repairs"]))
        arguments = json.dumps(told["suggestion"]["arguments"], ensure_ascii=False)
        lines.append(f"Suggestion ({told['confidence']}): call {name} with {arguments}")
        lines.append(f"Why: {why}")
        if "not_sent_because" in told:
            lines.append(f"Not sent, because {told['not_sent_because']}.")
    lines.append(f"Schema of {name}: {told['schema']}")
    return "\n".join(lines)


def _where(problem: Mapping[str, Any]) -> str:
    return f" (at {problem['path']})" if problem.get("path") else ""


def with_diagnosis(reply: Reply, told: Mapping[str, Any], words: str, how: str) -> Reply:
    """The upstream's own error with a diagnosis added where the user wants it.

    As text it follows in a block or in the JSON-RPC message, since most clients show nothing else; as `meta` it goes to
    `_meta`, or to `data` where that is absent or an object.
    """
    if not told or how == "off":
        return reply
    if reply.error is not None and how == "text":
        return replace(reply, error={**reply.error, "message": f"{reply.error.get('message', '')}\n\n{words}".strip()})
    if reply.error is not None:
        data = reply.error.get("data")
        if data is not None and not isinstance(data, dict):
            return reply
        extended: dict[str, Any] = {**(data or {}), "mcp-mend/diagnosis": dict(told)}
        return replace(reply, error={**reply.error, "data": extended})
    result = dict(reply.result or {})
    if how == "meta":
        result["_meta"] = {**(result.get("_meta") or {}), "mcp-mend/diagnosis": dict(told)}
    else:
        blocks = result.get("content")
        result["content"] = [*(blocks if isinstance(blocks, list) else []), {"type": "text", "text": words}]
    return replace(reply, result=result)


def record(repair_id: str, session: str, mended: Mended, calls: int, seconds: float) -> RunRecord:
    """The journal's entry for a failed call: what was sent, what was changed, what came of it."""
    lineage = (*mended.lineage, *(mended.suggestion.proposals if mended.suggestion else ()))
    after = mended.after if mended.worked or mended.suggestion is None else mended.suggestion.plan
    changed = apply(mended.before, [edit for proposal in lineage for edit in proposal.edits])
    text = error_text(mended.reply) if not mended.worked else ""
    return RunRecord(
        repair_id,
        time.time(),
        "call",
        session,
        "repaired" if mended.worked else ("suggested" if mended.suggestion else "failed"),
        mended.before.json(),
        (after if isinstance(changed, Inapplicable) else changed).json(),
        list(explain.repairs(mended.before, lineage)),
        [explain.problem_json(problem) for problem in mended.problems],
        error_before=(mended.first or next((p.text for p in mended.problems if isinstance(p, Refused)), ""))[:2000],
        error_after=text[:2000],
        calls=calls,
        seconds=round(seconds, 4),
        tried=explain.candidates(mended.before, mended.candidates),
    )
