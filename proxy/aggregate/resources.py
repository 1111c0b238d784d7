"""Resources, prompts, completion and logging of all upstreams as one server.

Addresses stay as they are and lead back to whoever listed them; prompts are named as tools are, `server__prompt`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import anyio

from catalog_cache.merge import SEPARATOR, public_name
from proxy.aggregate.addresses import Addresses, keep
from proxy.aggregate.gather import at_once, capabilities, listed
from proxy.aggregate.strict import PROMPT, RESOURCE, TEMPLATE, Shape
from proxy.upstreams.fleet import Fleet
from proxy.wire import rpc
from proxy.wire.caller import Caller
from proxy.wire.protocol import (
    COMPLETE,
    PROMPTS_GET,
    PROMPTS_LIST,
    RESOURCES_LIST,
    RESOURCES_READ,
    SET_LEVEL,
    SUBSCRIBE,
    TEMPLATES_LIST,
    UNSUBSCRIBE,
)
from schemas.trial import Reply

Params = Mapping[str, Any]

TO_BE_SET = 5.0
"""Seconds that setting a level waits for upstreams that do not answer."""


class Resources:
    """Answers for all upstreams together what is no tool; remembers who listed what."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self.addresses = Addresses()
        self._prompts: dict[str, tuple[str, str]] = {}
        self.table = {
            RESOURCES_LIST: self._list_resources,
            TEMPLATES_LIST: self._list_templates,
            RESOURCES_READ: self._by_uri,
            SUBSCRIBE: self._subscribe,
            UNSUBSCRIBE: self._subscribe,
            PROMPTS_LIST: self._list_prompts,
            PROMPTS_GET: self._get_prompt,
            COMPLETE: self._complete,
            SET_LEVEL: self._set_level,
        }

    async def answer(self, method: str, params: Any, caller: Caller) -> Reply:
        """Answer one request."""
        given = rpc.fields(params)
        return await self.table[method](method, given, caller)

    async def _list_resources(self, method: str, params: Params, caller: Caller) -> Reply:
        del params
        found = await self._every(method, "resources", "resources", RESOURCE, caller)
        for server, item in found:
            self.addresses.listed(item["uri"], server, self._fleet.names)
        return Reply(result={"resources": [_named(item, "uri") for _, item in found]})

    async def _list_templates(self, method: str, params: Params, caller: Caller) -> Reply:
        del params
        found = await self._every(method, "resourceTemplates", "resources", TEMPLATE, caller)
        self.addresses.take_templates((server, item["uriTemplate"]) for server, item in found)
        return Reply(result={"resourceTemplates": [_named(item, "uriTemplate") for _, item in found]})

    async def _list_prompts(self, method: str, params: Params, caller: Caller) -> Reply:
        del params
        shown: list[Params] = []
        for server, item in await self._every(method, "prompts", "prompts", PROMPT, caller):
            public = public_name(server, item["name"])
            keep(self._prompts, public, (server, item["name"]))
            shown.append({**item, "name": public})
        return Reply(result={"prompts": shown})

    async def _get_prompt(self, method: str, params: Params, caller: Caller) -> Reply:
        found = await self._prompt(str(params.get("name")), caller)
        if found is None:
            return Reply(error=rpc.error(rpc.INVALID_PARAMS, f"Unknown prompt: {params.get('name')}"))
        server, name = found
        return await self._fleet.request(server, method, {**params, "name": name}, caller)

    async def _complete(self, method: str, params: Params, caller: Caller) -> Reply:
        ref = rpc.fields(params.get("ref"))
        if ref.get("type") == "ref/prompt":
            found = await self._prompt(str(ref.get("name")), caller)
            if found is not None:
                asked = {**params, "ref": {**ref, "name": found[1]}}
                return await self._fleet.request(found[0], method, asked, caller)
        server = await self.home(str(ref.get("uri")), caller) if "uri" in ref else None
        if server is None:
            return Reply(error=rpc.error(rpc.INVALID_PARAMS, "nothing of this name can be completed"))
        return await self._fleet.request(server, method, params, caller)

    async def _by_uri(self, method: str, params: Params, caller: Caller) -> Reply:
        uri = str(params.get("uri"))
        server = await self.home(uri, caller)
        if server is not None:
            return await self._fleet.request(server, method, params, caller)
        for candidate in sorted(self._with("resources"), key=partial(self.addresses.unlike, uri)):
            reply = await self._fleet.request(candidate, method, params, caller)
            if reply.result is not None:
                self.addresses.listed(uri, candidate, self._fleet.names)
                return reply
        return Reply(error=rpc.error(rpc.INVALID_PARAMS, "Resource not found", {"uri": uri}))

    async def _subscribe(self, method: str, params: Params, caller: Caller) -> Reply:
        """At every upstream that may know the address: an update must not be missed."""
        servers = await self.homes(str(params.get("uri")), caller)
        replies = await at_once(self._fleet.request(server, method, params, caller) for server in servers)
        good = next((reply for reply in replies if reply.result is not None), None)
        unknown = rpc.error(rpc.INVALID_PARAMS, "Resource not found", {"uri": params.get("uri")})
        return good or next(iter(replies), Reply(error=unknown))

    async def _set_level(self, method: str, params: Params, caller: Caller) -> Reply:
        """At every upstream that is there; one that a session is not connected to hears it when it connects."""
        kept = caller.own if caller.own is not None else self._fleet.session_state
        kept.note("", method, params, caller.session)
        servers = [each for each in self._with("logging") if caller.own is None or caller.own.has(each)]
        with anyio.move_on_after(TO_BE_SET):
            await at_once(self._fleet.request(server, method, params, caller) for server in servers)
        return Reply(result={})

    async def _prompt(self, public: str, caller: Caller) -> tuple[str, str] | None:
        if self.prompt_known(public) is None:
            await self._list_prompts(PROMPTS_LIST, {}, caller)
        return self.prompt_known(public)

    def prompt_known(self, public: str) -> tuple[str, str] | None:
        """Whose prompt this is, by its plain name or as it was listed."""
        server, _, name = public.partition(SEPARATOR)
        if server in self._fleet.names and name and public_name(server, name) == public:
            return server, name
        return self._prompts.get(public)

    async def homes(self, uri: str, caller: Caller) -> list[str]:
        """Who listed an address; where nobody did, everyone who has resources."""
        server = await self.home(uri, caller)
        return self._with("resources") if server is None else [server]

    async def home(self, uri: str, caller: Caller) -> str | None:
        """Who listed an address, or a template that it fits."""
        names = self._fleet.names
        if (known := self.addresses.home(uri, names)) is not None:
            return known
        lists = (RESOURCES_LIST, self._list_resources), (TEMPLATES_LIST, self._list_templates)
        await at_once(ask(method, {}, caller) for method, ask in lists)
        return self.addresses.home(uri, names)

    async def _every(
        self, method: str, key: str, capability: str, shape: Shape, caller: Caller
    ) -> list[tuple[str, Mapping[str, Any]]]:
        await self._fleet.connected_once()
        return await listed(self._fleet, self._with(capability), method, key, shape, caller)

    def _with(self, capability: str) -> list[str]:
        live = [server for server in self._fleet.names if self._fleet.connection(server) is not None]
        return [server for server in live if capability in capabilities(self._fleet, server)]


def _named(item: Params, key: str) -> Params:
    return item if "name" in item else {**item, "name": item[key]}
