"""Resources, prompts, completion and logging of all upstreams as one server.

Addresses stay as they are and lead back to whoever listed them; prompts are named as tools are, `server__prompt`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any, TypeVar

import anyio

from catalog_cache.merge import SEPARATOR, public_name
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
from schemas.catalog import as_list
from schemas.trial import Reply

Params = Mapping[str, Any]
T = TypeVar("T")

ADDRESSES = 50_000
"""Resources whose upstream is remembered, of those listed and of those that results link to; and as many prompts."""

TO_BE_SET = 5.0
"""Seconds that setting a level waits for upstreams that do not answer."""

TEMPLATES = 500
"""Templates of one upstream that addresses are held against."""

_PLACE = re.compile(r"(\{[^}]*\})")


class Resources:
    """Answers for all upstreams together what is no tool; remembers who listed what."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._resources: dict[str, str] = {}
        self._links: dict[str, str] = {}
        self._templates: dict[str, dict[str, Template]] = {}
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
            self._remember(item["uri"], server)
        return Reply(result={"resources": [_named(item, "uri") for _, item in found]})

    async def _list_templates(self, method: str, params: Params, caller: Caller) -> Reply:
        del params
        found = await self._every(method, "resourceTemplates", "resources", TEMPLATE, caller)
        fresh: dict[str, dict[str, Template]] = {}
        for server, item in found:
            templates = fresh.setdefault(server, {})
            if len(templates) < TEMPLATES:
                template = item["uriTemplate"]
                templates[template] = self._templates.get(server, {}).get(template) or Template(template)
        self._templates |= fresh
        return Reply(result={"resourceTemplates": [_named(item, "uriTemplate") for _, item in found]})

    async def _list_prompts(self, method: str, params: Params, caller: Caller) -> Reply:
        del params
        shown: list[Params] = []
        for server, item in await self._every(method, "prompts", "prompts", PROMPT, caller):
            public = public_name(server, item["name"])
            _keep(self._prompts, public, (server, item["name"]))
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
        for candidate in sorted(self._with("resources"), key=partial(self._unlike, uri)):
            reply = await self._fleet.request(candidate, method, params, caller)
            if reply.result is not None:
                self._remember(uri, candidate)
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
        if (known := self._known(uri)) is not None:
            return known
        lists = (RESOURCES_LIST, self._list_resources), (TEMPLATES_LIST, self._list_templates)
        await at_once(ask(method, {}, caller) for method, ask in lists)
        return self._known(uri)

    def linked(self, server: str, result: Mapping[str, Any] | None) -> None:
        """Remember the addresses that a tool's result links to: unless another lists one, it is that upstream's."""
        for block in as_list((result or {}).get("content")) or []:
            said = rpc.fields(block)
            uri = rpc.fields(said.get("resource")).get("uri") if said.get("type") == "resource" else said.get("uri")
            if isinstance(uri, str):
                _keep(self._links, uri, server)

    def _known(self, uri: str) -> str | None:
        """Who listed an address or template, else who has the template that says most of it: `{+all}` says nothing."""
        names = self._fleet.names
        listed = self._resources.get(uri)
        if listed in names:
            return listed
        best = self._links.get(uri)
        most = -1 if best is None else 0
        for server in names:
            for written, template in self._templates.get(server, {}).items():
                said = len(uri) if written == uri else template.said
                if said > most and (written == uri or template.fits(uri)):
                    best, most = server, said
        return best if best in names else None

    def _unlike(self, uri: str, server: str) -> bool:
        """Tell whether nothing that an upstream listed is of an address's scheme."""
        scheme = uri.partition(":")[0] + ":"
        listed = (address for address, whose in self._resources.items() if whose == server)
        return not any(each.startswith(scheme) for each in (*listed, *self._templates.get(server, ())))

    def _remember(self, uri: str, server: str) -> None:
        """The first that listed an address keeps it while it is there."""
        if self._resources.get(uri) not in self._fleet.names:
            _keep(self._resources, uri, server)

    async def _every(
        self, method: str, key: str, capability: str, shape: Shape, caller: Caller
    ) -> list[tuple[str, Mapping[str, Any]]]:
        await self._fleet.listed_once()
        return await listed(self._fleet, self._with(capability), method, key, shape, caller)

    def _with(self, capability: str) -> list[str]:
        live = [server for server in self._fleet.names if self._fleet.connection(server) is not None]
        return [server for server in live if capability in capabilities(self._fleet, server)]


def _keep(known: dict[str, T], key: str, whose: T) -> None:
    """Note whose an address or a prompt is; the oldest are forgotten."""
    known.pop(key, None)
    known[key] = whose
    while len(known) > ADDRESSES:
        del known[next(iter(known))]


def _named(item: Params, key: str) -> Params:
    return item if "name" in item else {**item, "name": item[key]}


class Template:
    """A URI template: what it can become, and how many characters it says of that itself."""

    def __init__(self, written: str) -> None:
        self.said = len(_PLACE.sub("", written))
        self.fits = pattern_of(written).fullmatch


def pattern_of(template: str) -> re.Pattern[str]:
    """What a URI template can become, loosely: a place holder is one segment, or the rest for `{+x}` and `{/x*}`.

    The SDK's matcher is as quick, but takes a second to import, and refuses templates of level 4 that servers list and
    addresses that a client left unencoded. Here every place holder but the last ends for good where what follows it
    first stands, so that no address takes longer than a few looks at each of its characters.
    """
    parts = _PLACE.split(template)
    loose = ["." if part[1:2] in "+/#?&;" or part.endswith("*}") else "[^/]" for part in parts if part.startswith("{")]
    first, *fixed = [re.escape(part) for part in parts if not part.startswith("{")]
    ended = [f"(?>{hole}*?{rest})" for hole, rest in zip(loose[:-1], fixed[:-1], strict=True)]
    last = [f"{hole}*{rest}" for hole, rest in zip(loose[-1:], fixed[-1:], strict=True)]
    return re.compile("".join((first, *ended, *last)), re.DOTALL)
