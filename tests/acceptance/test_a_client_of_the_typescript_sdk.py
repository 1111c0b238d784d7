"""The TypeScript SDK's client, which checks every message and every result by its own schemas, in front of a shop."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from .desk import PROXY, SHOP, Desk, ended, http_server
from .fetched import node_packages

SDK = "@modelcontextprotocol/sdk@1.32.2"
SCRIPT = Path(__file__).with_name("client.mjs")
ECHO = SHOP.with_name("echo.py")
REPAIR = "mcp-mend/repair"
WANTED = ["echo__echo", "shop__open_cart", "run_workflow", "find_tools"]
Spec = dict[str, Any]


@pytest.fixture(scope="session")
def script(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command that runs the script, beside the SDK that it imports."""
    folder = tmp_path_factory.mktemp("typescript")
    return [node_packages(folder, SDK), shutil.copy(SCRIPT, folder)]


@pytest.fixture
def desk(desk: Desk) -> Desk:
    """Several servers behind one endpoint."""
    configured = json.loads(desk.config.read_text())
    configured["mcpServers"]["echo"] = {"command": sys.executable, "args": [str(ECHO)]}
    desk.config.write_text(json.dumps(configured))
    return desk


@contextmanager
def over_stdio(desk: Desk) -> Iterator[Spec]:
    yield {"wanted": WANTED, "command": [PROXY, "serve", "--config", str(desk.config)]}


@contextmanager
def over_http(desk: Desk) -> Iterator[Spec]:
    with http_server(desk) as url:
        yield {"wanted": WANTED, "url": url}


FACES = pytest.mark.parametrize("connect", [over_stdio, over_http], ids=["stdio", "http"])


def spoken(
    script: list[str], desk: Desk, spec: Spec, *calls: tuple[str, Any]
) -> tuple[dict[str, Any], list[Any], set[str]]:
    """What the client was told: the tools by name, each call's result, and the names of resources and prompts."""
    given = json.dumps({"wanted": [], **spec, "calls": calls})
    with (desk.folder / "stderr.log").open("a") as errors:
        ran = subprocess.run(
            script, input=given, env=desk.env, stdout=subprocess.PIPE, stderr=errors, text=True, timeout=60, check=False
        )  # fmt: skip
    assert ran.returncode == 0, (desk.folder / "stderr.log").read_text()
    told = json.loads(ran.stdout)
    names = {each["name"] for each in (*told["resources"], *told["prompts"])}
    return {tool["name"]: tool for tool in told["tools"]}, told["results"], names


@FACES
def test_tools_of_several_servers_are_listed_called_and_repaired(script: list[str], desk: Desk, connect: Any) -> None:
    with connect(desk) as spec:
        tools, (echoed, cart, filled, refused, unknown), _ = spoken(
            script,
            desk,
            spec,
            ("echo__echo", {"text": "as it is"}),
            ("shop__open_cart", {"customer": "Ada"}),
            ("shop__add_to_cart", {"cartId": "c-1-3f7", "sku": "rake-12", "quantity": "2"}),
            ("shop__cancel_order", {"order_id": "o-77"}),
            ("shop__fly", {}),
        )
    assert set(WANTED) <= tools.keys()
    assert echoed["content"] == [{"type": "text", "text": "as it is"}]
    assert REPAIR not in echoed.get("_meta", {})
    assert cart["structuredContent"]["cart"]["id"] == "c-1-3f7"
    assert filled["structuredContent"] == {"total": 39.0}
    assert {repair["op"] for repair in filled["_meta"][REPAIR]["repairs"]} == {"rename_argument", "coerce_argument"}
    assert refused["isError"]
    assert "nearest:" in unknown["thrown"]
    assert desk.effects() == [
        ("open_cart", {"customer": "Ada"}),
        ("add_to_cart", {"cart_id": "c-1-3f7", "sku": "rake-12", "quantity": 2}),
    ]


@FACES
def test_a_broken_plan_is_run_to_its_end(script: list[str], desk: Desk, connect: Any) -> None:
    price = {"$ref": "find", "path": "products.0.price"}
    steps = [
        {"id": "find", "tool": "shop__search_product", "arguments": {"query": "rake", "max_price": "50"}},
        {"id": "say", "tool": "echo__echo", "arguments": {"text": "{{find.products.0.title}}"}},
    ]
    with connect(desk) as spec:
        _, (result,), _ = spoken(script, desk, spec, ("run_workflow", {"steps": steps, "output": price}))
    report = result["structuredContent"]
    assert report["status"] == "repaired", report["problems"]
    assert report["output"] == 19.5
    assert {repair["step"] for repair in report["repairs"]} == {"find"}


CARELESS = {
    "initialize": {
        "capabilities": {
            "tools": {},
            "resources": {"subscribe": "no"},
            "prompts": {"listChanged": 1},
            "experimental": {"x": True},
        }
    },
    "tools/list": {
        "tools": [
            {"name": "drawn", "inputSchema": {"type": "object"}, "icons": None},
            {"name": "run", "inputSchema": {"type": "object"}, "execution": "no", "annotations": {"title": 5}},
            {
                "name": "told",
                "inputSchema": None,
                "outputSchema": {"type": "object", "properties": {"a": {"type": "x"}}},
            },
        ]
    },
    "resources/list": {"resources": [{"uri": "x://1"}, {"uri": "x://2", "name": "two", "mimeType": None}]},
    "resources/templates/list": {"resourceTemplates": [{"uriTemplate": "x://{a}"}]},
    "prompts/list": {"prompts": [{"name": "p", "arguments": None}, {"description": "nameless"}]},
}


def test_a_careless_server_costs_the_client_nothing_of_the_others(script: list[str], desk: Desk) -> None:
    servers = {
        "careless": [str(SHOP.with_name("reciting.py")), json.dumps(CARELESS)],
        "sound": [str(SHOP.with_name("extras.py"))],
    }
    configured = {name: {"command": sys.executable, "args": args} for name, args in servers.items()}
    desk.config.write_text(json.dumps({"mcpServers": configured}))
    wanted = ["sound__echo", "careless__drawn", "careless__run", "careless__told"]
    spec = {"wanted": wanted, "command": [PROXY, "serve", "--config", str(desk.config)]}
    tools, (echoed,), names = spoken(script, desk, spec, ("sound__echo", {"text": "as it is"}))
    assert set(wanted) < tools.keys()
    assert echoed["content"] == [{"type": "text", "text": "as it is"}]
    assert names == {"x://1", "two", "extras", "careless__p"}


def test_one_server_keeps_its_own_names_behind_wrap(script: list[str], desk: Desk) -> None:
    spec = {"command": [PROXY, "wrap", "--", sys.executable, str(SHOP), str(desk.log)]}
    tools, (found, filled), _ = spoken(
        script, desk, spec, ("search_products", {"query": "hose"}), ("get_product", {"SKU": "can-05"})
    )
    assert "search_products" in tools
    assert not {"run_workflow", "find_tools"} & tools.keys()
    assert found["structuredContent"]["count"] == 1
    assert filled["structuredContent"]["product"]["title"] == "Watering can, 5 l"
    assert [repair["op"] for repair in filled["_meta"][REPAIR]["repairs"]] == ["rename_argument"]
    assert ended(desk.shop_processes())
