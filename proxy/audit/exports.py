"""Our own journal as `log export` writes it: the calls as clients made them, not what repair sent after them. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from proxy.audit.transcript import Answered, Called, Event, Left
from proxy.store.rows import kept_whole
from schemas.catalog import Json, as_object
from schemas.trial import Lost, Reply

FORMAT = "journal export"
NOT_WHOLE = "its arguments were not kept whole (journal.payloads, or too long)"
OF_A_PLAN = "a call of a workflow, which repaired itself while it ran"
_LOST = frozenset({"timed_out", "broken", "unknown", "not_sent", "cancelled", "sent"})


@dataclass
class Exports:
    """One export; a repair's calls share its id, and the first of them is the client's."""

    _seen: set[str] = field(default_factory=set[str])

    def read(self, value: Json, line: int) -> list[Event] | None:
        """The events of one entry, None where it is none of a journal."""
        entry = as_object(value)
        if entry is None or "session" not in entry:
            return None
        if entry.get("kind") in ("repair", "workflow") and "repair_id" in entry:
            return []
        if not (isinstance(entry.get("call_id"), str) and "outcome" in entry and "server" in entry):
            return None
        return list(self._call(entry, line))

    def _call(self, entry: dict[str, Any], line: int) -> Iterator[Event]:
        run = entry.get("repair_id")
        if isinstance(run, str):
            if run in self._seen:
                return
            self._seen.add(run)
            if entry.get("step") != "call":
                yield Left(OF_A_PLAN)
                return
        arguments = entry.get("arguments", {})
        if arguments and not kept_whole(arguments):
            yield Left(NOT_WHOLE)
            return
        key = entry["call_id"]
        yield Called(key, str(entry["session"]), str(entry["server"]), str(entry.get("tool")), arguments, line, line)
        yield Answered(key, _reply(entry))


def _reply(entry: dict[str, Any]) -> Reply:
    reply = as_object(entry.get("reply"))
    outcome, message = str(entry["outcome"]), str(entry.get("message") or "")
    if outcome in _LOST:
        return Reply(lost=Lost.TIMED_OUT if outcome == "timed_out" else Lost.BROKEN, message=message or outcome)
    if outcome == "ok":
        return Reply(result=reply or {})
    if reply is not None and "content" in reply:
        return Reply(result={**reply, "isError": True})
    return Reply(error={"code": -32603, "message": message or outcome, **(reply or {})})
