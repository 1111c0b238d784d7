"""What of the journal can be sent again: calls, or the plan of a run, and what speaks against sending them. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from proxy.store.reader import Entry, Reader
from proxy.store.redact import REDACTED
from proxy.store.rows import kept_whole
from schemas.catalog import as_object
from schemas.config import Config

COMPARED = ("status", "repairs", "output", "plan", "problems")
"""What two reports of one plan are compared by: all that does not tell of time, cost or ids."""


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


def submission(run: Mapping[str, Any]) -> Entry:
    """The plan of a run as it was submitted, with the seed of its search; its budget is not on record."""
    report = as_object(run["report"]) or {}
    return {**run["plan_before"], "seed": (as_object(report.get("search")) or {}).get("seed", 0)}


def unfit_plan(run: Mapping[str, Any]) -> str:
    """Why the plan of a run cannot be submitted again, "" where it can."""
    name = run["repair_id"]
    if run["kind"] != "workflow":
        return f"{name} is a repaired call and has no plan; its calls can be sent again"
    if not kept_whole(run["plan_before"]):
        return f"{name}: its plan was not kept whole, so it cannot be submitted again"
    if REDACTED in json.dumps(run["plan_before"]):
        return f"{name}: its plan held a secret that was not kept, so it cannot be submitted again"
    if not kept_whole(run["report"]):
        return f"{name}: no whole report of it was kept, so there is nothing to compare with"
    return ""


def plan_effects(run: Mapping[str, Any]) -> list[str]:
    """Which steps of a run may change something, sent or not, by what was known of their tools then."""
    steps = [(step["id"], step["tool"], step["effect"]) for step in run["report"]["steps"]]
    sent = [(call["step"], call["tool"], call["effect"]) for call in run["sent"]]
    named = [f"{id_}: {tool} is not marked read-only" for id_, tool, effect in (*steps, *sent) if effect != "read"]
    return list(dict.fromkeys(named))


def as_then(config: Config, run: Mapping[str, Any]) -> Config:
    """The configuration for a replay: without the repair memory, which has learned since, where it had no part."""
    remembered = any(repair["rule"] == "remembered" for repair in run["report"]["repairs"])
    evolution = config.evolution.model_copy(update={"memory": config.evolution.memory and remembered})
    return config.model_copy(update={"evolution": evolution})


def differing(recorded: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """The keys by which two reports of one plan differ, of those in `COMPARED`."""
    return [key for key in COMPARED if recorded.get(key) != now.get(key)]


def _fault(call: Mapping[str, Any]) -> str:
    if not kept_whole(call["arguments"]):
        return f"{call['call_id']}: its arguments were not kept whole, so it cannot be sent again"
    if REDACTED in json.dumps(call["arguments"]):
        return f"{call['call_id']}: its arguments held a secret that was not kept, so it cannot be sent again"
    return ""
