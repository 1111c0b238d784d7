"""References to wrong places, wrong steps and wholes: led to what steps really returned, or left."""

# pyright: basic
from __future__ import annotations

import pytest

from tests.desks import done, ops
from tests.fakes import (
    carried_out,
    reading,
    ref,
    step,
    world,
)
from tests.promises import promise
from tests.scenarios.worlds import files, shop, tickets, units, weather

# references


@promise("references-are-repaired")
@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("cart_id", "cart.id"),
        ("id", "cart.id"),
        ("cart.cart_id", "cart.id"),
        ("result.cart.id", "cart.id"),
        ("Cart.ID", "cart.id"),
        ("cart[0].id", "cart.id"),
        ("", "cart.id"),
        ("cart", "cart.id"),
    ],
)
async def test_a_path_that_leads_nowhere_is_led_to_the_value_it_meant(path: str, meant: str) -> None:
    where = world(shop())
    steps = [
        step("cart", "open_cart", customer="Ada"),
        step("fill", "add_to_cart", cart_id=ref("cart", path), sku="can-05", quantity=1),
    ]
    report = await carried_out(where, {"steps": steps})
    assert report.status == "repaired", report.problems
    assert report.plan["steps"][1]["arguments"]["cart_id"] == {"$ref": "cart", "path": meant}
    assert len(where.done) == 2


@promise("references-are-repaired")
@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("days.0.rain", "days.0.rain_mm"),
        ("days.-1.rain", "days.2.rain_mm"),
        ("forecast.days.1.rain_mm", "days.1.rain_mm"),
        ("days.5.rain_mm", None),
    ],
)
async def test_an_index_is_kept_and_never_invented(path: str, meant: str | None) -> None:
    where = world(weather(), units())
    steps = [
        step("w", "forecast", place="Oslo", days=3),
        step("c", "convert_length", value=ref("w", path), from_unit="meter", to_unit="inch"),
    ]
    report = await carried_out(where, {"steps": steps})
    if meant is not None:
        assert report.status == "repaired", report.problems
        assert report.plan["steps"][1]["arguments"]["value"] == {"$ref": "w", "path": meant}
    else:
        assert report.status == "failed"
        assert [tool for _, tool, _ in where.sent] == ["forecast"]


@promise("references-are-repaired")
async def test_a_reference_to_the_wrong_step_goes_to_the_one_that_has_the_value() -> None:
    where = world(shop())
    steps = [
        step("find", "search_products", query="hose"),
        step("cart", "open_cart", customer="Ada"),
        step("fill", "add_to_cart", cart_id=ref("find", "cart.id"), sku=ref("find", "products.0.sku"), quantity=1),
    ]
    report = await carried_out(where, {"steps": steps})
    assert report.status == "repaired", report.problems
    assert report.plan["steps"][2]["arguments"]["cart_id"] == {"$ref": "cart", "path": "cart.id"}


@promise("references-are-repaired")
async def test_a_reference_to_a_misspelt_step_is_bound_to_it() -> None:
    where = world(shop())
    steps = [
        step("open_cart", "open_cart", customer="Ada"),
        step("fill", "add_to_cart", cart_id=ref("opencart", "cart.id"), sku="can-05", quantity=1),
    ]
    report = await carried_out(where, {"steps": steps})
    assert report.status == "repaired", report.problems
    assert report.plan["steps"][1]["arguments"]["cart_id"] == {"$ref": "open_cart", "path": "cart.id"}


@promise("references-are-repaired", "abstains")
async def test_a_reference_to_a_step_that_nothing_resembles_is_left() -> None:
    where = world(shop())
    steps = [step("find", "search_products", query="hose"), step("p", "get_product", sku=ref("warehouse", "shelf"))]
    report = await carried_out(where, {"steps": steps})
    assert report.status == "failed"
    assert "dangling_dependency" in [problem.kind for problem in report.problems]
    assert [tool for _, tool, _ in where.sent] == ["search_products"]


@promise("references-are-repaired")
async def test_a_cycle_is_broken_at_the_reference_that_cannot_have_been_meant() -> None:
    where = world(shop())
    steps = [
        step("cart", "open_cart", customer="Ada"),
        step("fill", "add_to_cart", cart_id=ref("order", "cart_id"), sku="can-05", quantity=1),
        step("order", "place_order", ["fill"], cart_id=ref("cart", "cart.id")),
    ]
    report = await carried_out(where, {"steps": steps})
    assert report.status == "failed", "a write takes no guess"
    assert len(where.done) == 1
    where = reading(shop(), "add_to_cart", "place_order")
    report = await carried_out(where, {"steps": steps})
    assert report.plan["steps"][1]["arguments"]["cart_id"] == {"$ref": "cart", "path": "cart.id"}
    assert len(where.done) == 3


@promise("references-are-repaired")
async def test_a_cycle_that_nothing_breaks_is_told_and_its_steps_are_not_sent() -> None:
    where = world(units())
    steps = [
        step("a", "round_number", number=ref("b"), digits=1),
        step("b", "round_number", number=ref("a"), digits=2),
        step("c", "list_units"),
    ]
    report = await carried_out(where, {"steps": steps})
    assert report.status == "failed"
    assert [(problem.step, problem.kind) for problem in report.problems] == [
        ("a", "cyclic_dependency"), ("b", "cyclic_dependency"),
    ]  # fmt: skip
    assert [tool for _, tool, _ in where.sent] == ["list_units"]


@promise("references-are-repaired")
@pytest.mark.parametrize(
    "text",
    [
        *("<cart_id>", "{cart_id}", "[cart_id from cart]", "TBD", "RESULT_FROM_CART", "<result of open_cart>"),
        *("cart.cart.id", "#cart.cart.id", "steps.cart.output.cart.id", "<cart.cart.id>"),
    ],
)
async def test_a_placeholder_is_filled_from_the_result_it_speaks_of(text: str) -> None:
    where = reading(shop(), "add_to_cart")
    steps = [
        step("cart", "open_cart", customer="Ada"),
        step("fill", "add_to_cart", cart_id=text, sku="can-05", quantity=1),
    ]
    report = await carried_out(where, {"steps": steps})
    assert report.status == "repaired", report.problems
    assert done(where, "add_to_cart") == [{"cart_id": "c-1-f7", "sku": "can-05", "quantity": 1}]


@promise("references-are-repaired")
async def test_a_list_where_one_item_is_wanted_is_mapped_over_or_left() -> None:
    where = world(weather())
    steps = [step("places", "list_places"), step("w", "forecast", place=ref("places", "places"))]
    report = await carried_out(where, {"steps": steps})
    assert report.status == "repaired", report.problems
    assert ops(report) == ["map_step"]
    assert [arguments["place"] for arguments in done(where, "forecast")] == ["Oslo", "Bergen"]


@promise("references-are-repaired")
async def test_a_list_of_one_is_opened() -> None:
    where = world(files("jsonschema"))
    steps = [step("l", "list_files", folder="report"), step("f", "read_file", path=ref("l", "result"))]
    report = await carried_out(where, {"steps": steps})
    assert report.status == "repaired", report.problems
    assert done(where, "read_file") == [{"path": "report.json"}]


@promise("references-are-repaired")
async def test_a_wrong_path_in_the_output_is_repaired_without_sending_anything_more() -> None:
    where = world(shop())
    plan = {"steps": [step("p", "get_product", sku="can-05")], "output": {"costs": ref("p", "product.prize")}}
    report = await carried_out(where, plan)
    assert report.status == "repaired", report.problems
    assert report.output == {"costs": 12.25}
    assert len(where.sent) == 1


@promise("references-are-repaired", "fidelity-costs")
async def test_an_object_is_not_written_as_text_to_make_it_fit() -> None:
    where = world(tickets(), shop())
    steps = [
        step("p", "get_product", sku="can-05"),
        step("a", "assign_ticket", ticket_id="T-7", user_id=ref("p", "product")),
    ]
    report = await carried_out(where, {"steps": steps})
    assert not any("{" in str(arguments.get("user_id")) for arguments in done(where, "assign_ticket"))
    assert report.status == "failed"
