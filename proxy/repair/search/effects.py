"""What may be sent for a step, after what has already been sent for it.

Pure; the documented effects rules as code. On anything that does not surely read, another call is sent only where the
earlier ones are proven to have done nothing (see `proof`), and never on a guess.
"""

from __future__ import annotations

from collections.abc import Sequence

from proxy.repair.read.proof import ENVELOPE, blamed, unknown_tool
from proxy.repair.read.refusal import Reading, silent_failure
from proxy.repair.view.schema import breaches, required_names
from proxy.repair.view.values import value_of
from schemas.catalog import Effect, Json, Tool, as_object, canonical, same_numbers
from schemas.edit import Confidence
from schemas.plan import walk
from schemas.trial import Lost, Reply, StepRun, Verdict


def verdict_of(reply: Reply, tool: Tool, arguments: Json, reading: Reading) -> tuple[Verdict, frozenset[str]]:
    """Classify a reply, and name the arguments whose faults prove that nothing ran; `reading` is of its error text."""
    if reply.lost is not None:
        return (Verdict.NOT_SENT if reply.lost is Lost.NOT_SENT else Verdict.UNKNOWN), frozenset()
    if not reply.refused:
        silent = silent_failure(value_of(reply.result or {}), has_output_schema=tool.output_schema is not None)
        return (Verdict.OK if silent is None else Verdict.SILENT), frozenset()
    names = blamed(reply, tool, arguments)
    if names or unknown_tool(reply, tool.name):
        return Verdict.NOT_EXECUTED, names
    return (Verdict.REFUSED if reading.speaks_of_arguments else Verdict.FAILED), frozenset()


def hollow(reply: Reply, tool: Tool) -> bool:
    """Tell whether a result is empty although the tool's output schema promises something: a silent failure.

    An empty list, or an object whose lists are empty, is an honest answer.
    """
    structured = (reply.result or {}).get("structuredContent")
    promised = required_names(tool.output_schema, tool.output_schema) if tool.output_schema is not None else ()
    return bool(promised) and structured is not None and as_object(structured) == {}


def is_call(run: StepRun, tool: Tool, arguments: Json) -> bool:
    """Tell whether a run was of this very call; 3 and 3.0 are one number, but where a strict reader may be asked."""
    if (run.server, run.tool) != (tool.server, tool.name):
        return False
    if tool.effect is Effect.READ:
        return canonical(run.arguments) == canonical(arguments)
    return canonical(same_numbers(run.arguments)) == canonical(same_numbers(arguments))


def may_send(history: Sequence[StepRun], tool: Tool, arguments: Json, confidence: Confidence | None) -> str:
    """Say why a call must not be sent for a step with this history of sendings; "" where it may.

    `confidence` is that of the least sure edit since the last sending, None for a call as submitted.
    """
    if tool.effect is Effect.READ:
        return ""
    if confidence is Confidence.GUESS:
        return f"{tool.name!r} does not surely read ({tool.effect_reason}), so no guess is sent to it"
    sent = [run for run in history if run.verdict not in (Verdict.NOT_SENT, Verdict.BLOCKED) and not run.reused]
    if any(run.ok for run in sent):
        return "the step has already succeeded, and its effect is not repeated"
    for run in sent:
        again = tool.effect is Effect.IDEMPOTENT and is_call(run, tool, arguments)
        if not again and not _proven(run, tool, arguments):
            return (
                f"nothing proves that the last call of {run.tool!r} did nothing, and {tool.name!r} does not surely "
                f"read ({tool.effect_reason}), so nothing more is sent for this step"
            )
    return ""


def _proven(run: StepRun, tool: Tool, arguments: Json) -> bool:
    """Tell whether an earlier call is proven to have done nothing, and this one mends exactly what was refused."""
    if run.verdict is not Verdict.NOT_EXECUTED:
        return False
    if not run.blamed:
        return True
    old, new = as_object(run.arguments), as_object(arguments)
    if (run.server, run.tool) != (tool.server, tool.name) or new is None:
        return False
    if old is None:
        return ENVELOPE in run.blamed
    changed = {name for name in {*old, *new} if name not in old or name not in new or not _same(old[name], new[name])}
    broken = {str(breach.at[0]) for breach in breaches(tool.schema, old) if breach.at} | run.blamed
    moved = {canonical(value) for name in changed & set(old) for _, value in walk(old[name])}
    return run.blamed <= changed and all(
        name in broken or name not in tool.properties or (name not in old and canonical(new[name]) in moved)
        for name in changed
    )


def _same(left: Json, right: Json) -> bool:
    return canonical(left) == canonical(right)
