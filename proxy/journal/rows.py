"""Turn records into rows: secrets taken out, payloads kept whole, as digests, or left out. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from proxy.journal.redact import Redaction
from schemas.record import CallRecord, RunRecord

SHORT = 1 << 16
"""Characters kept of a reply that no workflow may have to be resumed from."""
LONGEST = 1 << 20
"""Characters of one payload that are kept; a longer one keeps its beginning and its digest."""

Row = tuple[str, tuple[Any, ...]]
"""A statement and its parameters."""

CALL = (
    "INSERT OR REPLACE INTO calls (call_id, at, session, server, tool, outcome, effect, ms, step, repair_id, message,"
    " arguments, reply) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
RUN = (
    "INSERT OR REPLACE INTO runs (repair_id, at, kind, session, status, error_before, error_after, calls, seconds,"
    " plan_before, plan_after, report) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
REPAIR = (
    "INSERT OR REPLACE INTO repairs (repair_id, number, op, step, rule, confidence, evidence, value_before,"
    " value_after) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
PROBLEM = (
    "INSERT OR REPLACE INTO problems (repair_id, stage, number, kind, step, path, message, candidates)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
FORGET = ("DELETE FROM repairs WHERE repair_id = ?", "DELETE FROM problems WHERE repair_id = ?")


@dataclass(frozen=True)
class Rows:
    """How records become rows under one setting of `journal.payloads`."""

    redaction: Redaction
    payloads: Literal["full", "hash", "none"] = "full"

    def of(self, record: CallRecord | RunRecord) -> list[Row]:
        """Every statement that writes one record."""
        return [self._call(record)] if isinstance(record, CallRecord) else self._run(record)

    def _call(self, record: CallRecord) -> Row:
        return CALL, (
            record.call_id,
            record.at,
            record.session,
            record.server,
            record.tool,
            record.outcome,
            record.effect,
            record.ms,
            record.step,
            record.repair_id,
            self._words(record.message),
            self._payload(record.arguments),
            self._payload(record.reply if record.repair_id is not None else _brief(record.reply)),
        )

    def _run(self, record: RunRecord) -> list[Row]:
        rows: list[Row] = [(statement, (record.repair_id,)) for statement in FORGET]
        rows.append(
            (
                RUN,
                (
                    record.repair_id,
                    record.at,
                    record.kind,
                    record.session,
                    record.status,
                    self._words(record.error_before),
                    self._words(record.error_after),
                    record.calls,
                    record.seconds,
                    self._plan(record.before),
                    self._plan(record.after),
                    self._payload(record.report) if self.payloads == "full" else None,
                ),
            )
        )
        rows.extend(self._repair(record.repair_id, at, one) for at, one in enumerate(record.repairs))
        for stage, problems in (("found", record.found), ("left", record.problems)):
            rows.extend(self._problem(record.repair_id, stage, at, one) for at, one in enumerate(problems))
        return rows

    def _repair(self, repair_id: str, number: int, repair: Mapping[str, Any]) -> Row:
        named = (repair.get("op"), repair.get("step"), repair.get("rule"), repair.get("confidence"))
        said = self._words(str(repair.get("evidence") or ""))
        values = (self._payload(repair.get("before")), self._payload(repair.get("after")))
        return REPAIR, (repair_id, number, *named, said, *values)

    def _problem(self, repair_id: str, stage: str, number: int, problem: Mapping[str, Any]) -> Row:
        said = self._words(str(problem.get("message") or ""))
        near = self._payload(problem.get("candidates"))
        named = (problem.get("kind"), problem.get("step"), problem.get("path"))
        return PROBLEM, (repair_id, stage, number, *named, said, near)

    def _words(self, text: str) -> str | None:
        """A sentence that may quote a payload."""
        if self.payloads == "none" or not text:
            return None
        return _storable(self.redaction.text(text)) if self.payloads == "full" else _digest(text)

    def _payload(self, value: Any) -> str | None:
        if self.payloads == "none" or value is None:
            return None
        try:
            written = _write(self.redaction.value(value))
        except RecursionError:
            return _write({"cut": True, "why": "nested too deep to be written down"})
        if self.payloads == "hash":
            return _write({"sha256": _digest(written), "characters": len(written)})
        if len(written) > LONGEST:
            return _write({"cut": True, "sha256": _digest(written), "characters": len(written), "head": written[:4096]})
        return written

    def _plan(self, plan: Mapping[str, Any]) -> str | None:
        """A plan; as digests it keeps its steps and tools, so that a diff still shows what changed."""
        if self.payloads == "none":
            return None
        return self._payload(plan) if self.payloads == "full" else _write(_veiled(self.redaction.value(dict(plan))))


def kept_whole(payload: Any) -> bool:
    """Tell whether a payload read from the journal is what was written, not its digest or its beginning."""
    if not isinstance(payload, dict):
        return payload is not None
    return set(cast("dict[str, Any]", payload)) not in (
        {"cut", "why"},
        {"sha256", "characters"},
        {"cut", "sha256", "characters", "head"},
    )


def _veiled(plan: dict[str, Any]) -> dict[str, Any]:
    shown = {"id", "tool", "server", "after", "map"}
    steps: list[dict[str, Any]] = plan.get("steps") or []
    return {
        "steps": [{key: value if key in shown else _leaves(value) for key, value in step.items()} for step in steps],
        **({"output": _leaves(plan["output"])} if "output" in plan else {}),
    }


def _leaves(value: Any) -> Any:
    """The same shape with every text and number as its digest."""
    if isinstance(value, dict):
        return {key: _leaves(inner) for key, inner in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_leaves(inner) for inner in cast("list[Any]", value)]
    return value if value is None or isinstance(value, bool) else f"sha256:{_digest(_write(value))}"


def _brief(reply: Any) -> Any:
    """A reply whose text is longer than `SHORT`, cut to its beginning before anything is spent on it."""
    blocks = cast("dict[str, Any]", reply).get("content") if isinstance(reply, Mapping) else None
    first = cast("list[Any]", blocks)[0] if isinstance(blocks, list) and blocks else None
    text = cast("dict[str, Any]", first).get("text") if isinstance(first, Mapping) else None
    if not isinstance(text, str) or len(text) <= SHORT:
        return cast("Any", reply)
    return {"cut": True, "characters": len(text), "head": text[:4096]}


def _write(value: Any) -> str:
    """A value as JSON text that can be stored: half a surrogate pair stays escaped."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    return text if text == _storable(text) else json.dumps(value, separators=(",", ":"), default=str)


def _storable(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
