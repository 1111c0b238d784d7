"""Single calls that clients and models got wrong, each against its own strict upstream through `mcp-mend wrap`.

A case wants its call to arrive as `expected`, or (`must_not`) to be left alone and explained. Afterwards the sound
call is sent over the same connection: its reply must be the upstream's own object.
"""

from __future__ import annotations

import json
import re
import sys
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evals.cases.client import Answer
from evals.cases.outcome import Outcome, Verdict
from evals.cases.strict_upstream import equal, refused
from evals.cases.workspace import Options, Server, folder, read_log, wrapped
from tests.fakes import STYLES

_ANYTHING: dict[str, Any] = {"type": "object", "properties": {}}
_MODERN_KEYS = {"resultType", "_meta"}
"""What protocol 2026-07-28 demands of every result; an upstream of the handshake era does not send it."""


@dataclass(frozen=True)
class Seen:
    """What the upstream saw of one request, and what the client was told."""

    received: Sequence[Mapping[str, Any]]
    answer: Answer

    @property
    def executed(self) -> list[Mapping[str, Any]]:
        """The calls that the upstream accepted."""
        return [call for call in self.received if call["accepted"]]


def specification(case: Mapping[str, Any], others: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What the upstream of this case publishes and accepts."""
    style = STYLES[zlib.crc32(case["id"].encode()) % len(STYLES)]
    names = _published(case, others)
    tools = [
        _tool(name, case["schema_fragment"] or _ANYTHING if name == _wanted(case) else _ANYTHING) for name in names
    ]
    return {"style": style, "tools": tools, "rules": {_wanted(case): _rule(case)}}


def _wanted(case: Mapping[str, Any]) -> str:
    return str(case["tool_expected"] or case["tool"])


def _tool(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": name, "description": f"{name} of a strict server.", "inputSchema": schema, "x-tool": "kept"}


def _published(case: Mapping[str, Any], others: Sequence[Mapping[str, Any]]) -> list[str]:
    """The wanted tool, what the note calls near it, and tools of two other cases."""
    own = [] if case["category"] == "name_nonexistent" else [_wanted(case)]
    prefix = "__".join(case["tool"].split("__")[:-1])
    near = re.findall(r"\b[a-z]+(?:_[a-z0-9]+)+\b", case["note"]) if case["category"] == "name_nonexistent" else []
    strangers = [_wanted(other) for other in others if other["schema_fragment"] and other["id"] > case["id"]]
    taken = {case["tool"], *own}
    unlike = [name for name in (*strangers, "ping_server", "read_notes") if name not in taken]
    return [*own, *(f"{prefix}__{name}" if prefix else name for name in near), *dict.fromkeys(unlike[:2])]


def _rule(case: Mapping[str, Any]) -> dict[str, Any]:
    """What the tool accepts: only `expected`, where its schema would let the bad call pass; and its known words."""
    quoted = re.search(r"'([^']+ [^']+)'(; supported:[^.]*)?", case["note"])
    quote = (quoted[1] + (quoted[2] or "")) if quoted else ""
    if not _passes(case, {}) or case["category"].endswith("_silent") or case["category"].startswith("control"):
        return {"quote": quote}
    return {"only": case["expected"], "never": case["expected"] is None, "quote": quote}


async def run(case: Mapping[str, Any], cases: Sequence[Mapping[str, Any]], options: Options) -> list[Outcome]:
    """Send the bad call, then the sound one, and grade both."""
    spec = specification(case, cases)
    with folder() as home:
        written, log = home / "spec.json", home / "calls.jsonl"
        written.write_text(json.dumps(spec))
        server = Server([sys.executable, "-m", "evals.cases.strict_upstream", str(written), str(log)], {})
        async with wrapped(options, home, server) as connection:
            await connection.tools()
            answer = await connection.call(case["tool"], case["sent"])
            bad = Seen(read_log(log), answer)
            outcomes = [grade(case, spec, bad)]
            if case["expected"] is not None:
                answer = await connection.call(_wanted(case), case["expected"])
                outcomes.append(grade_sound(case, Seen(read_log(log)[len(bad.received) :], answer)))
        return outcomes


def grade(case: Mapping[str, Any], spec: Mapping[str, Any], seen: Seen) -> Outcome:
    """Compare what arrived with what the case wants."""
    control = case["repair"] == "must_not"
    accepted_as_sent = _passes(case, spec["rules"][_wanted(case)])
    untouched = _untouched(case, seen) if control or accepted_as_sent else None
    verdict = _must_not(case, spec, seen) if control else _repairable(case, seen)
    if accepted_as_sent and not control:
        verdict = "abstained" if untouched else "wrong"
    return Outcome(
        id=case["id"],
        groups=("bad_args", f"bad_args/{case['repair']}", *([] if control else [f"bad_args/:{case['category']}"])),
        verdict=verdict,
        feasible=not seen.answer.failed,
        untouched=untouched,
        calls=len(seen.received),
        seconds=seen.answer.seconds,
        suggested=verdict == "abstained" and _suggested(case, seen.answer),
        detail=_detail(case, spec, seen),
    )


def _passes(case: Mapping[str, Any], rule: Mapping[str, Any]) -> bool:
    schema, sent = case["schema_fragment"], case["sent"]
    return schema is not None and isinstance(sent, dict) and refused("", schema, rule, sent) is None


def _repairable(case: Mapping[str, Any], seen: Seen) -> Verdict:
    if not seen.executed:
        return "abstained"
    wanted = case["expected"] or {}
    arrived = seen.executed[-1]
    once = len(seen.executed) == 1 and not seen.answer.failed
    told = seen.answer.repair is not None or case["kind"] == "tool_name"
    as_wanted = arrived["tool"] == _wanted(case) and _same(arrived["arguments"] or {}, wanted)
    return "right" if once and told and as_wanted else "wrong"


def _suggested(case: Mapping[str, Any], answer: Answer) -> bool:
    found = answer.suggestion
    if found is None or case["expected"] is None:
        return False
    return found[0] == _wanted(case) and _same(found[1], case["expected"])


def _same(arrived: Any, wanted: Any) -> bool:
    """Compare arguments; JSON texts are equal where what they say is."""
    if isinstance(arrived, Mapping) and isinstance(wanted, Mapping):
        return arrived.keys() == wanted.keys() and all(_same(arrived[key], wanted[key]) for key in arrived)
    if isinstance(arrived, str) and isinstance(wanted, str) and wanted[:1] in ("{", "["):
        try:
            return equal(json.loads(arrived), json.loads(wanted))
        except ValueError:
            return False
    return equal(arrived, wanted)


def _untouched(case: Mapping[str, Any], seen: Seen) -> bool:
    originals = [
        call for call in seen.received if call["tool"] == case["tool"] and equal(call["arguments"], case["sent"])
    ]
    return len(originals) == len(seen.received) <= 1 and seen.answer.repair is None


def _must_not(case: Mapping[str, Any], spec: Mapping[str, Any], seen: Seen) -> Verdict:
    if not _untouched(case, seen):
        return "wrong"
    if case["category"].startswith("control"):
        return "abstained" if seen.answer.failed else "right"
    if not seen.answer.failed:
        return "wrong"
    named = list((case["schema_fragment"] or {}).get("properties", {})) or [tool["name"] for tool in spec["tools"]]
    upstream = json.dumps([call["answer"] for call in seen.received])
    own = "\n".join(line for line in seen.answer.text.splitlines() if json.dumps(line)[1:-1] not in upstream)
    return "right" if any(name in own for name in named) else "abstained"


def grade_sound(case: Mapping[str, Any], seen: Seen) -> Outcome:
    """The call as the case expects it: sent once, and answered with the upstream's own object."""
    said = seen.received[0]["answer"].get("result", {}) if seen.received else {}
    given = dict(seen.answer.result or {})
    added = given.keys() - said.keys() - _MODERN_KEYS
    kept = all(given.get(key) == value for key, value in said.items())
    same = len(seen.received) == 1 and kept and not added and seen.answer.repair is None
    return Outcome(
        id=f"{case['id']}+sound",
        groups=("bad_args/sound",),
        verdict="right" if same and not seen.answer.failed else "wrong",
        feasible=not seen.answer.failed,
        untouched=same,
        calls=len(seen.received),
        seconds=seen.answer.seconds,
        detail={"received": seen.received, "answer": seen.answer.result or seen.answer.error},
    )


def _detail(case: Mapping[str, Any], spec: Mapping[str, Any], seen: Seen) -> dict[str, Any]:
    return {
        "style": spec["style"],
        "case": case,
        "received": [[call["tool"], call["arguments"], call["accepted"]] for call in seen.received],
        "refusal": next((call["answer"] for call in seen.received if not call["accepted"]), None),
        "answer": seen.answer.text,
        "repair": seen.answer.repair,
    }
