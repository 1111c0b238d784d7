"""What a run that is killed needs to be gone on with, exactly: its plan, and every call with its reply.

Begun with the first call that may have an effect and forgotten when the run ends. Nothing is ever read back that was
cut or redacted.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import anyio

from proxy.store.kept import HeldError, Kept, KeptRuns
from proxy.store.sql import StoreError
from schemas.catalog import Effect, Json, as_object
from schemas.trial import Lost, Reply, StepRun, Verdict

LARGEST = 64 << 20
"""Characters that are kept of one run; a run that needs more cannot be gone on with."""


class MissingError(Exception):
    """What is missing of a run, as a sentence."""


@dataclass
class Checkpoint:
    """The notes of one run; without `kept` there are none. `fence` is 0 until the first of them."""

    repair_id: str = ""
    kept: KeptRuns | None = None
    fence: int = 0
    _size: int = 0
    _plan: Json = field(default=None)
    _begins: anyio.Lock = field(default_factory=anyio.Lock)

    def plan(self, plan: Json) -> None:
        """Note the plan that the run has come to."""
        self._plan = plan
        self._later({"plan": plan})

    async def sending(self, run: StepRun, earlier: Iterable[StepRun]) -> str:
        """Note a call that may have an effect before it leaves; tells why it must not, "" where it may.

        The first one begins the notes with all before it. It may leave unnoted where a file of this machine could not
        take the first of them, as nobody will then go on with the run; never where somebody has, or may.
        """
        if self.kept is None:
            return ""
        note = self._text({"sending": _line(run)})
        try:
            async with self._begins:
                if not self.fence:
                    before = [{"plan": self._plan}, *({"sent": _line(each)} for each in earlier)]
                    await self.kept.begin(self.repair_id, [*map(self._text, before), note])
                    self.fence = 1
                    return ""
            await self.kept.note(self.repair_id, self.fence, note)
        except HeldError:
            return "another process has gone on with this run, so this call was not sent"
        except StoreError as error:
            if self.fence or self.kept.shared:
                return f"what was sent cannot be noted now ({error}), so this call was not sent"
            self.kept = None
        return ""

    def sent(self, run: StepRun) -> None:
        """Note a call and its reply."""
        self._later({"sent": _line(run)})

    async def settled(self) -> None:
        """Wait until what was noted is written: a reply to an effect that is lost is an outcome nobody knows."""
        if self.kept is not None and self.fence:
            await self.kept.settled()

    def end(self) -> None:
        """Forget it all: the run has come to its end."""
        if self.kept is not None and self.fence:
            self.kept.end(self.repair_id, self.fence)

    def _later(self, note: dict[str, Any]) -> None:
        if self.kept is not None and self.fence:
            self.kept.note_later(self.repair_id, self.fence, self._text(note))

    def _text(self, note: dict[str, Any]) -> str:
        text = json.dumps(note)
        self._size += len(text)
        return text if self._size <= LARGEST else '{"cut": true}'


def taken(kept: KeptRuns, repair_id: str) -> Kept:
    """Hold a run that was cut off, to go on with it; raises `MissingError`, and `StoreError`."""
    try:
        found = kept.take(repair_id).result()
    except HeldError as error:
        raise MissingError("it is still under way") from error
    if found is None:
        why = "nothing was kept of it: it has come to its end, sent nothing that may have an effect, or kept no journal"
        raise MissingError(why)
    return found


def read(kept: Kept) -> tuple[Json, dict[str, list[StepRun]]]:
    """The last plan of a run and its calls by step; raises `MissingError` where anything of it is not there."""
    try:
        lines = [json.loads(line) for line in kept.notes]
    except (ValueError, RecursionError) as error:
        raise MissingError(f"what was kept of it cannot be read: {error}") from error
    if any("cut" in line for line in lines):
        raise MissingError(f"it needed more than the {LARGEST >> 20} MB that are kept of one run")
    calls: dict[str, StepRun] = {}
    plan: Json = None
    for line in lines:
        plan = line.get("plan", plan)
        written = as_object(line.get("sent")) or as_object(line.get("sending"))
        if written is not None:
            run = _run(written, done="sent" in line)
            calls[run.call_id] = run
    found: dict[str, list[StepRun]] = {}
    for run in calls.values():
        found.setdefault(run.step, []).append(run)
    return plan, found


def _line(run: StepRun) -> dict[str, Any]:
    reply = run.reply or Reply()
    return {
        "step": run.step, "server": run.server, "tool": run.tool, "arguments": run.arguments, "call_id": run.call_id,
        "verdict": run.verdict.value, "effect": run.effect.value, "ms": run.ms, "value": run.value,
        "result": reply.result, "error": reply.error, "lost": reply.lost, "message": reply.message,
        "blamed": sorted(run.blamed),
    }  # fmt: skip


def _run(written: dict[str, Any], *, done: bool) -> StepRun:
    lost = Lost(written["lost"]) if written["lost"] else None
    reply = Reply(written["result"], written["error"], lost, written["message"])
    if not done:
        reply = Reply(lost=Lost.BROKEN, message="the run was cut off before a reply was noted")
    return StepRun(
        written["step"], written["server"], written["tool"], written["arguments"],
        Verdict(written["verdict"]) if done else Verdict.UNKNOWN, reply, written["value"], written["call_id"],
        Effect(written["effect"]), written["ms"], blamed=frozenset(written["blamed"]),
    )  # fmt: skip
