"""Which of several upstreams an address leads to."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from proxy.aggregate.resources import pattern_of
from tests.frontends.rawclient import MEND, SERVERS, config, started

ABLE = {"capabilities": {"tools": {}, "resources": {}}}


def reader(name: str, *templates: str) -> list[str]:
    """A server that lists these templates and reads every address as its own."""
    said = {
        "initialize": ABLE,
        "tools/list": {"tools": []},
        "resources/list": {"resources": []},
        "resources/templates/list": {"resourceTemplates": [{"uriTemplate": each, "name": each} for each in templates]},
        "resources/read": {"contents": [{"uri": "x://", "text": name}]},
    }
    return [sys.executable, str(SERVERS / "reciting.py"), json.dumps(said)]


async def test_a_template_that_takes_everything_takes_nothing_of_another(tmp_path: Path) -> None:
    servers = {"greedy": reader("greedy", "{+all}", "mail://{+all}"), "mail": reader("mail", "mail://box/{id}")}
    file = config(tmp_path, **servers)
    async with started(tmp_path, *MEND, "serve", "--config", str(file)) as raw:
        await raw.initialize()
        await raw.request("resources/templates/list")

        async def read(uri: str) -> Any:
            return (await raw.request("resources/read", {"uri": uri}))["result"]["contents"][0]["text"]

        assert await read("mail://box/5") == "mail"
        assert await read("mail://else/5/6") == "greedy"
        assert await read("any://thing") == "greedy"


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
