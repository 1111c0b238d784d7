"""Whole conversations between a client and several servers, read from top to bottom."""

# pyright: basic
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from schemas.trial import Lost, Reply
from tests.desks import Desk, repairs, texts
from tests.fakes import Person, configured, ref, step
from tests.promises import promise
from tests.scenarios.worlds import calendar, files, shop, tickets, units, weather


@promise("accepted-is-never-changed", "repaired-call-says-so", "session-is-evidence", "effects-once")
async def test_a_customer_who_types_carelessly_gets_one_order() -> None:
    desk, ada = Desk(shop("pydantic"), units(), tickets()), Person("ada")

    found = await desk.result("find_tools", {"query": "search products"}, ada)
    assert found["structuredContent"]["tools"][0]["name"] == "shop__search_products"

    hoses = await desk.result("shop__search_products", {"query": "hose"}, ada)
    sku = hoses["structuredContent"]["products"][0]["sku"]
    assert "_meta" not in hoses

    opened = await desk.result("shop__OpenCart", {"Customer": "Ada"}, ada)
    cart = opened["structuredContent"]["cart"]["id"]
    assert [repair["op"] for repair in repairs(opened)] == ["swap_tool", "rename_argument"]

    filled = await desk.result("shop__add_to_cart", {"cart_id": cart, "sku": sku, "quantity": "two"}, ada)
    assert filled["structuredContent"] == {"total": 84.0}

    chosen = await desk.result("shop__set_delivery", {"cart_id": cart, "speed": "Express"}, ada)
    assert chosen["structuredContent"] == {"delivery": {"speed": "express"}}

    order = await desk.result("shop__place_order", {"cartId": cart}, ada)
    assert order["structuredContent"]["order"]["total"] == 84.0

    wrong = await desk.result("shop__cancel_order", {"order_id": "o-c-1"}, ada)
    assert wrong["isError"]
    assert texts(wrong)[0] == "no order with order_id 'o-c-1'"

    assert [tool for tool, _ in desk.world.done if tool != "search_products"] == [
        "open_cart", "add_to_cart", "set_delivery", "place_order",
    ]  # fmt: skip


@promise("session-is-evidence", "own-error-plus-diagnosis")
async def test_two_people_never_see_each_others_values() -> None:
    desk, ada, eve = Desk(tickets(), files()), Person("ada"), Person("eve")
    await desk.result("files__list_files", {"folder": "notes"}, ada)
    await desk.result("tickets__find_user", {"email": "ada@example.org"}, ada)
    refused = await desk.result("files__read_file", {"path": "notes/tod.md"}, eve)
    assert refused["isError"]
    assert "todo" not in str(refused)
    missing = await desk.result("tickets__assign_ticket", {"ticket_id": "T-1"}, eve)
    assert missing["isError"]
    assert "u-31" not in str(missing)


@promise("references-are-repaired", "interpolation-is-grounded", "dialects-are-spelling")
async def test_a_trip_is_planned_over_three_servers() -> None:
    desk = Desk(weather(), calendar("pydantic"), tickets("zod"))
    plan = {
        "goal": "Forecast for Oslo on 2031-03-12, an event named Hike, and a ticket about it",
        "steps": [
            {"id": "rain", "tool": "weather.forecast", "args": {"Place": "Oslo", "days": "2"}},
            {"id": "hike", "tool": "createEvent",
             "args": {"title": "Hike at {{rain.days.1.rain_mm}} mm", "start_date": "12 March 2031"}},
            {"id": "note", "tool": "create_ticket",
             "args": {"title": "$hike.event.title", "priority": "Urgent", "labels": "outdoor"}},
        ],
        "output": {"event": "{{hike.event.id}}", "ticket": "$note.ticket_id"},
    }  # fmt: skip
    result = await desk.result("run_workflow", plan)
    report = result["structuredContent"]
    assert report["status"] == "repaired", report["problems"]
    assert report["output"] == {"event": "ev-881", "ticket": "T-104"}
    assert desk.world.done == [
        ("forecast", {"place": "Oslo", "days": 2}),
        ("create_event", {"title": "Hike at 4 mm", "start_date": "2031-03-12"}),
        ("create_ticket", {"title": "Hike at 4 mm", "priority": "urgent", "labels": ["outdoor"]}),
    ]


@promise("unknown-outcome-is-said", "effects-once", "report-fields")
async def test_a_server_that_dies_in_the_middle_costs_only_what_depends_on_it() -> None:
    async def between(tool: Any, params: Any, answer: Callable[[], Reply]) -> Reply:
        if tool.name == "create_ticket":
            answer()
            return Reply(lost=Lost.BROKEN, message="tickets: the connection ended", stderr=("panic: out of memory",))
        return answer()

    desk = Desk(tickets(), shop(), units(), between=between)
    plan = {
        "steps": [
            step("t", "create_ticket", title="Leak"),
            step("a", "assign_ticket", ticket_id=ref("t", "ticket_id"), user_id="u-1"),
            step("c", "open_cart", customer="Ada"),
            step("u", "convert_length", value=1, from_unit="foot", to_unit="inch"),
        ]
    }
    report = (await desk.result("run_workflow", plan))["structuredContent"]
    assert report["status"] == "failed"
    assert {each["id"]: each["ok"] for each in report["steps"]} == {"t": False, "a": False, "c": False, "u": True}
    assert {each["step"]: each["kind"] for each in report["problems"]}["t"] == "outcome_unknown"
    assert [tool for tool, _ in desk.world.done] == ["create_ticket", "convert_length"] or [
        tool for tool, _ in desk.world.done
    ] == ["convert_length", "create_ticket"]


@promise("off-only-forwards", "modes")
async def test_with_repair_off_a_whole_conversation_is_the_servers_own() -> None:
    talk: list[tuple[str, dict[str, Any]]] = [
        ("get_product", {"sku": "can-05"}),
        ("get_product", {"SKU": "can-05"}),
        ("set_delivery", {"cart_id": "x", "speed": "Express"}),
        ("cancel_order", {}),
    ]
    desk = Desk(shop(), config=configured(repair={"mode": "off"}))
    alone = shop()
    for name, arguments in talk:
        assert await desk.result(f"shop__{name}", arguments) == alone.answer(name, arguments).result
    assert len(desk.world.sent) == len(talk)
    assert desk.book.runs == {}
