"""Turn records into rows: secrets taken out, payloads kept whole, as digests, or left out. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from proxy.store.redact import TOO_DEEP, Redaction
from proxy.store.tables import Row
from schemas.record import CallRecord, RunRecord

SHORT = 1 << 16
"""Characters kept of a reply that no workflow may have to be resumed from."""
LONGEST = 1 << 20
"""Characters of one payload that are kept; a longer one keeps its beginning and its digest."""

WIDEST = 500
"""Characters of a name that are kept: an index of PostgreSQL takes no more."""


@dataclass(frozen=True)
class Rows:
    """How records become rows under one setting of `journal.payloads`."""

    redaction: Redaction
    payloads: Literal["full", "hash", "none"] = "full"

    def of(self, record: CallRecord | RunRecord) -> list[Row]:
        """Every row that writes one record, each with its values in the order of `tables.COLUMNS`."""
        return [self._call(record)] if isinstance(record, CallRecord) else self._run(record)

    def _call(self, call: CallRecord) -> Row:
        reply = call.reply if call.repair_id is not None else _brief(call.reply)
        return "calls", (
            call.call_id, call.at, call.session[:WIDEST], call.server, call.tool[:WIDEST], call.outcome, call.effect,
            call.ms, call.step, call.repair_id, self._words(call.message), self._payload(call.arguments),
            self._payload(reply), call.start_ms, call.tenant,
        )  # fmt: skip

    def _run(self, run: RunRecord) -> list[Row]:
        whole = self.payloads == "full"
        values = (
            run.repair_id, run.at, run.kind, run.session[:WIDEST], run.status, self._words(run.error_before),
            self._words(run.error_after), run.calls, run.seconds, self._plan(run.before), self._plan(run.after),
            self._payload(run.report) if whole else None, self._payload(run.tried) if whole and run.tried else None,
            run.tenant,
        )  # fmt: skip
        problems = [("found", *one) for one in enumerate(run.found)] + [
            ("left", *one) for one in enumerate(run.problems)
        ]
        return [
            ("forget repairs", (run.repair_id,)),
            ("forget problems", (run.repair_id,)),
            ("runs", values),
            *(self._repair(run.repair_id, number, one) for number, one in enumerate(run.repairs)),
            *(self._problem(run.repair_id, stage, number, one) for stage, number, one in problems),
        ]

    def _repair(self, repair_id: str, number: int, repair: Mapping[str, Any]) -> Row:
        op, step, rule, confidence = (repair.get(key) for key in ("op", "step", "rule", "confidence"))
        evidence = self._words(str(repair.get("evidence") or ""))
        before, after = self._payload(repair.get("before")), self._payload(repair.get("after"))
        return "repairs", (repair_id, number, op, step, rule, confidence, evidence, before, after)

    def _problem(self, repair_id: str, stage: str, number: int, problem: Mapping[str, Any]) -> Row:
        kind, step, path = (problem.get(key) for key in ("kind", "step", "path"))
        message = self._words(str(problem.get("message") or ""))
        return "problems", (
            repair_id, stage, number, kind, step, path, message, self._payload(problem.get("candidates")),
        )  # fmt: skip

    def _words(self, text: str) -> str | None:
        """A sentence that may quote a payload."""
        if self.payloads == "none" or not text:
            return None
        return _storable(self.redaction.text(text)) if self.payloads == "full" else _digest(text)

    def _payload(self, value: Any) -> str | None:
        if self.payloads == "none" or value is None:
            return None
        try:
            written = _write(value)
            if not self.redaction.clean(written):
                written = _write(self.redaction.value(value))
        except RecursionError:
            return _write(TOO_DEEP)
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


_plain = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str).encode
_escaped = json.JSONEncoder(separators=(",", ":"), default=str).encode


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
    text = _plain(value)
    return text if text.isascii() or text == _storable(text) else _escaped(value)


def _storable(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
