"""What of the journal can be sent again: the calls of an entry, and what speaks against sending them. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from proxy.store.reader import Entry, Reader
from proxy.store.redact import REDACTED
from proxy.store.rows import kept_whole
from schemas.catalog import as_object


def recorded(reader: Reader, found: str) -> list[Entry]:
    """The calls that an entry, named by its full id, sent to servers."""
    sent = reader.run(found)["sent"] if found.startswith("run_") else [reader.call(found)]
    return [call for call in sent if call["server"]]


def unfit(calls: Sequence[Mapping[str, Any]]) -> list[str]:
    """Why calls cannot be sent again: the record does not hold what was sent."""
    return [fault for call in calls if (fault := _fault(call))]


def effects(calls: Sequence[Mapping[str, Any]]) -> list[str]:
    """Which of the calls may change something, so that somebody must say that they may be sent again."""
    return [f"{call['call_id']}: {call['tool']} is not marked read-only" for call in calls if call["effect"] != "read"]


def essence(reply: Any) -> Any:
    """A reply without `_meta`, which differs every time."""
    keys = as_object(reply)
    return {key: value for key, value in keys.items() if key != "_meta"} if keys is not None else reply


def _fault(call: Mapping[str, Any]) -> str:
    if not kept_whole(call["arguments"]):
        return f"{call['call_id']}: its arguments were not kept whole, so it cannot be sent again"
    if REDACTED in json.dumps(call["arguments"]):
        return f"{call['call_id']}: its arguments held a secret that was not kept, so it cannot be sent again"
    return ""
