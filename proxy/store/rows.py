"""Turn records into rows: secrets taken out, payloads kept whole, as digests, or left out. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from proxy.store.redact import Redaction
from schemas.record import CallRecord, RunRecord

SHORT = 1 << 16
"""Characters kept of a reply that no workflow may have to be resumed from."""
LONGEST = 1 << 20
"""Characters of one payload that are kept; a longer one keeps its beginning and its digest."""

Row = tuple[str, tuple[Any, ...]]
"""A statement and its parameters."""

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
        payloads = {
            "message": self._words(record.message),
            "arguments": self._payload(record.arguments),
            "reply": self._payload(record.reply if record.repair_id is not None else _brief(record.reply)),
        }
        return _insert("calls", {**vars(record), **payloads})

    def _run(self, record: RunRecord) -> list[Row]:
        rows: list[Row] = [(statement, (record.repair_id,)) for statement in FORGET]
        plain = {
            key: getattr(record, key)
            for key in ("repair_id", "at", "kind", "session", "status", "calls", "seconds", "tenant")
        }
        payloads = {
            "error_before": self._words(record.error_before),
            "error_after": self._words(record.error_after),
            "plan_before": self._plan(record.before),
            "plan_after": self._plan(record.after),
            "report": self._payload(record.report) if self.payloads == "full" else None,
            "tried": self._payload(record.tried) if self.payloads == "full" and record.tried else None,
        }
        rows.append(_insert("runs", {**plain, **payloads}))
        rows.extend(self._repair(record.repair_id, at, one) for at, one in enumerate(record.repairs))
        for stage, problems in (("found", record.found), ("left", record.problems)):
            rows.extend(self._problem(record.repair_id, stage, at, one) for at, one in enumerate(problems))
        return rows

    def _repair(self, repair_id: str, number: int, repair: Mapping[str, Any]) -> Row:
        plain = {key: repair.get(key) for key in ("op", "step", "rule", "confidence")}
        payloads = {
            "evidence": self._words(str(repair.get("evidence") or "")),
            "value_before": self._payload(repair.get("before")),
            "value_after": self._payload(repair.get("after")),
        }
        return _insert("repairs", {"repair_id": repair_id, "number": number, **plain, **payloads})

    def _problem(self, repair_id: str, stage: str, number: int, problem: Mapping[str, Any]) -> Row:
        plain = {key: problem.get(key) for key in ("kind", "step", "path")}
        payloads = {
            "message": self._words(str(problem.get("message") or "")),
            "candidates": self._payload(problem.get("candidates")),
        }
        return _insert("problems", {"repair_id": repair_id, "stage": stage, "number": number, **plain, **payloads})

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


def _insert(table: str, values: Mapping[str, Any]) -> Row:
    columns, marks = ", ".join(values), ", ".join("?" * len(values))
    return f"INSERT OR REPLACE INTO {table} ({columns}) VALUES ({marks})", tuple(values.values())  # noqa: S608 - ours


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
