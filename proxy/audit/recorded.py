"""The ports of a live call, answered from a transcript: what is not in it is supposed to work, and noted as supposed.

No connection, no process, no file: whatever asks these for a call gets a record or a supposition.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

from proxy.audit.transcript import Past
from proxy.ports import Client, Journal, Upstreams, Written
from schemas.catalog import Catalog, Json, Tool, canonical, fingerprint, same_numbers
from schemas.record import CallRecord, RunRecord
from schemas.trial import Lost, Reply

MISSING = Reply(lost=Lost.BROKEN, message="the transcript holds no answer")


class Recorded(Upstreams):
    """The servers of one session as its transcript shows them.

    `begin` says which call is looked at: it gets its own answer. Another one gets the answer that the agent got later
    for the very same call; else it is supposed to work, with a value of its own, so that no two agree by supposition.
    """

    def __init__(self, catalog: Catalog, calls: Sequence[Past]) -> None:
        self.known = catalog
        self.supposed: list[tuple[str, Json]] = []
        self.found: list[Past] = []
        self._calls = calls
        self._places: dict[tuple[str, str, str], list[int]] = {}
        for place, past in enumerate(calls):
            if past.reply is not None:
                self._places.setdefault(_key(past.server, past.name, past.arguments), []).append(place)
        self._at = 0
        self._own = False

    @property
    def catalog(self) -> Catalog:
        """The tools that the transcript lists, or that are supposed."""
        return self.known

    def begin(self, at: int) -> None:
        """Look at the call of this number from now on."""
        self._at, self._own = at, True
        self.supposed, self.found = [], []

    async def ready(self, server: str) -> None:
        """Nothing connects."""

    async def call(self, tool: Tool, params: Mapping[str, Any], client: Client | None = None) -> Reply:
        """The recorded answer, or a supposed one."""
        arguments = params.get("arguments")
        past = self._calls[self._at]
        if self._own and same_call(past, tool.server, tool.name, arguments):
            self._own = False
            return past.reply or MISSING
        later = self._places.get(_key(tool.server, tool.name, arguments), [])
        place = bisect_right(later, self._at)
        if place < len(later):
            again = self._calls[later[place]]
            self.found.append(again)
            return again.reply or MISSING
        self.supposed.append((tool.name, arguments))
        return Reply(result={"content": [{"type": "text", "text": f"supposed {fingerprint([tool.name, arguments])}"}]})


def same_call(past: Past, server: str, name: str, arguments: Json) -> bool:
    """Tell whether a call of the transcript is this one; 3 and 3.0 are one number."""
    return _key(past.server, past.name, past.arguments) == _key(server, name, arguments)


def _key(server: str, name: str, arguments: Json) -> tuple[str, str, str]:
    return server, name, canonical(same_numbers(arguments or {}))


class Notes(Journal):
    """A journal in memory, of one call at a time."""

    def __init__(self) -> None:
        self.runs: list[RunRecord] = []
        self._count = count(1)

    def new_id(self, kind: str, /) -> str:
        """A fresh identifier."""
        return f"{kind}_{next(self._count)}"

    def call(self, record: CallRecord) -> None:
        """Calls are in the transcript."""

    def run(self, record: RunRecord) -> None:
        """Keep what became of a failed call."""
        self.runs.append(record)

    async def flush(self) -> bool:
        """Nothing waits to be written."""
        return True


class Nobody(Client):
    """The client of a past session, which can be asked nothing."""

    def __init__(self, session: str) -> None:
        self._session = session

    @property
    def session(self) -> str:
        """Its session."""
        return self._session

    async def progress(self, done: float, total: float | None, message: str) -> None:
        """Nobody listens."""

    async def elicit(self, message: str, schema: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Nobody answers."""

    async def sample(self, prompt: str, max_tokens: int) -> Written | None:
        """Nobody answers."""
