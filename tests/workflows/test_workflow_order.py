"""In which order `run_workflow` sends steps, and what it sends first."""

# pyright: basic
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import pytest

from schemas.trial import Reply
from tests.desks import sent_tools
from tests.fakes import (
    INTEGER,
    Server,
    carried_out,
    configured,
    ref,
    step,
    succeeded,
    world,
)
from tests.promises import promise
from tests.scenarios.worlds import files, shop, tickets, units

# order


def meeting(count: int) -> tuple[Callable[..., Any], list[int]]:
    """Holds calls until `count` of them are there at once; the list holds how many were in flight."""
    there, full, seen = [0], anyio.Event(), list[int]()

    async def between(tool: Any, params: Any, answer: Callable[[], Reply]) -> Reply:
        del tool, params
        there[0] += 1
        seen.append(there[0])
        if there[0] >= count:
            full.set()
        with anyio.move_on_after(0.2 if count > 9 else 5):
            await full.wait()
        reply = answer()
        there[0] -= 1
        return reply

    return between, seen


@promise("order-is-kept")
async def test_reads_run_side_by_side() -> None:
    between, seen = meeting(3)
    where = world(shop(), units(), between=between)
    steps = [
        step("a", "get_product", sku="can-05"),
        step("b", "search_products", query="hose"),
        step("c", "list_units"),
    ]
    assert (await carried_out(where, {"steps": steps})).status == "succeeded"
    assert max(seen) == 3


@promise("order-is-kept")
async def test_effects_keep_their_order_over_all_servers() -> None:
    between, seen = meeting(99)
    where = world(shop(), tickets(), files(), between=between)
    steps = [
        step("a", "open_cart", customer="Ada"),
        step("b", "create_ticket", title="t"),
        step("c", "write_file", path="p", content="c"),
    ]
    assert (await carried_out(where, {"steps": steps})).status == "succeeded"
    assert sent_tools(where) == ["open_cart", "create_ticket", "write_file"]
    assert max(seen) == 1


@promise("order-is-kept")
async def test_an_effect_does_not_run_after_an_effect_that_failed() -> None:
    where = world(shop(), files())
    steps = [step("a", "place_order", cart_id="none"), step("b", "write_file", path="p", content="ordered")]
    report = await carried_out(where, {"steps": steps})
    assert report.status == "failed"
    assert where.done == []
    assert sent_tools(where) == ["place_order"]
    assert {problem.step for problem in report.problems} >= {"a"}


@promise("order-is-kept")
async def test_references_beat_the_list() -> None:
    where = world(shop())
    steps = [
        step("fill", "add_to_cart", cart_id=ref("cart", "cart.id"), sku="can-05", quantity=2),
        step("cart", "open_cart", customer="Grace"),
    ]
    report = await carried_out(where, {"steps": steps})
    assert report.status == "succeeded"
    assert sent_tools(where) == ["open_cart", "add_to_cart"]
    assert report.output == {"total": 24.5}


@promise("order-is-kept")
async def test_a_step_waits_for_what_it_comes_after() -> None:
    where = world(shop())
    steps = [step("b", "get_product", ["a"], sku="can-05"), step("a", "get_product", sku="rake-12")]
    await carried_out(where, {"steps": steps})
    assert [arguments["sku"] for _, _, arguments in where.sent] == ["rake-12", "can-05"]


# first sending


@promise("sent-as-written-first")
async def test_what_could_be_accepted_is_sent_as_it_is_written() -> None:
    """A number as text breaks the schema, yet only the upstream can say that it does not take it."""
    loose = Server("loose").tool("sum_up", lambda n: {"n": n}, n={"description": "a number"})
    strict = shop()
    steps = [step("a", "sum_up", n="4"), step("c", "open_cart", customer="Ada"),
             step("f", "add_to_cart", cart_id=ref("c", "cart.id"), sku="can-05", quantity="2")]  # fmt: skip
    where = world(loose, strict)
    report = await carried_out(where, {"steps": steps})
    assert report.status == "repaired"
    assert [arguments for _, tool, arguments in where.sent if tool == "sum_up"] == [{"n": "4"}]
    assert [arguments["quantity"] for _, tool, arguments in where.sent if tool == "add_to_cart"] == ["2", 2]


@promise("accepted-is-never-changed")
async def test_a_server_that_takes_more_than_its_schema_says_gets_what_was_written() -> None:
    server = Server("lax")
    server.tool("store", lambda **given: {"stored": given}, "write", amount=INTEGER)
    server.answer = lambda name, arguments: succeeded({"stored": arguments})
    where = world(server)
    report = await carried_out(where, {"steps": [step("a", "store", amount="twelve", colour="red")]})
    assert report.status == "succeeded"
    assert where.sent == [("lax", "store", {"amount": "twelve", "colour": "red"})]
    assert report.repairs == []


@promise("sent-as-written-first")
async def test_what_cannot_be_sent_is_edited_first() -> None:
    where = world(shop())
    steps = [
        step("find", "search_product", query="rake"),
        {"id": "cart", "tool": "open_cart", "arguments": '{"customer": "Ada"}'},
        step("fill", "add_to_cart", cart_id=ref("cart", "cart.id"), sku=ref("find", "products.0.sku"), Quantity=1),
    ]
    report = await carried_out(where, {"steps": steps})
    assert report.status == "repaired"
    assert len(where.sent) == 3
    assert [repair.op for repair in report.repairs] == ["swap_tool", "unwrap_value", "rename_argument"]


@promise("swaps-within-policy", "waits-for-upstreams")
@pytest.mark.parametrize("named", [{"server": "depot", "tool": "get_product"}, {"tool": "depot__get_product"}])
async def test_an_upstream_that_never_came_is_no_reason_to_ask_another(named: dict[str, str]) -> None:
    where = world(shop(), units())
    config = configured(upstreams={name: {"command": "x"} for name in ("shop", "units", "depot")})
    steps = [step("u", "list_units"), {"id": "p", "arguments": {"sku": "can-05"}, **named}]
    report = await carried_out(where, {"steps": steps}, config=config)
    assert report.status == "failed"
    assert [(problem.kind, problem.step) for problem in report.problems] == [("upstream_down", "p")]
    assert "depot lists no tools at present" in report.problems[0].message
    assert [name for _, name, _ in where.sent] == ["list_units"]


@promise("waits-for-upstreams")
async def test_an_upstream_that_is_still_connecting_is_waited_for() -> None:
    where = world(units())
    where.late["shop"] = shop()
    config = configured(upstreams={"units": {"command": "u"}, "shop": {"command": "s"}})
    steps = [step("u", "list_units"), step("p", "get_product", sku="can-05")]
    report = await carried_out(where, {"steps": steps}, config=config)
    assert report.status == "succeeded"
    assert "shop" in where.waited
