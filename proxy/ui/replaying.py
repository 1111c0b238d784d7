"""Replaying an entry from the page: what would be sent; sent only where a person asks for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from anyio import to_thread

from proxy.repair.view.shown import all_shown
from proxy.store import redaction_of
from proxy.store.reader import NoEntryError, open_reader
from proxy.store.replay import effects, essence, recorded, unfit
from proxy.store.sql import Place
from proxy.ui.behind import Behind
from proxy.ui.views.story import diff_of, text_of


@dataclass(frozen=True)
class Replay:
    """The calls of an entry; `faults` say why they cannot be sent, `effects` which need consent."""

    id: str
    calls: Sequence[Mapping[str, Any]]
    faults: Sequence[str] = ()
    effects: Sequence[str] = ()
    compared: Sequence[Mapping[str, Any]] = ()
    """After sending: each call with whether its reply was the same, and the difference."""


async def prepared(journal: Place, written: str) -> Replay | None:
    """What replaying an entry would send; None where the journal does not hold it."""

    def read() -> Replay | None:
        try:
            with open_reader(journal) as reader:
                found = reader.resolve(written)
                calls = recorded(reader, found)
        except (FileNotFoundError, NoEntryError):
            return None
        faults = unfit(calls) if calls else ["It sent nothing to any server."]
        return Replay(found, calls, faults, effects(calls))

    return await to_thread.run_sync(read)


async def sent(behind: Behind, replay: Replay, *, yes: bool) -> Replay:
    """Send the calls again and compare the replies; without `yes`, what may change something is not sent."""
    if replay.effects and not yes:
        return replace(
            replay, faults=["Nothing was sent: some calls may change something, and that was not confirmed."]
        )
    redaction = redaction_of(behind.config())
    outcomes = await behind.send(replay.calls, yes)
    compared: list[dict[str, Any]] = []
    for call, outcome in zip(replay.calls, outcomes, strict=True):
        before, now = essence(call["reply"]), redaction.value(essence(outcome))
        same = before == now
        lines = [] if same else list(diff_of(all_shown(before), all_shown(now)))
        compared.append({"call": all_shown(dict(call)), "same": same, "diff": lines, "now": text_of(all_shown(now))})
    return replace(replay, compared=compared)
