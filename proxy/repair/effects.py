"""What may be sent for a step, after what has already been sent for it.

Pure; the documented effects rules as code. A call whose outcome is unknown is never sent again, and another call in
its place only where nothing can have happened.
"""

from __future__ import annotations

from collections.abc import Sequence

from proxy.repair.refusal import Reading, error_text, read, silent_failure
from proxy.repair.schema import required_names
from proxy.repair.values import value_of
from schemas.catalog import Effect, Tool, as_object, canonical
from schemas.edit import Confidence
from schemas.problem import MissingArgument, Problem
from schemas.trial import Lost, Reply, StepRun, Verdict

NOT_EXECUTED_CODES = frozenset({-32601, -32602})
"""JSON-RPC codes that say the method or its parameters were refused before anything ran (JSON-RPC 2.0, section 5.1)."""


def verdict_of(reply: Reply, problems: Sequence[Problem], reading: Reading, *, has_output_schema: bool) -> Verdict:
    """Classify a reply; `problems` are the static ones of the call, `reading` what its error text says."""
    if reply.lost is not None:
        return Verdict.NOT_SENT if reply.lost is Lost.NOT_SENT else Verdict.UNKNOWN
    if not reply.refused:
        silent = silent_failure(value_of(reply.result or {}), has_output_schema=has_output_schema)
        return Verdict.OK if silent is None else Verdict.SILENT
    if reply.error is not None and reply.error.get("code") in NOT_EXECUTED_CODES:
        return Verdict.NOT_EXECUTED
    if reading.doubt:
        return Verdict.FAILED
    if reading.unknown_tool or reading.not_run or _validator_agrees(problems, reading):
        return Verdict.NOT_EXECUTED
    return Verdict.REFUSED if reading.speaks_of_arguments else Verdict.FAILED


def hollow(reply: Reply, tool: Tool) -> bool:
    """Tell whether a result is empty although the tool's output schema promises something: a silent failure.

    An empty list, or an object whose lists are empty, is an honest answer.
    """
    structured = (reply.result or {}).get("structuredContent")
    promised = required_names(tool.output_schema, tool.output_schema) if tool.output_schema is not None else ()
    return bool(promised) and structured is not None and as_object(structured) == {}


def _validator_agrees(problems: Sequence[Problem], reading: Reading) -> bool:
    """Tell whether the upstream's message names an argument that we find wrong too."""
    wrong = {str(problem.at[0]) for problem in problems if problem.at}
    wrong |= {problem.name for problem in problems if isinstance(problem, MissingArgument)}
    said = {*reading.missing, *reading.unexpected, *reading.named}
    said |= {str(where[0]) for where in (*reading.wanted, *reading.allowed, *reading.quoted) if where}
    return bool(wrong & said)


def is_call(run: StepRun, tool: Tool, arguments: object) -> bool:
    """Tell whether a run was of this very call."""
    return (run.server, run.tool) == (tool.server, tool.name) and canonical(run.arguments) == canonical(arguments)


def may_send(history: Sequence[StepRun], tool: Tool, arguments: object, confidence: Confidence | None) -> str:
    """Say why a call must not be sent for a step with this history of sendings; "" where it may.

    `confidence` is that of the least sure edit since the last sending, None for a call as submitted.
    """
    sent = [run for run in history if run.verdict not in (Verdict.NOT_SENT, Verdict.BLOCKED) and not run.reused]
    if not sent or tool.effect is Effect.READ:
        return ""
    risky = [run for run in sent if run.verdict is not Verdict.NOT_EXECUTED]
    if not risky:
        return ""
    last = risky[-1]
    if last.verdict is Verdict.OK:
        return "the step has already succeeded, and its effect is not repeated"
    if any(is_call(run, tool, arguments) for run in risky):
        again = tool.effect is Effect.IDEMPOTENT and is_call(last, tool, arguments)
        return "" if again else "the same call has already been sent, and its effect must not happen twice"
    if last.verdict is Verdict.REFUSED or (last.verdict is Verdict.SILENT and _refuses(last, tool)):
        return _after_refusal(tool, last, confidence, times=len(sent) - sent.index(risky[0]))
    return "the outcome of the last call is unknown, so nothing more is sent for this step"


def _refuses(run: StepRun, tool: Tool) -> bool:
    """Tell whether an error inside a success speaks of the arguments and leaves no doubt, as an error reply would."""
    text = error_text(run.reply) if run.reply is not None else ""
    reading = read(text, run.arguments, tuple(tool.properties))
    return reading.speaks_of_arguments and not reading.doubt


def _after_refusal(tool: Tool, last: StepRun, confidence: Confidence | None, *, times: int) -> str:
    if tool.effect is Effect.DESTRUCTIVE or last.effect is Effect.DESTRUCTIVE:
        return "the tool is destructive, and its upstream did not say that nothing was done"
    if times > 1:
        return "the step was already sent once more after a refusal"
    if confidence is Confidence.GUESS:
        return "after a refusal only a repair with evidence may be sent, not a guess"
    return ""
