"""A client that knows nothing of the proxy, a shop that knows nothing of it either, and effects that are counted."""

from __future__ import annotations

from typing import Any

import psutil
import pytest

from .desk import ERAS, Connect, Desk, ended, over_http, over_stdio, straight

FACES = pytest.mark.parametrize("connect", [over_stdio, over_http], ids=["stdio", "http"])
BOTH_ERAS = pytest.mark.parametrize("era", ERAS)
REPAIR = "mcp-mend/repair"


def without_meta(result: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in result.items() if key != "_meta"}


@FACES
@BOTH_ERAS
async def test_a_sound_call_is_answered_as_without_the_proxy(desk: Desk, connect: Connect, era: str) -> None:
    call = {"query": "watering can", "max_price": 20}
    async with straight(desk, era) as shop:
        wanted = await shop.raw("search_products", call)
        tools = (await shop.client.list_tools()).tools
    async with connect(desk, era) as client:
        result = await client.raw("shop__search_products", call)
        listed = {tool.name: tool for tool in (await client.client.list_tools()).tools}
    assert without_meta(result) == without_meta(wanted)
    assert REPAIR not in result.get("_meta", {})
    for tool in tools:
        through = listed.pop(f"shop__{tool.name}")
        assert through.model_dump() | {"name": tool.name} == tool.model_dump()
    assert listed.keys() == {"run_workflow", "find_tools"}


@FACES
@BOTH_ERAS
async def test_a_refused_call_is_repaired_and_says_so(desk: Desk, connect: Connect, era: str) -> None:
    async with connect(desk, era) as client:
        cart = (await client.raw("shop__open_cart", {"customer": "Ada"}))["structuredContent"]["cart"]["id"]
        added = await client.raw("shop__add_to_cart", {"cartId": cart, "sku": "rake-12", "quantity": "2"})
        chosen = await client.raw("shop__set_delivery", {"cart_id": cart, "speed": "Express", "day": None})
    assert added["structuredContent"] == {"total": 39.0}
    assert chosen["structuredContent"]["delivery"]["speed"] == "express"
    repaired = {repair["op"] for repair in added["_meta"][REPAIR]["repairs"]}
    assert repaired == {"rename_argument", "coerce_argument"}
    assert chosen["_meta"][REPAIR]["repair_id"]
    assert desk.effects() == [
        ("open_cart", {"customer": "Ada"}),
        ("add_to_cart", {"cart_id": cart, "sku": "rake-12", "quantity": 2}),
        ("set_delivery", {"cart_id": cart, "speed": "express"}),
    ]


@BOTH_ERAS
async def test_what_cannot_be_repaired_is_explained_and_not_done(desk: Desk, era: str) -> None:
    async with over_stdio(desk, era) as client:
        missing = await client.raw("shop__open_cart", {})
        wrong_order = await client.raw("shop__cancel_order", {"order_id": "o-77"})
    assert missing["isError"]
    assert wrong_order["isError"]
    assert "customer" in text_of(missing)
    assert "no order with order_id 'o-77'" in text_of(wrong_order)
    assert desk.effects() == []


@FACES
@BOTH_ERAS
async def test_a_broken_plan_runs_to_its_end_and_each_effect_happens_once(
    desk: Desk, connect: Connect, era: str
) -> None:
    steps = [
        {"id": "find", "tool": "search_product", "arguments": {"query": "hose"}},
        {"id": "cart", "tool": "shop.open_cart", "arguments": {"customer": "Grace"}},
        {
            "id": "fill",
            "tool": "add_to_cart",
            "arguments": {
                "cart_id": {"$ref": "cart", "path": "cart_id"},
                "sku": {"$ref": "find", "path": "products.0.sku"},
                "quantity": "3",
            },
        },
        {
            "id": "send",
            "tool": "set_delivery",
            "arguments": {"cart_id": {"$ref": "cart", "path": "cart.id"}, "speed": "STANDARD"},
            "after": ["fill"],
        },
        {
            "id": "order",
            "tool": "place_order",
            "arguments": {"cart_id": {"$ref": "cart", "path": "cart.id"}},
            "after": ["send"],
        },
    ]
    plan = {"steps": steps, "output": {"paid": {"$ref": "order", "path": "order.total"}, "note": "{{order.order.id}}"}}
    async with connect(desk, era) as client:
        report = (await client.raw("run_workflow", plan))["structuredContent"]
        again = (await client.raw("run_workflow", report["plan"]))["structuredContent"]
    assert report["status"] == "repaired", report["problems"]
    assert report["output"] == {"paid": 126.0, "note": "o-1-1k9"}
    assert {repair["step"] for repair in report["repairs"]} == {"find", "fill", "send"}
    assert all(repair["evidence"] and repair["rule"] for repair in report["repairs"])
    assert report["problems"] == []
    done = [tool for tool, _ in desk.effects()]
    assert done[:4] == ["open_cart", "add_to_cart", "set_delivery", "place_order"]
    assert again["status"] == "succeeded"
    assert again["repairs"] == []
    assert len(done) == 8


@BOTH_ERAS
async def test_a_sound_plan_runs_as_it_was_written(desk: Desk, era: str) -> None:
    steps = [
        {"id": "look", "tool": "shop__get_product", "arguments": {"sku": "can-05"}},
        {"id": "more", "tool": "shop__search_products", "arguments": {"query": "rake"}},
    ]
    async with over_stdio(desk, era) as client:
        report = (await client.raw("run_workflow", {"steps": steps}))["structuredContent"]
    assert report["status"] == "succeeded"
    assert report["repairs"] == report["normalised"] == report["problems"] == []
    assert report["search"]["upstream_calls"] == 2
    assert report["output"]["look"]["product"]["title"] == "Watering can, 5 l"
    assert report["output"]["more"]["count"] == 1


async def test_a_plan_that_asks_to_only_suggest_stops_at_the_first_failure(desk: Desk) -> None:
    steps = [
        {"id": "cart", "tool": "open_cart", "arguments": {"customer": "Edsger"}},
        {
            "id": "fill",
            "tool": "add_to_cart",
            "arguments": {"cart_id": {"$ref": "cart", "path": "cart.id"}, "sku": "rake-12", "quantity": "one"},
        },
    ]
    async with over_stdio(desk, "legacy") as client:
        report = (await client.raw("run_workflow", {"steps": steps, "mode": "suggest"}))["structuredContent"]
    assert report["status"] == "suggested"
    assert [repair["step"] for repair in report["repairs"]] == ["fill"]
    assert [tool for tool, _ in desk.effects()] == ["open_cart"]


@FACES
async def test_nothing_is_left_running(desk: Desk, connect: Connect) -> None:
    async with connect(desk, "legacy") as client:
        await client.raw("shop__get_product", {"sku": "can-05"})
        assert not ended_at_once(desk)
    assert ended(desk.shop_processes())


def ended_at_once(desk: Desk) -> bool:
    return not any(psutil.pid_exists(pid) for pid in desk.shop_processes())


def text_of(result: dict[str, Any]) -> str:
    return "\n".join(block.get("text", "") for block in result["content"])
