"""Serve one client on stdin and stdout, in whichever era it speaks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import anyio
import structlog

from proxy.aggregate.router import Router
from proxy.eras.envelope import envelope, level_of, of_envelope, of_initialize
from proxy.eras.request import ClientRequest
from proxy.frontends.pipes import Pipes
from proxy.wire import rpc
from proxy.wire.caller import Profile
from proxy.wire.peer import Incoming, NotConnected, Peer
from proxy.wire.protocol import INITIALIZE, SET_LEVEL, TOOLS_CHANGED, TOOLS_LIST
from proxy.wire.tasks import first
from schemas.trial import Reply

log = structlog.get_logger("server")

DRAIN = 5.0
"""Seconds that calls under way may still take after the client closed its end but goes on reading, or after SIGTERM."""


class Session:
    """The one client of a process: its way of speaking, and the way back to it."""

    def __init__(self, router: Router, met: Callable[[Profile], None]) -> None:
        self.id = uuid4().hex
        self.peer = Peer(NotConnected(), self._serve, self._hear)
        self._router = router
        self._met = met
        self._log_level: str | None = None
        self._greeted = False
        self._listed = False
        self._profile = Profile()

    def tell(self, method: str, params: Any) -> None:
        """Send a notification to the client."""
        self.peer.notify(method, params)

    def pause(self) -> None:
        """A pipe has no streams that could be closed."""

    async def ask(self, method: str, params: Any) -> Reply:
        """Send a request to the client and wait for its answer."""
        return await self.peer.request(method, params)

    def overheard(self, server: str, method: str, params: Any) -> None:
        """Pass on what an upstream tells everyone; a changed list only to a client that has seen one."""
        if self._greeted and (method != TOOLS_CHANGED or self._listed):
            self.tell(method, self._router.shown(server, method, params))

    async def _serve(self, incoming: Incoming) -> Reply:
        reply = await self._router.answer(incoming.method, incoming.params, self._client_request(incoming))
        self._greeted = self._greeted or incoming.method == INITIALIZE
        self._listed = self._listed or incoming.method == TOOLS_LIST
        return reply

    def _hear(self, incoming: Incoming) -> None:
        self._router.hear(incoming.method, incoming.params, modern=not self._greeted)

    def _client_request(self, incoming: Incoming) -> ClientRequest:
        params, meta = incoming.params, envelope(incoming.params)
        if meta is None and incoming.method == INITIALIZE:
            self._profile = of_initialize(params)
            self._router.ask_through(self._router.client_request(self, self.id, self._profile, None))
        profile = self._profile if meta is None else of_envelope(meta)
        if meta is not None or incoming.method == INITIALIZE:
            self._met(profile)
        request = self._router.client_request(self, self.id, profile, params, modern=meta is not None)
        if meta is None and incoming.method == SET_LEVEL:
            self._log_level = level_of(params)
        request.log_level = self._log_level if meta is None else None
        request.outlet = self.tell
        request.ident = incoming.id
        return request


async def serve(router: Router, met: Callable[[Profile], None], stop: asyncio.Event) -> None:
    """Serve until the client closes stdin or stdout, or `stop` is set; calls under way may finish, but not for long.

    Where the client has closed stdin, `stop` ends them at once: it is then the second to ask.
    """
    session = Session(router, met)
    pipes = Pipes(session.peer.receive, lambda line: _garbage(session, line), lambda on: _hold(router, on=on))
    session.peer.transport = pipes
    silence = router.listen(session.overheard)
    await pipes.open()
    try:
        await first(pipes.ended.wait, pipes.broken.wait, stop.wait)
        asked = stop.is_set()
        log.info("asked to end" if asked else "client closed its end")
        with anyio.move_on_after(DRAIN):
            await first(session.peer.idle.wait, pipes.broken.wait, *(() if asked else (stop.wait,)))
        await pipes.flush(1.0)
    finally:
        silence()
        session.peer.close("the client has gone")
        with anyio.CancelScope(shield=True):
            await session.peer.finish()
            router.leave(session.id)
            await router.close()
        pipes.close()


def _hold(router: Router, *, on: bool) -> None:
    """Leave upstreams unread while the client does not read what they say."""
    log.debug("upstreams wait for the client to read" if on else "upstreams are read again")
    router.hold(on=on)


def _garbage(session: Session, line: bytes) -> None:
    """Answer a line that is no JSON-RPC as the specification of JSON-RPC asks."""
    log.warning("line from the client is no message", line=line[:200].decode(errors="replace"))
    failure = rpc.error(rpc.PARSE_ERROR, "Parse error: one JSON-RPC message per line is expected")
    session.peer.transport.send({"jsonrpc": "2.0", "id": None, "error": failure})
