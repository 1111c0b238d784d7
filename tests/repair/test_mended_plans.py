"""Broken plans over several worlds: what is mended, by what evidence, and what is better left."""

# pyright: basic
from __future__ import annotations

from typing import Any

import pytest

from tests.desks import done, ops
from tests.fakes import (
    STYLES,
    TEXT,
    Person,
    Server,
    Style,
    carried_out,
    ref,
    step,
    world,
)
from tests.promises import promise
from tests.scenarios.worlds import calendar, files, shop, tickets

# argument names


@promise("names-by-evidence")
@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ({"Title": "Review", "startDate": "2031-03-12"}, {"title": "Review", "start_date": "2031-03-12"}),
        ({"title": "Review", "start-date": "2031-03-12"}, {"title": "Review", "start_date": "2031-03-12"}),
        ({"titlle": "Review", "start_date": "2031-03-12"}, {"title": "Review", "start_date": "2031-03-12"}),
        ({"title": "Review", "date_start": "2031-03-12"}, {"title": "Review", "start_date": "2031-03-12"}),
    ],
)
async def test_a_misspelt_argument_gets_its_name(style: Style, sent: dict[str, Any], meant: dict[str, Any]) -> None:
    where = world(calendar(style))
    report = await carried_out(where, {"steps": [step("e", "create_event", **sent)]})
    assert report.status == "repaired", report.problems
    assert set(ops(report)) == {"rename_argument"}
    assert done(where, "create_event") == [meant]


@promise("names-by-evidence")
@pytest.mark.parametrize(
    ("declared", "sent"),
    [
        ("start_time", "end_time"),
        ("min_price", "max_price"),
        ("from_city", "to_city"),
        ("source_path", "destination_path"),
        ("latitude", "longitude"),
        ("before", "after"),
        ("username", "password"),
        ("old_name", "new_name"),
        ("include", "exclude"),
    ],
)
@pytest.mark.parametrize("effect", ["read", "write"])
@pytest.mark.parametrize("needed", [True, False])
async def test_opposites_are_never_exchanged(declared: str, sent: str, effect: str, needed: bool) -> None:
    optional = ["note"] if needed else [declared, "note"]
    server, properties = Server("s", "plain"), {declared: TEXT, "note": TEXT}
    where = world(server.tool("act", lambda **_: {}, effect, optional=optional, **properties))  # pyright: ignore
    report = await carried_out(where, {"steps": [step("a", "act", **{sent: "x"})]})
    assert where.done == []
    assert report.status == "failed"


@promise("names-by-evidence")
async def test_two_spellings_of_one_argument_are_not_both_given_its_name() -> None:
    where = world(calendar())
    steps = [step("e", "create_event", title="R", startDate="2031-03-12", StartDate="2031-03-13")]
    report = await carried_out(where, {"steps": steps})
    assert report.status == "failed"
    assert where.done == []


# dropped arguments


@promise("nothing-restricting-is-dropped")
@pytest.mark.parametrize(
    "extra",
    ["dry_run", "confirm", "filter", "limit", "scope", "if_match", "max_items", "only_unread", "branch", "version"],
)
async def test_what_could_restrict_a_plans_call_is_never_left_out(extra: str) -> None:
    where = world(files("plain"))
    report = await carried_out(where, {"steps": [step("w", "write_file", path="p", content="c", **{extra: "x"})]})
    assert report.status == "failed"
    assert where.done == []
    assert "drop_argument" not in ops(report)


@promise("nothing-restricting-is-dropped")
@pytest.mark.parametrize("style", STYLES)
async def test_an_argument_that_the_upstream_refuses_and_that_says_nothing_may_go(style: Style) -> None:
    where = world(shop(style))
    report = await carried_out(
        where, {"steps": [step("p", "get_product", sku="can-05", thoughts="the user wants a can")]}
    )
    assert report.status == "repaired", report.problems
    assert ops(report) == ["drop_argument"]
    assert report.repairs[0].before == {"/thoughts": "the user wants a can"}
    assert done(where, "get_product") == [{"sku": "can-05"}]


# wrappers


@promise("wrappers-are-opened")
@pytest.mark.parametrize(
    "arguments",
    [
        {"arguments": {"ticket_id": "T-7", "user_id": "u-1"}},
        {"params": {"ticket_id": "T-7", "user_id": "u-1"}},
        {"input": '{"ticket_id": "T-7", "user_id": "u-1"}'},
        '{"ticket_id": "T-7", "user_id": "u-1"}',
        '"{\\"ticket_id\\": \\"T-7\\", \\"user_id\\": \\"u-1\\"}"',
        "{'ticket_id': 'T-7', 'user_id': 'u-1'}",
        [{"ticket_id": "T-7", "user_id": "u-1"}],
    ],
    ids=repr,
)
async def test_wrapped_arguments_are_opened_before_anything_is_sent(arguments: Any) -> None:
    where = world(tickets())
    report = await carried_out(where, {"steps": [{"id": "a", "tool": "assign_ticket", "arguments": arguments}]})
    assert report.status == "repaired", report.problems
    assert ops(report) == ["unwrap_value"]
    assert where.sent == [("tickets", "assign_ticket", {"ticket_id": "T-7", "user_id": "u-1"})]


@promise("wrappers-are-opened")
async def test_arguments_are_put_into_the_object_that_the_tool_requires() -> None:
    inner = {"type": "object", "properties": {"to": TEXT, "text": TEXT}, "required": ["to", "text"]}
    where = world(Server("post").tool("draft", lambda request: {"drafted": request}, "write", request=inner))
    report = await carried_out(where, {"steps": [step("d", "draft", to="Ada", text="hello")]})
    assert report.status == "repaired", report.problems
    assert where.sent == [("post", "draft", {"request": {"to": "Ada", "text": "hello"}})]


# several faults at once


@promise("references-are-repaired", "names-by-evidence", "effects-once")
@pytest.mark.parametrize("style", STYLES[:3])
async def test_a_plan_with_a_fault_in_every_step_ends_right(style: Style) -> None:
    where, client = world(shop(style), tickets(style)), Person()
    steps = [
        step("find", "shop.searchProducts", Query="hose", max_price="50"),
        step("cart", "openCart", Customer="Grace"),
        step("fill", "add_to_cart", cart_id=ref("cart", "cart_id"), sku=ref("find", "product.0.sku"), quantity="two"),
        step("order", "place_order", ["fill"], cartId=ref("cart", "cart.id")),
        step("note", "create_ticket", title="{{order.order.id}} for Grace", priority="URGENT", labels="garden"),
    ]
    plan = {"goal": "order two hoses", "steps": steps, "output": ref("note", "ticket.title")}
    report = await carried_out(where, plan, client=client)
    assert report.status == "repaired", report.problems
    assert report.output == "o-c-1-f7-k9 for Grace"
    assert where.done == [
        ("search_products", {"query": "hose", "max_price": 50}),
        ("open_cart", {"customer": "Grace"}),
        ("add_to_cart", {"cart_id": "c-1-f7", "sku": "hose-30", "quantity": 2}),
        ("place_order", {"cart_id": "c-1-f7"}),
        ("create_ticket", {"title": "o-c-1-f7-k9 for Grace", "priority": "urgent", "labels": ["garden"]}),
    ]
    assert {repair.step for repair in report.repairs} == {"find", "cart", "fill", "order", "note", "output"}


# ties


@promise("abstains")
@pytest.mark.parametrize(("effect", "tried"), [("read", 2), ("write", 0)])
async def test_of_two_equally_near_tools_neither_is_claimed_nor_called_where_it_could_do_something(
    effect: str, tried: int
) -> None:
    server = Server("shop").tool("get_product_a", lambda sku: {"sku": sku}, effect, sku=TEXT)
    where = world(server.tool("get_product_b", lambda sku: {"price": len(sku)}, effect, sku=TEXT))
    report = await carried_out(where, {"steps": [step("p", "get_product_c", sku="x")]})
    assert report.status == "failed"
    assert len(where.sent) == len(report.alternatives) == tried
    (problem,) = report.problems
    assert problem.kind == "unknown_tool"
    assert ["get_product_a" in each or "get_product_b" in each for each in problem.candidates or []] == [True, True]


@promise("abstains", "references-are-repaired")
async def test_of_two_equally_near_values_neither_is_claimed() -> None:
    server = Server("house").tool("rooms", lambda: {"north_room": "N1", "south_room": "S1"})
    where = world(server.tool("look_into", lambda room: {"seen": room}, room=TEXT))
    report = await carried_out(where, {"steps": [step("r", "rooms"), step("l", "look_into", room=ref("r", "room"))]})
    assert report.status == "failed"
    assert [one.output for one in report.alternatives] == [{"seen": "N1"}, {"seen": "S1"}]
    assert [problem.kind for problem in report.problems] == ["wrong_reference_path"]
