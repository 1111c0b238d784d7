"""What a client may ask, and who answers: one core for every transport, the aggregated endpoint and single upstreams.

Raw dicts in and out. Knows nothing of bytes, sessions or HTTP.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import structlog

from catalog_cache.names import clean, owner
from catalog_cache.shown import listed
from proxy.aggregate import tasks
from proxy.aggregate.introduction import Introduction
from proxy.aggregate.listening import Listening, honoured
from proxy.aggregate.resources import Resources
from proxy.aggregate.strict import TOOL, left_out, valid
from proxy.aggregate.unknown_methods import UnknownMethods
from proxy.eras.envelope import GONE, modern_result, of_initialize
from proxy.eras.questions import MAY_ASK, PausedCalls
from proxy.eras.request import Channel, ClientRequest
from proxy.tracing import followed
from proxy.upstreams.broadcast import Listener
from proxy.upstreams.fleet import Fleet
from proxy.upstreams.session_connections import SessionConnections
from proxy.upstreams.supervisor import Supervisor
from proxy.wire import rpc, task_ids
from proxy.wire.caller import Caller, OwnConnections, Profile, Receiver
from proxy.wire.protocol import (
    CANCELLED,
    DISCOVER,
    INITIALIZE,
    INITIALIZED,
    LISTEN,
    PING,
    PROGRESS,
    ROOTS_CHANGED,
    SET_LEVEL,
    SUBSCRIPTION_KEY,
    TASK_STATUS,
    TOOLS_CALL,
    TOOLS_LIST,
)
from schemas.catalog import Catalog, Tool
from schemas.trial import Reply

if TYPE_CHECKING:
    from proxy.calls.forward import Calls

log = structlog.get_logger("server")

OF_THE_SESSION = frozenset({INITIALIZED, PROGRESS, CANCELLED, ROOTS_CHANGED, TASK_STATUS})
"""What clients of the handshake era tell those they are connected to."""

NO_FRAME: Mapping[str, Any] = {}

Answer = Callable[[Any, ClientRequest], Awaitable[Reply]]


class Router:
    """Answers requests for all upstreams together (`server` None) or for one under its own names."""

    def __init__(self, fleet: Fleet, calls: Calls, server: str | None = None) -> None:
        self._fleet = fleet
        self._calls = calls
        self._server = server
        self._resources = Resources(fleet)
        self._unknown_methods = UnknownMethods(fleet, self._resources)
        self._tasks = tasks.Tasks(fleet)
        self._introduction = Introduction(fleet, server)
        self._paused = PausedCalls(self._answer)
        self._told: set[str] = set()
        self._listed: dict[bool, tuple[Catalog, Mapping[str, Any], Reply]] = {}
        self._table: dict[str, Answer] = {
            INITIALIZE: self._initialize,
            DISCOVER: self._discover,
            LISTEN: self._listen,
            PING: self._ping,
            TOOLS_LIST: self._tools_list,
            TOOLS_CALL: self._tools_call,
        }

    async def answer(self, method: str, params: Any, request: ClientRequest) -> Reply:
        """Answer one request; a lost call becomes a JSON-RPC error that says what was lost and why."""
        if followed.by is not None:
            return await followed.by.request(method, params, request, partial(self._reply, method, params, request))
        return await self._reply(method, params, request)

    async def _reply(self, method: str, params: Any, request: ClientRequest) -> Reply:
        if request.modern and method in MAY_ASK and not self._unbridged():
            reply = await self._paused.answer(method, params, request)
        else:
            reply = await self._answer(method, params, request)
        if reply.lost is not None:
            return Reply(error=lost_error(reply, self._server))
        if request.modern and reply.result is not None:
            return Reply(result=modern_result(method, reply.result, self._introduction.identity()))
        return reply

    def hear(self, method: str, params: Any, own: OwnConnections | None = None, *, modern: bool = False) -> None:
        """Take a notification from the client; one that the protocol does not know reaches every upstream."""
        known = method in OF_THE_SESSION
        if method == INITIALIZED or (known and modern) or not (known or self._fleet.takes(method)):
            return
        for server in (self._server,) if self._server is not None else self._fleet.names:
            connection = self._fleet.connection(server)
            sessionless = connection is not None and connection.era == "modern"
            if own is not None and not sessionless:
                own.notify(server, method, params, opening=not known)
            elif not (known and sessionless):
                self._fleet.notify(server, method, params)

    def input_schema(self, name: str) -> Mapping[str, Any] | None:
        """The input schema of a tool as this endpoint names it, None where it has no such tool."""
        tool = self._calls.tool(name)
        return tool.schema if tool is not None else None

    def client_request(
        self, channel: Channel, session: str, profile: Profile, params: Any, *, modern: bool = False
    ) -> ClientRequest:
        """One request of a client of this endpoint."""
        made = ClientRequest(channel, session, profile, params, modern=modern)
        made.together = self._server is None
        return made

    def shown(self, server: str, method: str, params: Any) -> Any:
        """The parameters of a message that belongs to no request, as clients of this endpoint know what it names."""
        return task_ids.shown_message(server, method, params) if self._server is None else params

    @property
    def names(self) -> tuple[str, ...]:
        """Every configured upstream, in order."""
        return self._fleet.names

    def own_connections(self, profile: Profile, receiver: Receiver) -> SessionConnections:
        """Upstream connections for one session of this endpoint alone; none is opened yet."""
        return SessionConnections(self._fleet, profile, receiver)

    def listed_tool(self, server: str, name: str) -> Tool | None:
        """A tool as its upstream lists it."""
        return self._fleet.tool(server, name)

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Hear what the upstreams of this endpoint tell everyone, as they named it; returns how to stop."""

        def heard(server: str, method: str, params: Any) -> None:
            if self._server in (None, server) and self._fleet.shows(server):
                listener(server, method, params)

        return self._fleet.broadcast.listen(heard)

    def ask_through(self, caller: Caller) -> None:
        """Let a client answer what upstreams ask over the shared connections for no request's sake."""
        self._fleet.broadcast.asker = caller

    def hold(self, *, on: bool) -> None:
        """Leave the shared connections unread while the client does not read what comes over them."""
        self._fleet.broadcast.backpressure.put(on=on)

    def leave(self, session: str) -> None:
        """End what upstreams keep up for a session that has ended."""
        if followed.by is not None:
            followed.by.left(session)
        self._fleet.leave(session)

    async def close(self) -> None:
        """Give up what is held for clients that have not come back."""
        await self._paused.close()

    async def _answer(self, method: str, params: Any, request: ClientRequest) -> Reply:
        if request.modern and method in GONE:
            return Reply(error=rpc.error(rpc.METHOD_NOT_FOUND, f"Method not found: {method}"))
        known = self._table.get(method)
        if known is not None:
            return await known(params, request)
        if self._server is None:
            return await self._for_all(method, params, request)
        if method == SET_LEVEL and self._modern_only():
            return Reply(result={})
        return await self._fleet.request(self._server, method, params, request)

    async def _for_all(self, method: str, params: Any, request: ClientRequest) -> Reply:
        if method in self._resources.table:
            return await self._resources.answer(method, params, request)
        if method in tasks.METHODS:
            return await self._tasks.answer(method, params, request)
        return await self._unknown_methods.answer(method, params, request)

    def _unbridged(self) -> bool:
        """Tell whether modern clients reach a modern upstream here, which asks in their own way."""
        return self._server is not None and self._fleet.sessionless(self._server) is not None

    def _modern_only(self) -> bool:
        connection = self._fleet.connection(self._server) if self._server is not None else None
        return connection is not None and connection.era == "modern"

    async def _initialize(self, params: Any, request: ClientRequest) -> Reply:
        del request
        return self._or_missing(await self._introduction.initialize(of_initialize(params).version))

    async def _discover(self, params: Any, request: ClientRequest) -> Reply:
        del params, request
        return self._or_missing(await self._introduction.discover())

    async def _ping(self, params: Any, request: ClientRequest) -> Reply:
        del params, request
        return Reply(result={})

    async def _listen(self, params: Any, request: ClientRequest) -> Reply:
        if not request.modern:
            return Reply(error=rpc.error(rpc.METHOD_NOT_FOUND, f"Method not found: {LISTEN}"))
        server = self._server
        if server is None or self._fleet.sessionless(server) is None:

            async def homes(uri: str) -> list[str]:
                return await self._resources.homes(uri, request) if server is None else [server]

            servers = self._fleet.names if server is None else (server,)
            return await Listening(self._fleet, servers, honoured(params), request).serve(homes)
        reply = await self._fleet.request(server, LISTEN, params, request)
        if reply.result is None:
            return reply
        return Reply(result={**reply.result, "_meta": {**_meta(reply.result), SUBSCRIPTION_KEY: request.ident}})

    async def _tools_list(self, params: Any, request: ClientRequest) -> Reply:
        server = self._server
        if server is None:
            await self._fleet.listed_once()
            return self._listing(NO_FRAME, modern=request.modern)
        if request.own is not None and server in request.own.changed:
            return await self._fleet.request(server, TOOLS_LIST, params, request)
        if not self._fleet.known(server):
            await self._fleet.ready(server)
        await self._fleet.fresh(server)
        if not self._fleet.known(server):
            return self._missing(server)
        return self._listing(self._fleet.frame(server, modern=request.modern), modern=request.modern)

    def _listing(self, frame: Mapping[str, Any], *, modern: bool) -> Reply:
        """The tools of this endpoint; made and written once for each snapshot of the catalog."""
        catalog = self._fleet.catalog
        kept = self._listed.get(modern)
        if kept is not None and kept[0] is catalog and kept[1] is frame:
            return kept[2]
        if self._server is None:
            tools: list[Any] = [self._shown(tool) for tool in catalog]
        else:
            tools = [tool.raw for tool in catalog.of(self._server)]
        result: Mapping[str, Any] = {**frame, "tools": [*tools, *self._calls.own_tools()]}
        if modern:
            result = modern_result(TOOLS_LIST, result, self._introduction.identity())
        reply = Reply(result=rpc.verbatim(result))
        self._listed[modern] = (catalog, frame, reply)
        self._calls.listed.set()
        return reply

    def _shown(self, tool: Tool) -> Mapping[str, Any]:
        """A tool of many upstreams' list, with a valid schema in place of a broken one, which is told once."""
        mended, exchanged = listed(tool.raw, tool.public)
        shown = valid(TOOL, mended) or mended
        exchanged = exchanged + left_out(mended, shown)
        if exchanged and tool.public not in self._told:
            self._told.add(tool.public)
            log.warning("tool listed with what is valid of it", upstream=tool.server, tool=tool.name, broken=exchanged)
        return shown

    async def _tools_call(self, params: Any, request: ClientRequest) -> Reply:
        reply = await self._called(params, request)
        await self._calls.written()
        return reply

    async def _called(self, params: Any, request: ClientRequest) -> Reply:
        if not isinstance(params, Mapping) or not isinstance(cast("Mapping[str, Any]", params).get("name"), str):
            return Reply(error=rpc.error(rpc.INVALID_PARAMS, "tools/call needs an object with the name of a tool"))
        call = cast("Mapping[str, Any]", params)
        name = str(call["name"])
        tool = self._calls.tool(name)
        if tool is not None:
            reply = await self._calls.forward(tool, call, request)
            if self._server is None:
                self._resources.addresses.linked(tool.server, reply.result)
            return reply
        if self._server is not None:
            await self._fleet.listed_all(self._server)
            if request.own is not None and self._server in request.own.changed:
                return await self._calls.untouched(call, request)
        elif name not in self._calls.own_names:
            await self._fleet.listed_for(name)
            away = self._away(name)
            if away is not None:
                self._calls.unsent(call, request, away.lost(), server=away.name)
                return away.lost()
        return await self._calls.call(call, request)

    def _away(self, name: str) -> Supervisor | None:
        """The upstream that a tool's name speaks of, where it is not there and no tool of it is known."""
        catalog = self._fleet.catalog
        server = owner(catalog, clean(name))
        if server is None or server in catalog.offering or self._fleet.connection(server) is not None:
            return None
        return self._fleet.member(server)

    def _or_missing(self, shown: Mapping[str, Any] | None) -> Reply:
        return Reply(result=shown) if shown is not None else self._missing(self._server or "")

    def _missing(self, server: str) -> Reply:
        member = self._fleet.member(server)
        unknown = rpc.error(rpc.INVALID_PARAMS, f"no upstream is called {server!r}")
        return member.lost() if member is not None else Reply(error=unknown)


def lost_error(reply: Reply, server: str | None) -> dict[str, Any]:
    """The JSON-RPC error for a call without reply, with the upstream's last words."""
    lines = list(reply.stderr[-5:])
    text = reply.message or "the upstream gave no reply"
    if lines:
        text += "; its last output on stderr: " + " | ".join(lines)
    reason = {"reason": str(reply.lost), "stderr": list(reply.stderr)}
    return rpc.error(rpc.INTERNAL_ERROR, text, {"mcp-mend/lost": {**reason, **({"server": server} if server else {})}})


def _meta(result: Mapping[str, Any]) -> Mapping[str, Any]:
    meta = result.get("_meta")
    return rpc.fields(meta)
