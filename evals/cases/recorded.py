"""Failing calls of real models, each after the calls that it followed, through `mcp-mend wrap`.

A call is repaired right if what was executed is the model's own next try, or the call without the debris of its
template, or a call of the gold plan; it is wrong if anything else was executed that changed the state.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from evals.cases.bfcl import Backend
from evals.cases.client import Answer
from evals.cases.outcome import Outcome, Verdict
from evals.cases.plans import marked
from evals.cases.refusals import equal
from evals.cases.tap import digest
from evals.cases.workspace import Options, folder, read_log, wrapped

_DEBRIS = re.compile(r"[^\w.-].*", re.DOTALL)
"""A tool name ends where a template token begins."""


async def run(case: Mapping[str, Any], backend: Backend, options: Options) -> list[Outcome]:
    """Replay what came before, then send the failing call."""
    first = await backend.first_state(case)
    with folder() as home:
        log = home / "calls.jsonl"
        server = backend.server(case, home / "state.json").tapped(log)
        async with wrapped(options, home, server) as connection:
            tools = {tool["name"]: tool for tool in await connection.tools()}
            for call in case["prefix"]:
                await connection.call(call["tool"], call["arguments"])
            before = len(read_log(log))
            answer = await connection.call(case["call"]["tool"], case["call"]["arguments"])
            calls = marked(read_log(log), digest(first))
        return [grade(case, answer, calls[:before], calls[before:], tools)]


def intended(case: Mapping[str, Any], tools: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The call without debris, nameless arguments and nulls for optional ones; None where that is no call of a tool."""
    name = _DEBRIS.sub("", case["call"]["tool"])
    arguments = case["call"]["arguments"]
    if name not in tools or not isinstance(arguments, dict):
        return None
    required = tools[name]["inputSchema"].get("required") or ()
    meant = {key: value for key, value in arguments.items() if key and (value is not None or key in required)}
    return {"tool": name, "arguments": meant}


def accepted(case: Mapping[str, Any], tools: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Every call that counts as what the model meant."""
    literal = [step for step in case["gold_plan"]["steps"] if "$ref" not in json.dumps(step["arguments"])]
    meant = [case["model_next_try"], intended(case, tools), *literal]
    return [call for call in meant if call is not None]


def in_the_call(case: Mapping[str, Any], tools: Mapping[str, Any]) -> bool:
    """Tell whether the fault lies in the call itself: it broke its schema or named no tool, not the world's state."""
    return case["error"].startswith("PlanError") and (
        case["model_next_try"] is not None or intended(case, tools) is not None
    )


def grade(
    case: Mapping[str, Any],
    answer: Answer,
    earlier: Sequence[Mapping[str, Any]],
    calls: Sequence[Mapping[str, Any]],
    tools: Mapping[str, Any],
) -> Outcome:
    """Judge what was executed."""
    state = next((call["state"] for call in reversed(earlier) if call["state"]), None)
    done = [call for call in calls if call["ok"]]
    meant, found = accepted(case, tools), answer.suggestion
    verdict = _verdict(done, meant, answer, same_state=all(call["state"] == state for call in done))
    kind = "in the call" if in_the_call(case, tools) else "elsewhere"
    return Outcome(
        id=case["id"],
        groups=("recorded", f"recorded/fault {kind}", f"recorded/: {_error(case)}"),
        verdict=verdict,
        feasible=not answer.failed,
        calls=len(calls),
        seconds=answer.seconds,
        suggested=verdict == "abstained"
        and found is not None
        and any(found[0] == call["tool"] and equal(found[1], call["arguments"]) for call in meant),
        effects_repeated=sum(call["changed"] for call in done[1:]),
        detail={
            "call": case["call"],
            "error": case["error"],
            "model_next_try": case["model_next_try"],
            "intended": intended(case, tools),
            "calls": [[call["tool"], call["arguments"], call["ok"], call["changed"]] for call in calls],
            "answer": answer.text[:1500],
            "repair": answer.repair,
        },
    )


def _verdict(
    done: Sequence[Mapping[str, Any]], meant: Sequence[Mapping[str, Any]], answer: Answer, *, same_state: bool
) -> Verdict:
    if not done:
        return "abstained" if answer.failed else "wrong"
    as_meant = all(
        any(call["tool"] == each["tool"] and equal(call["arguments"] or {}, each["arguments"]) for each in meant)
        for call in done
    )
    if as_meant and not answer.failed:
        return "right"
    return "abstained" if same_state and answer.failed else "wrong"


def _error(case: Mapping[str, Any]) -> str:
    kind = re.match(r"(PlanError: \w+ \w+|\w+)", case["error"])
    return kind[1] if kind else ""
