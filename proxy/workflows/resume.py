"""Go on from a run that was cut off: what it has sent is never sent again, and nothing redacted is ever sent at all."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from proxy.store.reader import NoEntryError, open_reader
from proxy.store.sql import Place, StoreError
from proxy.workflows.checkpoint import MissingError, read
from schemas.catalog import as_object
from schemas.trial import StepRun


@dataclass(frozen=True)
class Earlier:
    """An earlier run: the plan it had come to, and everything it sent, by step."""

    repair_id: str
    plan: dict[str, Any]
    sent: dict[str, list[StepRun]] = field(default_factory=dict[str, list[StepRun]])


class CannotResumeError(Exception):
    """Why a run cannot be gone on from."""


def earlier(written: str, place: Place) -> Earlier:
    """Find an earlier run by the journal; raises `CannotResumeError` with what is missing."""
    try:
        with open_reader(place) as reader:
            entry = reader.run(reader.resolve(written, "run"))
    except FileNotFoundError as error:
        raise CannotResumeError("there is no journal yet, so there is no run to go on from") from error
    except NoEntryError as error:
        raise CannotResumeError(str(error)) from error
    except StoreError as error:
        raise CannotResumeError(f"the journal at {place.name} cannot be read: {error}") from error
    name = str(entry["repair_id"])
    if entry["kind"] != "workflow":
        raise CannotResumeError(f"{name} is a single call, not a workflow")
    if entry["status"] != "running":
        raise CannotResumeError(f"{name} has come to its end ({entry['status']}); submit its plan again to run it anew")
    try:
        plan, sent = read(place.folder / "runs" / f"{name}.jsonl")
    except MissingError as error:
        raise CannotResumeError(f"{name} cannot be gone on with: {error}") from error
    steps = as_object(plan)
    if steps is None or not steps.get("steps"):
        raise CannotResumeError(f"{name} cannot be gone on with: its plan was not kept")
    return Earlier(name, steps, sent)
