"""Which of several upstreams an address leads to."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from proxy.aggregate import addresses, gather, resources
from proxy.aggregate.addresses import pattern_of
from proxy.aggregate.router import Router
from proxy.calls.forward import Calls
from proxy.eras.request import Channel
from proxy.wire.caller import Profile
from schemas.config import Config, Upstream
from tests.fakes import Book
from tests.upstreams.fleets import SERVERS, fleet


class Silent(Channel):
    """A way to a client that says nothing."""


def reader(name: str, *templates: str, **more: Any) -> list[str]:
    """The arguments of a server that lists these templates and reads every address as its own."""
    said = {
        "initialize": {"capabilities": {"tools": {}, "resources": {}, "logging": {}}},
        "tools/list": {"tools": []},
        "resources/list": {"resources": []},
        "resources/templates/list": {"resourceTemplates": [{"uriTemplate": each, "name": each} for each in templates]},
        "resources/read": {"contents": [{"uri": "x://", "text": name}]},
        "logging/setLevel": {},
    }
    return [str(SERVERS / "reciting.py"), json.dumps(said | more)]


@asynccontextmanager
async def router(**servers: list[str]) -> AsyncGenerator[Router]:
    """An endpoint for these servers, which have all begun."""
    upstreams = {name: Upstream(command=sys.executable, args=args) for name, args in servers.items()}
    async with fleet(**upstreams) as made:
        for name in servers:
            await made.ready(name)
        yield Router(made, Calls(Config(upstreams=upstreams), made, Book()))


async def answered(router: Router, method: str, **params: Any) -> Mapping[str, Any]:
    """The result of one request."""
    request = router.client_request(Silent(), "s", Profile(), params)
    with anyio.fail_after(10):
        reply = await router.answer(method, params, request)
    assert reply.result is not None, reply
    return reply.result


async def read(router: Router, uri: str) -> str:
    """Who answered for this address."""
    return (await answered(router, "resources/read", uri=uri))["contents"][0]["text"]


async def test_a_template_that_takes_everything_takes_nothing_of_another() -> None:
    servers = {"greedy": reader("greedy", "{+all}", "mail://{+all}"), "mail": reader("mail", "mail://box/{id}")}
    async with router(**servers) as made:
        assert await read(made, "mail://box/5") == "mail"
        assert await read(made, "mail://else/5/6") == "greedy"
        assert await read(made, "any://thing") == "greedy"


async def test_an_address_that_a_result_links_to_leads_back_to_who_returned_it() -> None:
    link = {"type": "resource_link", "uri": "made://1", "name": "made"}
    inner = {"type": "resource", "resource": {"uri": "made://2", "text": ""}}
    tool = {"name": "make", "inputSchema": {"type": "object"}}
    more = {"tools/list": {"tools": [tool]}, "tools/call": {"content": [link, inner]}}
    async with router(curious=reader("curious", "{+all}"), maker=reader("maker", **more)) as made:
        await answered(made, "tools/call", name="maker__make", arguments={})
        assert await read(made, "made://1") == "maker"
        assert await read(made, "made://2") == "maker"
        assert await read(made, "made://3") == "curious"


async def test_an_address_that_nobody_listed_is_asked_for_first_where_its_like_are() -> None:
    listed = {"resources/list": {"resources": [{"uri": "mail://1", "name": "one"}]}}
    servers = {"curious": reader("curious"), "mail": reader("mail", **listed), "wiki": reader("wiki", "wiki://{page}")}
    async with router(**servers) as made:
        assert await read(made, "mail://2") == "mail"
        assert await read(made, "wiki://a/b") == "wiki"
        assert await read(made, "else://2") == "curious"


async def test_of_an_upstream_that_lists_templates_without_end_some_are_looked_at() -> None:
    endless = [f"{{a}}{'{b}-' * 6}{number}" for number in range(600)]
    async with router(endless=reader("endless", *endless), mail=reader("mail", "mail://{+all}")) as made:
        assert await read(made, "mail://" + "-" * 2000) == "mail"
        assert len(made._resources.addresses._templates["endless"]) == addresses.TEMPLATES


async def test_an_upstream_that_answers_no_list_holds_up_none_of_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gather, "PATIENCE", 0.3)
    monkeypatch.setattr(resources, "TO_BE_SET", 0.3)
    silent = dict.fromkeys(("resources/list", "resources/templates/list", "logging/setLevel"))
    listed = {"resources/list": {"resources": [{"uri": "mail://1", "name": "one"}]}}
    servers = {"silent": reader("silent", **silent), "mail": reader("mail", "mail://{id}", **listed)}
    async with router(**servers) as made:
        assert (await answered(made, "resources/list"))["resources"] == [{"uri": "mail://1", "name": "one"}]
        assert await answered(made, "logging/setLevel", level="info") == {}
        assert await read(made, "mail://5") == "mail"


@pytest.mark.parametrize(
    ("template", "address"),
    [
        ("x://{var:3}/y", "x://abc/y"),
        ("x://h/{path*}", "x://h/a"),
        ("x://h{/path*}", "x://h/a/b"),
        ("x://h{?q*}", "x://h?a=1&b=2"),
        ("x://{a}{b}", "x://ab"),
        ("x://{city name}/weather", "x://São Paulo/weather"),
        ("x://{user-id}/notes", "x://ada/notes"),
        ("file:///{+path}", "file:///a b/c?d#e"),
    ],
)
def test_a_template_fits_what_a_client_makes_of_it(template: str, address: str) -> None:
    assert pattern_of(template).fullmatch(address)


@pytest.mark.parametrize(
    ("template", "address"), [("x://{a}/y", "x://b/c/y"), ("x://{a}/y", "x://b/z"), ("x://{a}", "y://b")]
)
def test_a_template_fits_nothing_else(template: str, address: str) -> None:
    assert not pattern_of(template).fullmatch(address)
