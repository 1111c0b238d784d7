"""Wrong single calls of many models with the answers that were accepted, against a strict upstream through `wrap`.

A call that its upstream accepts must pass untouched, whatever it means. Of a refused one only the repair is judged:
what was sent and kept is the model's own affair, what was changed must be among the accepted values.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Mapping
from typing import Any

from evals.cases.bad_args import Seen, strict_server
from evals.cases.outcome import Outcome, Verdict
from evals.cases.refusals import STYLES, equal, issues
from evals.cases.workspace import Options, folder, read_log, wrapped


def specification(case: Mapping[str, Any], style: str) -> dict[str, Any]:
    """The upstream of a case: the tools that the model was shown."""
    style = STYLES[zlib.crc32(case["id"].encode()) % len(STYLES)] if style == "mixed" else style
    return {"style": style, "tools": case["tools"], "rules": {}}


async def run(case: Mapping[str, Any], options: Options) -> list[Outcome]:
    """Send the call and judge what was executed."""
    with folder() as home:
        server, log = strict_server(home, specification(case, options.style))
        async with wrapped(options, home, server) as connection:
            await connection.tools()
            answer = await connection.call(case["call"]["tool"], case["call"]["arguments"])
            return [grade(case, Seen(read_log(log), answer))]


def grade(case: Mapping[str, Any], seen: Seen) -> Outcome:
    """Judge the repair, or that there was none."""
    sound = accepted(case)
    untouched = len(seen.received) == 1 == len(seen.executed) and seen.answer.repair is None
    if sound:
        verdict: Verdict = "right" if untouched else "wrong"
    elif not seen.executed:
        verdict = "abstained"
    else:
        verdict = "right" if len(seen.executed) == 1 and repaired_right(case, seen.executed[0]) else "wrong"
    return Outcome(
        id=case["id"],
        groups=("single/accepted as sent",) if sound else ("single/refused", f"single/: {case['error_type']}"),
        verdict=verdict,
        feasible=not seen.answer.failed,
        untouched=untouched if sound else None,
        calls=len(seen.received),
        seconds=seen.answer.seconds,
        suggested=verdict == "abstained" and _suggested(case, seen.answer.suggestion),
        detail={
            "sent": case["call"],
            "accepted_answers": case["possible_answer"],
            "received": [[call["tool"], call["arguments"], call["accepted"]] for call in seen.received],
            "answer": seen.answer.text[:1500],
            "repair": seen.answer.repair,
        },
    )


def _suggested(case: Mapping[str, Any], found: tuple[str, Any] | None) -> bool:
    return found is not None and repaired_right(case, {"tool": found[0], "arguments": found[1]})


def accepted(case: Mapping[str, Any]) -> bool:
    """Tell whether the upstream accepts the call as it was sent."""
    tool = next((tool for tool in case["tools"] if tool["name"] == case["call"]["tool"]), None)
    return tool is not None and not issues(tool["inputSchema"], {}, case["call"]["arguments"])


def repaired_right(case: Mapping[str, Any], executed: Mapping[str, Any]) -> bool:
    """Tell whether every change of the call is among the accepted answers."""
    ((name, answers),) = case["possible_answer"].items()
    sent, arrived = case["call"]["arguments"], executed["arguments"]
    same_tool = executed["tool"] == name or _plain(executed["tool"]) == _plain(case["call"]["tool"])
    changed = [key for key in arrived if key not in sent or not equal(arrived[key], sent[key])]
    dropped = [key for key in sent if key not in arrived]
    return (
        same_tool
        and all(any(_fits(arrived[key], answer) for answer in answers.get(key, [])) for key in changed)
        and all(key not in answers or "" in answers[key] for key in dropped)
    )


def _fits(value: Any, answer: Any) -> bool:
    """Compare with an accepted answer, whose objects hold lists of accepted values."""
    if isinstance(value, Mapping) and isinstance(answer, Mapping):
        return all(key in answer and any(_fits(value[key], each) for each in answer[key]) for key in value)
    return equal(value, answer)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", json.dumps(name).lower())
