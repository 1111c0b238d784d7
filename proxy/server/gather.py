"""Resources, prompts, completion and logging of all upstreams as one server.

Addresses stay as they are and lead back to whoever listed them; prompts are named as tools are, `server__prompt`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from catalog_cache.merge import SEPARATOR, public_name
from catalog_cache.pages import every_page
from proxy.upstream import rpc
from proxy.upstream.caller import Caller
from proxy.upstream.fleet import Fleet
from schemas.trial import Reply

log = structlog.get_logger("server")

Params = Mapping[str, Any]


class Gather:
    """Answers for all upstreams together what is no tool; remembers who listed what."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._resources: dict[str, str] = {}
        self._templates: dict[str, tuple[re.Pattern[str], str]] = {}
        self._prompts: dict[str, tuple[str, str]] = {}
        self.table = {
            "resources/list": self._list_resources,
            "resources/templates/list": self._list_templates,
            "resources/read": self._by_uri,
            "resources/subscribe": self._by_uri,
            "resources/unsubscribe": self._by_uri,
            "prompts/list": self._list_prompts,
            "prompts/get": self._get_prompt,
            "completion/complete": self._complete,
            "logging/setLevel": self._set_level,
        }

    def capabilities(self) -> dict[str, Any]:
        """What all upstreams together can do, as far as is known of them."""
        offered: dict[str, Any] = {"tools": {"listChanged": True}}
        for server in self._fleet.names:
            said = self._capabilities(server)
            for name in ("prompts", "resources", "logging", "completions"):
                if isinstance(said.get(name), Mapping):
                    offered[name] = {**offered.get(name, {}), **{k: v for k, v in said[name].items() if v}}
        return offered

    def instructions(self) -> str | None:
        """What the upstreams say of themselves, one section each."""
        said = {server: self._fleet.hello(server).get("instructions") for server in self._fleet.names}
        parts = [f"# {server}\n{text}" for server, text in said.items() if isinstance(text, str) and text]
        return "\n\n".join(parts) or None

    async def answer(self, method: str, params: Any, caller: Caller) -> Reply:
        """Answer one request."""
        given = rpc.fields(params)
        return await self.table[method](method, given, caller)

    async def _list_resources(self, method: str, params: Params, caller: Caller) -> Reply:
        del params
        found = await self._every(method, "resources", "resources", caller)
        for server, item in found:
            self._resources.setdefault(str(item.get("uri")), server)
        return Reply(result={"resources": [item for _, item in found]})

    async def _list_templates(self, method: str, params: Params, caller: Caller) -> Reply:
        del params
        found = await self._every(method, "resourceTemplates", "resources", caller)
        for server, item in found:
            template = str(item.get("uriTemplate"))
            self._templates.setdefault(template, (_pattern(template), server))
        return Reply(result={"resourceTemplates": [item for _, item in found]})

    async def _list_prompts(self, method: str, params: Params, caller: Caller) -> Reply:
        del params
        found = await self._every(method, "prompts", "prompts", caller)
        shown: list[Params] = []
        for server, item in found:
            name = str(item.get("name"))
            public = public_name(server, name)
            self._prompts[public] = (server, name)
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
        server = await self._home(str(ref.get("uri")), caller) if "uri" in ref else None
        if server is None:
            return Reply(error=rpc.error(rpc.INVALID_PARAMS, "nothing of this name can be completed"))
        return await self._fleet.request(server, method, params, caller)

    async def _by_uri(self, method: str, params: Params, caller: Caller) -> Reply:
        uri = str(params.get("uri"))
        server = await self._home(uri, caller)
        if server is not None:
            return await self._fleet.request(server, method, params, caller)
        for candidate in self._with("resources"):
            reply = await self._fleet.request(candidate, method, params, caller)
            if reply.result is not None and method == "resources/read":
                self._resources[uri] = candidate
                return reply
        return Reply(error=rpc.error(rpc.INVALID_PARAMS, "Resource not found", {"uri": uri}))

    async def _set_level(self, method: str, params: Params, caller: Caller) -> Reply:
        servers = self._with("logging")
        await asyncio.gather(*(self._fleet.request(server, method, params, caller) for server in servers))
        return Reply(result={})

    async def _prompt(self, public: str, caller: Caller) -> tuple[str, str] | None:
        if public not in self._prompts:
            server, _, name = public.partition(SEPARATOR)
            if server in self._fleet.names and public_name(server, name) == public:
                return server, name
            await self._list_prompts("prompts/list", {}, caller)
        return self._prompts.get(public)

    async def _home(self, uri: str, caller: Caller) -> str | None:
        """Who listed an address, or a template that it fits."""
        if (known := self._known(uri)) is not None:
            return known
        await self._list_resources("resources/list", {}, caller)
        await self._list_templates("resources/templates/list", {}, caller)
        return self._known(uri)

    def _known(self, uri: str) -> str | None:
        if uri in self._resources:
            return self._resources[uri]
        if uri in self._templates:
            return self._templates[uri][1]
        return next((server for pattern, server in self._templates.values() if pattern.fullmatch(uri)), None)

    async def _every(
        self, method: str, key: str, capability: str, caller: Caller
    ) -> Sequence[tuple[str, Mapping[str, Any]]]:
        """What all upstreams list, in their order; one that fails is logged and left out."""
        await self._fleet.listed_once()
        servers = self._with(capability)

        async def ask(server: str) -> Sequence[tuple[str, Mapping[str, Any]]]:
            listing = await every_page(lambda page: self._fleet.request(server, method, page, caller), key)
            if listing.failure is not None:
                log.warning("list failed", upstream=server, method=method, reason=listing.failure)
            return [(server, item) for item in listing.items]

        return [each for found in await asyncio.gather(*(ask(server) for server in servers)) for each in found]

    def _with(self, capability: str) -> list[str]:
        live = [server for server in self._fleet.names if self._fleet.link(server) is not None]
        return [server for server in live if capability in self._capabilities(server)]

    def _capabilities(self, server: str) -> Mapping[str, Any]:
        said = self._fleet.hello(server).get("capabilities")
        return rpc.fields(said)


def _pattern(template: str) -> re.Pattern[str]:
    """What a URI template can become, loosely: a place holder is one segment, or the rest for `{+x}` and `{/x*}`."""
    parts = re.split(r"(\{[^}]*\})", template)
    loose = [
        ".*" if part[1:2] in "+/#?&;" or part.endswith("*}") else "[^/]*" for part in parts if part.startswith("{")
    ]
    fixed = [re.escape(part) for part in parts if not part.startswith("{")]
    text = fixed[0] + "".join(hole + rest for hole, rest in zip(loose, fixed[1:], strict=True))
    return re.compile(text, re.DOTALL)
