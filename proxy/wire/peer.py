"""One end of a JSON-RPC connection: requests out and in, matched by id, cancelled, timed.

Deliberately almost ignorant of MCP: of its methods it knows only `notifications/cancelled`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast

import structlog

from proxy.wire import rpc
from proxy.wire.protocol import CANCELLED, INITIALIZE
from proxy.wire.rpc import Id, Message
from proxy.wire.unreadable import Unread
from schemas.trial import Lost, Reply

_NUMBER = re.compile(r"-?\d{1,18}", re.ASCII)

log = structlog.get_logger("rpc")


class Transport(Protocol):
    """Carries messages to the other end; what comes back reaches `Peer.receive`."""

    def send(self, message: Message) -> None:
        """Send (or queue) one message; never blocks. Raises `ConnectionError` once closed."""
        ...

    async def drained(self) -> None:
        """Wait while the other end is too slow to read."""
        ...

    def abandon(self, ident: Id) -> bool:
        """Stop waiting for a request; True where that alone tells the other end, so no message is needed."""
        ...


class NotConnected:
    """The wire of a connection that has not begun."""

    def send(self, message: Message) -> None:
        """Refuse."""
        raise ConnectionError(f"not connected: {message.get('method')}")

    async def drained(self) -> None:
        """Nothing is queued."""

    def abandon(self, ident: Id) -> bool:
        """Nothing was sent that would have to be called back."""
        del ident
        return True


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message from the other end; `cause` is our own request on whose stream it came, where the wire tells."""

    method: str
    params: Any
    id: Id | None
    cause: Id | None = None


Serve = Callable[[Incoming], Awaitable[Reply]]
Hear = Callable[[Incoming], None]


@dataclass(slots=True)
class Pending:
    """A request that waits for its reply; `owner` is whatever the sender attached."""

    future: asyncio.Future[Reply]
    owner: Any
    timeout: float | None
    deadline: float
    timer: asyncio.TimerHandle | None = None


class Peer:
    """Correlates what goes out with what comes in over one `Transport`.

    `pending` are the requests that wait, by id. Each ends in exactly one `Reply`; a reply for an id nobody waits for is
    dropped and logged.
    """

    def __init__(self, transport: Transport, serve: Serve, hear: Hear) -> None:
        self.transport = transport
        self._serve = serve
        self._hear = hear
        self._loop = asyncio.get_running_loop()
        self.pending: dict[Id, Pending] = {}
        self._serving: dict[asyncio.Task[None], Id] = {}
        self._answered: Id | None = None
        self._first: float | None = None
        self._careless = False
        self._late: list[Incoming] = []
        self.idle = asyncio.Event()
        self.idle.set()
        self.closed: Reply | None = None
        self.unwritable = False
        """Whether nothing more can be written, though the other end has not ended yet."""

    async def request(
        self,
        method: str,
        params: Mapping[str, Any] | None,
        *,
        ident: Id | None = None,
        seconds: float | None = None,
        owner: Any = None,
    ) -> Reply:
        """Send a request and wait for its reply; cancelling the caller cancels it at the other end."""
        try:
            async with asyncio.timeout(seconds):
                await self.transport.drained()
        except TimeoutError:
            return Reply(lost=Lost.NOT_SENT, message=f"the other end has read nothing for {seconds:g} s")
        if self.closed is not None:
            return Reply(lost=Lost.NOT_SENT, message=self.closed.message, stderr=self.closed.stderr)
        ident = rpc.next_id() if ident is None else ident
        pending = Pending(self._loop.create_future(), owner, seconds, self._loop.time() + (seconds or 0.0))
        self.pending[ident] = pending
        if self._first is None and isinstance(ident, int):
            self._first = ident
        if seconds is not None:
            pending.timer = self._loop.call_later(seconds, self._overdue, ident, pending)
        try:
            self.transport.send(rpc.request(ident, method, params))
            return await pending.future
        except ConnectionError as broken:
            self.unwritable = True
            return Reply(lost=Lost.NOT_SENT, message=str(broken))
        except (ValueError, RecursionError) as unfit:
            return Reply(lost=Lost.NOT_SENT, message=f"the request cannot be written as JSON: {unfit}")
        except asyncio.CancelledError:
            self._cancel(ident, "cancelled by the client", method)
            raise
        finally:
            self.pending.pop(ident, None)
            if pending.timer is not None:
                pending.timer.cancel()

    def notify(self, method: str, params: Mapping[str, Any] | None = None) -> None:
        """Send a notification; a closed connection loses it, which is logged."""
        try:
            self.transport.send(rpc.notification(method, params))
        except ConnectionError as broken:
            log.info("notification not sent", method=method, reason=str(broken))

    def alive(self, ident: Id) -> None:
        """Take a sign of life (progress) for a request: its time starts anew."""
        pending = self.pending.get(ident)
        if pending is not None and pending.timeout is not None:
            pending.deadline = self._loop.time() + pending.timeout

    def settle(self, ident: Id, reply: Reply) -> None:
        """End one request with a reply that did not come as a message."""
        pending = self.pending.get(ident)
        if pending is not None and not pending.future.done():
            pending.future.set_result(reply)

    def receive(self, message: Message, cause: Id | None = None) -> None:
        """Take one message from the wire; one that is malformed never ends the connection."""
        method = message.get("method")
        if type(message) is Unread:
            self._take_unread(message)
        elif method is None:
            self._answer(message, cause)
        elif "id" in message:
            self._take_request(str(method), message, cause)
        elif method == CANCELLED:
            self._withdraw(message.get("params"))
        else:
            self._take_notification(Incoming(str(method), message.get("params"), None, cause))

    def close(self, reason: str, stderr: tuple[str, ...] = ()) -> None:
        """End everything: what waits is lost, what is being served is cancelled."""
        if self.closed is not None:
            return
        self.closed = Reply(lost=Lost.BROKEN, message=reason, stderr=stderr)
        for ident in list(self.pending):
            self.settle(ident, self.closed)
        for task in self._serving:
            task.cancel()

    async def finish(self) -> None:
        """Wait until nothing is served any more."""
        if self._serving:
            await asyncio.wait(list(self._serving))

    def waiting(self, ident: Any) -> Id | None:
        """The id of the request that waits under this one; a number may come back as text, as some servers write it."""
        if type(ident) is int or (rpc.is_id(ident) and ident in self.pending):
            return ident if ident in self.pending else None
        return self.waiting(int(ident)) if isinstance(ident, str) and _NUMBER.fullmatch(ident) else None

    def _answer(self, message: Message, cause: Id | None) -> None:
        ident = self.waiting(message.get("id"))
        if ident is None:
            ident = self._meant(message.get("id"), cause)
        pending = self.pending[ident] if ident is not None else None
        if pending is None:
            log.info("reply to nothing", id=message.get("id"))
        elif not pending.future.done():
            pending.future.set_result(_reply(message))
            self._answered = ident

    def _meant(self, said: Any, cause: Id | None) -> Id | None:
        """The request that a reply under an id of the server's own belongs to; where that is unclear, none ends well.

        It is the one on whose stream the reply came, else the only one that waits. A server that does so shows it at
        its first reply, as nothing but the handshake can be answered then.
        """
        if said is None or self._may_be_ours(said):
            return None
        if cause in self.pending:
            return cause
        waiting = list(self.pending)
        if self._answered is None and len(waiting) == 1:
            log.warning("replies come under ids that no request has", id=said)
            self._careless = True
        if not self._careless or len(waiting) == 1:
            return waiting[0] if self._careless else None
        for ident in waiting:
            told = f"replies come under the id {said!r}, which no request has: they cannot be told apart"
            self.settle(ident, Reply(lost=Lost.BROKEN, message=told))
        return None

    def _may_be_ours(self, said: Any) -> bool:
        """Tell whether an id may be one of this connection's: then its request is over, and the reply is late."""
        number = int(said) if isinstance(said, str) and _NUMBER.fullmatch(said) else said
        return isinstance(number, int | float) and self._first is not None and number >= self._first

    def _take_unread(self, message: Unread) -> None:
        """Answer for a message that cannot be read: a reply ends its request, a request gets an error."""
        ident, method = message.get("id"), message.get("method")
        log.warning("message that cannot be read", id=ident, method=method, reason=message.why)
        if method is None:
            asked = self.waiting(ident)
            if asked is not None:
                self.settle(asked, Reply(lost=Lost.BROKEN, message=f"a reply came that cannot be read: {message.why}"))
        elif rpc.is_id(ident):
            failure = rpc.error(rpc.INVALID_REQUEST, f"Invalid request: it cannot be read: {message.why}")
            self._send_reply(ident, Reply(error=failure))

    def _take_notification(self, incoming: Incoming) -> None:
        """Hear a notification, but never before the reply that came ahead of it has been taken."""
        if not self._late and self._answered not in self.pending:
            self._heed(incoming)
            return
        if not self._late:
            self._loop.call_soon(self._heed_late)
        self._late.append(incoming)

    def _heed_late(self) -> None:
        late, self._late = self._late, []
        for incoming in late:
            self._heed(incoming)

    def _heed(self, incoming: Incoming) -> None:
        try:
            self._hear(incoming)
        except Exception:
            log.exception("notification failed inside the proxy", method=incoming.method)

    def _take_request(self, method: str, message: Message, cause: Id | None) -> None:
        ident: Any = message["id"]
        if rpc.is_id(ident):
            task = self._loop.create_task(self._attend(Incoming(method, message.get("params"), ident, cause)))
            self._serving[task] = ident
            task.add_done_callback(self._served)
            self.idle.clear()
        else:
            self._send_reply(None, Reply(error=rpc.error(rpc.INVALID_REQUEST, "the id must be a string or a number")))

    async def _attend(self, incoming: Incoming) -> None:
        ident = cast("Id", incoming.id)
        try:
            await self.transport.drained()
            reply = await self._serve(incoming)
        except asyncio.CancelledError:
            return
        except Exception as bug:
            log.exception("request failed inside the proxy", method=incoming.method)
            reply = Reply(error=rpc.error(rpc.INTERNAL_ERROR, f"mcp-mend failed on this request: {bug!r}"))
        self._send_reply(ident, reply)

    def _send_reply(self, ident: Id | None, reply: Reply) -> None:
        body = {"result": reply.result} if reply.result is not None else {"error": reply.error}
        try:
            self.transport.send({"jsonrpc": "2.0", "id": ident, **body})
        except ConnectionError as broken:
            log.info("reply not sent", id=ident, reason=str(broken))
        except (TypeError, ValueError, RecursionError) as bug:
            log.exception("reply cannot be written as JSON", id=ident)
            failure = rpc.error(rpc.INTERNAL_ERROR, f"mcp-mend cannot write its reply as JSON: {bug}")
            self.transport.send({"jsonrpc": "2.0", "id": ident, "error": failure})

    def _served(self, task: asyncio.Task[None]) -> None:
        del self._serving[task]
        if not self._serving:
            self.idle.set()

    def _withdraw(self, params: Any) -> None:
        ident = rpc.fields(params).get("requestId")
        for task, serving in self._serving.items():
            if serving == ident and type(serving) is type(ident):
                task.cancel()

    def _overdue(self, ident: Id, pending: Pending) -> None:
        left = pending.deadline - self._loop.time()
        if left > 0.001:
            pending.timer = self._loop.call_later(left, self._overdue, ident, pending)
        elif not pending.future.done():
            seconds = f"{pending.timeout:g}"
            pending.future.set_result(Reply(lost=Lost.TIMED_OUT, message=f"no reply or progress within {seconds} s"))
            self._cancel(ident, "timed out", "")

    def _cancel(self, ident: Id, reason: str, method: str) -> None:
        if self.closed is None and not self.transport.abandon(ident) and method != INITIALIZE:
            self.notify(CANCELLED, {"requestId": ident, "reason": reason})


def _reply(message: Message) -> Reply:
    """Read a response; anything but an object is the upstream's fault and told so."""
    failure = message.get("error")
    if isinstance(failure, Mapping):
        return Reply(error=cast("Mapping[str, Any]", failure))
    result = message.get("result")
    if isinstance(result, Mapping):
        return Reply(result=cast("Mapping[str, Any]", result))
    return Reply(lost=Lost.BROKEN, message="the reply was malformed: neither a result object nor an error object")
