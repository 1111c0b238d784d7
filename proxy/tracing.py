"""Who follows what is under way: requests, runs, generations, candidates, and what is sent upstream.

Nobody does unless telemetry is on. Then `followed.by` is None, and that is all that each of these places looks at.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar

from schemas.edit import Proposal
from schemas.record import CallRecord, RunRecord
from schemas.trial import Candidate, Reply

T = TypeVar("T")
Kind = Literal["call", "workflow"]
Params = Mapping[str, Any] | None
Send = Callable[[Params], Awaitable[Reply]]


class Asker(Protocol):
    """The client behind one request."""

    session: str
    lasts: bool
    ident: Any
    profile: Any


@dataclass(frozen=True)
class Inference:
    """One request to a model, in the words of the semantic conventions of GenAI; `model` is "" where it is unknown."""

    operation: Literal["chat", "text_completion"]
    provider: str
    model: str = ""


@dataclass(frozen=True)
class Cost:
    """What a request to a model took: tokens read and written where they are told; who answered, or why nobody did."""

    read: int | None = None
    written: int | None = None
    model: str = ""
    error: str = ""


class Following(Protocol):
    """Is told of everything while it is under way, in the context in which that runs; must never raise of its own."""

    def arrived(self, headers: Mapping[str, str]) -> None:
        """An HTTP request has come in; what it asks is answered in this context."""
        ...

    async def request(self, method: str, params: Any, asker: Asker, answer: Callable[[], Awaitable[Reply]]) -> Reply:
        """Answer a client's request."""
        ...

    def left(self, session: str) -> None:
        """A client's session has ended."""
        ...

    async def run(self, kind: Kind, work: Awaitable[T]) -> T:
        """Mend a failed call, or carry out a workflow."""
        ...

    def ended(self, record: RunRecord) -> None:
        """The run of this context has come to this; the record of one under way has the status `running`."""
        ...

    async def generation(self, number: int, work: Awaitable[T]) -> T:
        """Let a search go through one generation."""
        ...

    async def candidate(self, lineage: Sequence[Proposal], work: Awaitable[Candidate]) -> Candidate:
        """Try one candidate."""
        ...

    async def inference(self, asked: Inference, work: Awaitable[T], cost: Callable[[T], Cost]) -> T:
        """Ask a model."""
        ...

    def calling(self, record: CallRecord) -> None:
        """The next `tools/call` of this context is the one that is kept under this record."""
        ...

    async def sent(self, server: str, method: str, params: Params, send: Send) -> Reply:
        """Send a request upstream, with what carries the trace on to it."""
        ...

    def headers(self, params: Any) -> Mapping[str, str]:
        """The HTTP headers that say to an upstream what the parameters of a request say of its trace."""
        ...


@dataclass
class Followed:
    """Holds whoever follows this process."""

    by: Following | None = None


followed = Followed()


@contextmanager
def following(by: Following | None) -> Generator[None]:
    """Have everything of this process followed within the block."""
    before, followed.by = followed.by, by
    try:
        yield
    finally:
        followed.by = before


async def run(kind: Kind, work: Awaitable[T]) -> T:
    """Mend a failed call, or carry out a workflow."""
    return await (work if followed.by is None else followed.by.run(kind, work))


async def generation(number: int, work: Awaitable[T]) -> T:
    """Let a search go through one generation."""
    return await (work if followed.by is None else followed.by.generation(number, work))


async def candidate(lineage: Sequence[Proposal], work: Awaitable[Candidate]) -> Candidate:
    """Try one candidate."""
    return await (work if followed.by is None else followed.by.candidate(lineage, work))


async def inference(asked: Inference, work: Awaitable[T], cost: Callable[[T], Cost]) -> T:
    """Ask a model; `cost` reads from its answer what it took."""
    return await (work if followed.by is None else followed.by.inference(asked, work, cost))
