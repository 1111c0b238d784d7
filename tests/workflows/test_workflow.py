"""What `run_workflow` does, from submission to report."""

# pyright: basic
from __future__ import annotations

import json
from typing import Any

import pytest

from tests.fakes import (
    INTEGER,
    Book,
    Person,
    Server,
    carried_out,
    ref,
    step,
    world,
)
from tests.promises import promise
from tests.scenarios.worlds import files, shop, tickets, units

# references, resolution, interpolation


@promise("refs-resolve")
async def test_references_stand_anywhere_in_arguments_and_output() -> None:
    where = world(shop(), tickets())
    steps = [
        step("find", "search_products", query="rake"),
        step(
            "ticket",
            "create_ticket",
            title="x",
            labels=[ref("find", "products.-1.sku"), ref("find", "/products/0/title"), "y"],
        ),
    ]
    output = {
        "all": [ref("find", "count"), {"title": ref("find", "/products/0/title"), "labels": ref("ticket", "labels")}]
    }
    report = await carried_out(where, {"steps": steps, "output": output})
    assert report.status == "succeeded"
    assert report.repairs == []
    assert report.normalised == []
    assert report.output == {"all": [1, {"title": "Leaf rake", "labels": ["rake-12", "Leaf rake", "y"]}]}


@promise("refs-resolve")
async def test_json_inside_a_text_result_can_be_referred_to() -> None:
    where = world(files(), units())
    steps = [
        step("file", "read_file", path="report.json"),
        step("inch", "convert_length", value=ref("file", "rows.1.n"), from_unit="meter", to_unit="inch"),
    ]
    report = await carried_out(where, {"steps": steps})
    assert report.status == "succeeded"
    assert where.sent[-1][2]["value"] == 9


@promise("refs-resolve")
async def test_a_text_that_is_no_json_is_its_own_value() -> None:
    where = world(files())
    steps = [step("file", "read_file", path="notes/todo.md"), step("copy", "write_file", path="b", content=ref("file"))]
    report = await carried_out(where, {"steps": steps})
    assert report.status == "succeeded"
    assert where.sent[-1][2]["content"] == "buy paint\ncall Ada"


@promise("refs-resolve")
async def test_a_lone_result_is_opened_where_no_object_fits_and_that_is_no_repair() -> None:
    where = world(units())
    steps = [
        step("r", "round_number", number=2.71828, digits=1),
        step("c", "convert_length", value=ref("r"), from_unit="meter", to_unit="centimeter"),
    ]
    report = await carried_out(where, {"steps": steps})
    assert report.status == "succeeded"
    assert report.repairs == []
    assert where.sent[-1][2]["value"] == 2.7


@promise("refs-resolve")
async def test_a_key_with_a_dot_is_found_before_a_path_through_it() -> None:
    server = Server("odd").tool("keys", lambda: {"a.b": 1, "a": {"b": 2}}).tool("echo", lambda n: {"n": n}, n=INTEGER)
    report = await carried_out(world(server), {"steps": [step("k", "keys"), step("e", "echo", n=ref("k", "a.b"))]})
    assert report.output == {"n": 1}


@promise("literals-stay-literal")
async def test_prices_and_schemas_are_sent_as_they_are() -> None:
    server = Server("any").tool("keep", lambda v: {"kept": v}, v={})
    for value in ("$4", {"$ref": "#/$defs/A"}, "{{nobody.name}}", {"$ref": "a", "extra": 1}):
        report = await carried_out(world(server), {"steps": [step("a", "keep", v=1), step("b", "keep", v=value)]})
        assert report.status == "succeeded"
        assert report.output["b"] == {"kept": value}
        assert report.normalised == []


@promise("interpolation-is-grounded")
async def test_texts_are_filled_in_in_arguments_and_in_output() -> None:
    where = world(units(), tickets())
    steps = [
        step("h", "convert_length", value=70, from_unit="inch", to_unit="centimeter"),
        step("t", "create_ticket", title="{{h.converted_value}} cm tall"),
    ]
    report = await carried_out(where, {"steps": steps, "output": "{{t.title}} ({{ t.ticket_id }})"})
    assert report.status == "succeeded"
    assert report.output == "177.8 cm tall (T-104)"


# dialects, default output


@promise("dialects-are-spelling")
async def test_a_plan_in_another_dialect_succeeds_without_repair() -> None:
    where = world(units())
    plan = [
        {"id": "E1", "name": "units.convert_length", "args": {"value": 2, "from_unit": "foot", "to_unit": "inch"}},
        {"id": "E2", "function": "mcp__units__round_number", "input": {"number": "$E1.converted_value", "digits": 0},
         "depends_on": ["E1"]},
    ]  # fmt: skip
    report = await carried_out(where, plan)
    assert report.status == "succeeded"
    assert report.repairs == []
    assert {note.rule for note in report.normalised} == {"bare_list", "step_key", "reference", "tool_name"}
    assert report.output == {"result": 24.0}


@promise("default-output")
async def test_the_final_steps_result_is_the_output_and_several_are_told_by_id() -> None:
    where = world(shop())
    chain = [step("a", "search_products", query="hose"), step("b", "get_product", sku=ref("a", "products.0.sku"))]
    assert (await carried_out(where, {"steps": chain})).output["product"]["title"] == "Garden hose"
    both = [*chain, step("c", "get_product", sku="can-05")]
    assert set((await carried_out(where, {"steps": both})).output) == {"b", "c"}


# the report


@promise("report-fields", "grounded-report")
async def test_a_report_has_its_documented_fields() -> None:
    where, book, client = world(shop()), Book(), Person()
    steps = [
        step("find", "search_products", query="hose"),
        step("cart", "open_cart", customer="Ada"),
        step("fill", "add_to_cart", cart_id=ref("cart", "cart.id"), sku=ref("find", "products.0.sku"), quantity="3"),
    ]
    report = await carried_out(where, {"steps": steps, "seed": 5}, book=book, client=client)
    written = json.loads(json.dumps(report.model_dump(mode="json")))
    assert set(written) == {
        "status", "output", "steps", "repairs", "normalised", "problems", "score", "search", "alternatives",
        "uncovered", "plan", "repair_id",
    }  # fmt: skip
    assert report.status == "repaired"
    assert report.problems == []
    assert [each.id for each in report.steps] == ["find", "cart", "fill"]
    assert [each.effect for each in report.steps] == ["read", "write", "write"]
    fill = report.steps[2]
    assert (fill.server, fill.tool, fill.ok, fill.result) == ("shop", "add_to_cart", True, {"total": 126.0})
    assert fill.arguments == {"cart_id": "c-1-f7", "sku": "hose-30", "quantity": 3}
    for each in report.steps:
        record = book.calls[each.call_id or ""]
        assert (record.step, record.tool, record.arguments) == (each.id, each.tool, each.arguments)
        assert record.repair_id == report.repair_id
    (repair,) = written["repairs"]
    assert set(repair) == {"op", "step", "before", "after", "rule", "evidence", "confidence"}
    assert (repair["op"], repair["step"], repair["confidence"]) == ("coerce_argument", "fill", "lossless")
    assert (repair["before"], repair["after"]) == ({"/quantity": "3"}, {"/quantity": 3})
    assert report.search.upstream_calls == len(where.sent) == 4
    assert report.search.seed == 5
    assert report.search.stop == "Every step succeeded."
    assert report.search.candidates == 2
    assert all(0 <= value <= 1 for value in written["score"].values())
    assert book.runs[report.repair_id].report == written


@promise("resubmittable")
async def test_the_reported_plan_runs_again_without_repair() -> None:
    steps = [
        step("find", "searchProducts", Query="hose"),
        step("cart", "open_cart", customer="Ada"),
        step(
            "fill", "add_to_cart", cart_id=ref("cart", "cart_id"), sku=ref("find", "products.0.sku"), quantity="three"
        ),
    ]
    first = await carried_out(world(shop()), {"goal": "three hoses for Ada", "steps": steps})
    again = await carried_out(world(shop()), first.plan)
    assert (first.status, again.status) == ("repaired", "succeeded"), first.problems
    assert again.repairs == []
    assert again.normalised == []
    assert again.output == first.output
    assert again.plan == first.plan


@promise("told-while-it-runs")
async def test_progress_tells_generation_score_and_failing_step() -> None:
    client = Person()
    steps = [
        step("cart", "open_cart", customer="Ada"),
        step("fill", "add_to_cart", sku="can-05", quantity="2", cart_id="c-1-f7"),
    ]
    await carried_out(world(shop()), {"steps": steps}, client=client)
    assert len(client.told) == 2
    assert "generation 0" in client.told[0]
    assert "fill" in client.told[0]
    assert "generation 1" in client.told[1]
    assert "fill" not in client.told[1]


@promise("all-faults-at-once")
async def test_a_malformed_plan_reports_every_problem_and_sends_nothing() -> None:
    where, book = world(shop()), Book()
    steps = [step("a", "get_product", sku=ref("nobody", "x")), {"id": "b"}, step("c", "no_such_thing_at_all", x=1)]
    report = await carried_out(where, {"steps": steps, "mode": "quick", "colour": "red"}, book=book)
    assert report.status == "failed"
    assert report.search.stop == "The plan could not be read."
    assert {problem.step for problem in report.problems} >= {"steps[1]", "mode", "colour", "a", "c"}
    assert where.sent == []
    assert book.runs[report.repair_id].status == "failed"


@promise("all-faults-at-once")
@pytest.mark.parametrize("raw", [None, "plan", 3, {}, {"steps": []}, {"steps": 4}, [None], {"goal": "x"}], ids=repr)
async def test_whatever_is_submitted_gets_a_report(raw: Any) -> None:
    where = world(shop())
    report = await carried_out(where, raw)
    assert report.status == "failed"
    assert report.problems
    assert where.sent == []
