"""What the journal's records count for: metrics of calls, runs and repairs. Runs in the journal's thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from proxy.telemetry.metrics import ABSTENTIONS, CALLS, DURATION, OTHER, REPAIRS, RUN_DURATION, RUNS, Backend
from proxy.wire import protocol, rpc
from schemas.catalog import as_object
from schemas.record import CallRecord, RunRecord
from schemas.report import Stop

NAMES = 5_000
"""Tools that are told apart; further ones, of servers that change theirs without end, count as others."""

Known = Callable[[str, str], bool]

_CODES = frozenset(
    {rpc.PARSE_ERROR, rpc.INVALID_REQUEST, rpc.METHOD_NOT_FOUND, rpc.INVALID_PARAMS, rpc.INTERNAL_ERROR}
    | {protocol.UNKNOWN_SESSION, protocol.HEADER_MISMATCH, protocol.UNSUPPORTED_VERSION}
)
_UNSENT = frozenset({"sent", "unknown_tool"})
_OF_PLANNERS = frozenset({"remembered", "expected_by_readers", "planner_value", "planner_redesign"})
_STOPS = {stop.sentence: stop.value for stop in Stop}


class Counting:
    """Counts records; `known` tells whether a server lists a tool."""

    def __init__(self, meters: Backend, known: Known) -> None:
        self._meters = meters
        self._known = known
        self._names: set[tuple[str, str]] = set()

    def __call__(self, record: CallRecord | RunRecord) -> None:
        """Count one record."""
        if isinstance(record, CallRecord):
            self._call(record)
        elif record.status != "running":
            self._run(record)

    def _call(self, record: CallRecord) -> None:
        if record.outcome == "sent":
            return
        server, tool = self._named(record.server, record.tool)
        self._meters.add(CALLS, 1, (server, tool, record.outcome))
        if record.outcome not in _UNSENT:
            failure = "" if record.outcome == "ok" else error_type(record.reply) or record.outcome
            self._meters.record(DURATION, record.ms / 1000, (protocol.TOOLS_CALL, tool, failure, server))

    def _run(self, record: RunRecord) -> None:
        self._meters.add(RUNS, 1, (record.kind, record.status))
        self._meters.record(RUN_DURATION, record.seconds, (record.kind, record.status))
        for repair in record.repairs:
            labels = (str(repair.get("op")), _rule(repair), str(repair.get("confidence")), record.status)
            self._meters.add(REPAIRS, 1, labels)
        reason = abstained(record)
        if reason:
            self._meters.add(ABSTENTIONS, 1, (record.kind, reason))

    def _named(self, server: str, tool: str) -> tuple[str, str]:
        """Server and tool as labels."""
        named = (server, tool)
        if named not in self._names and len(self._names) < NAMES and self._known(server, tool):
            self._names.add(named)
        return named if named in self._names else (server or OTHER, OTHER)


def abstained(record: RunRecord) -> str:
    """Why a run ended without a repair that could be claimed; "" where it has one, needed none, or had none to seek."""
    if record.status not in ("failed", "suggested"):
        return ""
    stop = _STOPS.get(str((as_object((record.report or {}).get("search")) or {}).get("stop")), "")
    return "" if stop == Stop.OFF.value else stop or ("suggested" if record.status == "suggested" else "no_edits")


def error_type(reply: Any) -> str:
    """`error.type` of a reply as the conventions name it: a code, `tool_error`, or "" where it is none."""
    body = as_object(reply) or {}
    if body.get("isError") is True:
        return "tool_error"
    code = body.get("code")
    if not isinstance(code, int) or isinstance(code, bool) or "message" not in body:
        return ""
    return str(code) if code in _CODES else "_OTHER"


def _rule(repair: Mapping[str, Any]) -> str:
    rule = str(repair.get("rule")).removesuffix(", chosen by the person")
    return rule if rule in _rules() else OTHER


@cache
def _rules() -> frozenset[str]:
    from proxy.repair.rules import RULES

    return frozenset(rule.id for rule in RULES) | _OF_PLANNERS
