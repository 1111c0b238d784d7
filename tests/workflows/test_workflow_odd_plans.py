"""Whatever a plan holds, it ends in a report that can be written down, and never in an exception of ours."""

# pyright: basic
from __future__ import annotations

import json
from typing import Any

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proxy.repair.edits import Inapplicable, apply
from proxy.workflows.workflow import Workflow
from schemas.config import Config
from tests.fakes import INTEGER, TEXT, Book, Person, Server, carried_out, ref, step, world
from tests.promises import promise
from tests.scenarios.worlds import shop, tickets, units, weather

IDS = st.sampled_from(["", "a", "b", "output", ".", "a.b", "é", "s1", "$a", "0", "a b", "a" * 300])
PATHS = st.sampled_from(["", "x", "items.0", "-1", "a..b", "/a/b", "[0]", "*", "product.sku", "\u0000", "0" * 50])
REFS = st.builds(lambda step, path: {"$ref": step, "path": path}, IDS, PATHS)
VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=8),
        REFS,
        IDS.map(lambda name: "{{" + name + ".x}}"),
        st.just(10**400),
        st.just("$a.x"),
        st.just("<a>"),
        st.just("TBD"),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["sku", "query", "x", "$ref", ""]), inner, max_size=3),
    ),
    max_leaves=6,
)
TOOLS = st.sampled_from(
    [
        "get_product",
        "search_products",
        "getProduct",
        "get_produkt",
        "open_cart",
        "place_order",
        "nothing",
        "",
        "shop__get_product",
        "evil.get_product",
        "round_number",
        "forecast",
    ]
)
STEPS = st.fixed_dictionaries(
    {"id": IDS, "tool": TOOLS, "arguments": VALUES},
    optional={
        "server": st.sampled_from(["shop", "nowhere", ""]),
        "after": st.lists(IDS, max_size=2),
        "map": st.sampled_from(["sku", "x"]),
        "expect": st.sampled_from([{"type": "object"}, {"type": "nonsense"}, {"pattern": "("}, {"$ref": "#/x"}]),
    },
)
PLANS = st.fixed_dictionaries(
    {"steps": st.lists(STEPS, min_size=1, max_size=4)},
    optional={
        "output": VALUES,
        "goal": st.text(max_size=20),
        "mode": st.sampled_from(["auto", "suggest", "off"]),
        "seed": st.integers(0, 9),
    },
)


@promise("every-plan-has-a-report")
@settings(deadline=None, max_examples=250, suppress_health_check=[HealthCheck.too_slow])
@given(PLANS)
def test_an_odd_plan_ends_in_a_report(plan: Any) -> None:
    book = Book()

    async def run() -> Any:
        with anyio.fail_after(30):
            return await Workflow(Config(), world(shop(), units(), weather()), book).run(plan, Person())

    report = anyio.run(run)
    written = report.model_dump(mode="json")
    json.dumps(written)
    for record in (*book.calls.values(), *book.runs.values()):
        json.dumps(record.__dict__, default=lambda value: value.__dict__)
    assert "fault" not in [problem.kind for problem in report.problems], report.problems
    assert (report.status == "failed") is bool(report.problems) or report.status == "suggested"


@promise("every-plan-has-a-report")
async def test_an_unknown_tool_with_references_in_a_list_is_told_of() -> None:
    steps = [step("a", "get_product", sku="nope"), step("b", "no_such_thing", items=[ref("a", "x"), [ref("a")]])]
    report = await carried_out(world(shop()), {"steps": steps, "output": [ref("b")]})
    assert report.status == "failed"
    json.dumps(report.model_dump(mode="json"))


@promise("every-plan-has-a-report")
async def test_a_lone_surrogate_in_a_name_or_a_result_is_written_as_its_escape() -> None:
    odd = "tide\ud800"
    server = Server("sea").tool(odd, lambda **_: {odd: [odd]}, closed=False).tool("show", lambda **_: odd, n=INTEGER)
    steps = [step("a", odd, n=1), step("b", "show", n="1"), step("c", f"{odd}s", n=odd)]
    report = await carried_out(world(server), {"goal": odd, "steps": steps, "output": ref("a")})
    json.dumps(report.written(), ensure_ascii=False).encode()
    assert "fault" not in [problem.kind for problem in report.problems]
    assert report.written()["steps"][0]["result"] == {"tide\\ud800": ["tide\\ud800"]}


@promise("every-plan-has-a-report")
@pytest.mark.parametrize("output", [None, ref("output", "product.title"), {"x": ref("gone", "y")}])
async def test_a_step_called_output_is_a_step(output: Any) -> None:
    steps = [step("output", "get_product", SKU="can-05")]
    report = await carried_out(world(shop()), {"steps": steps, "output": output})
    assert [each.ok for each in report.steps] == [True]
    assert (report.status == "repaired") is (output is None or "x" not in output)
    assert report.plan["steps"][0]["arguments"] == {"sku": "can-05"}


BROKEN = st.sampled_from(
    [
        step("a", "getProduct", SKU="can-05"),
        step("a", "search_product", query="hose", max_price="50"),
        step("b", "create_ticket", title="x", priority="URGENT", labels="garden"),
        step("c", "openCart", customer_name="Ada"),
        step("d", "get_product", sku=ref("a", "product.0.sku")),
        step("e", "get_product", sku=ref("z", "sku")),
        step("f", "add_to_cart", cart_id=ref("c", "id"), sku="can-05", quantity="two"),
        step("a", "get_product", sku="can-05"),
    ]
)


@promise("repairs-explain-the-plan")
@settings(deadline=None, max_examples=80)
@given(st.lists(BROKEN, min_size=1, max_size=4), st.sampled_from([None, ref("a", "prodct.sku"), {"t": ref("b", "id")}]))
def test_the_listed_repairs_turn_the_submitted_plan_into_the_final_one(steps: Any, output: Any) -> None:
    lineages: list[Any] = []

    async def run() -> Any:
        workflow = Workflow(Config(), world(shop(), tickets()), Book())
        carry_out = workflow._carry_out

        async def watched(run: Any) -> Any:
            told, best, tried = await carry_out(run)
            lineages.append((run.plan, best))
            return told, best, tried

        workflow._carry_out = watched  # type: ignore[method-assign]
        return await workflow.run({"steps": steps, "output": output}, Person())

    report = anyio.run(run)
    submitted, best = lineages[0]
    edits = [edit for proposal in best.lineage for edit in proposal.edits]
    final = apply(submitted, edits)
    assert not isinstance(final, Inapplicable)
    assert final.json() == report.plan
    assert len(report.repairs) == len(edits)


@promise("every-plan-has-a-report")
@pytest.mark.parametrize("tool", ["get_produkt", "get_products_now", "fetch_product", "xyz"])
async def test_lists_of_references_without_a_value_weigh_nothing(tool: str) -> None:
    steps = [step("a", "get_product", sku="nope"), step("b", tool, sku=[ref("a", "x"), ref("a", "y")], n=[[ref("a")]])]
    report = await carried_out(world(shop()), {"steps": steps})
    assert (report.status, "fault" in [problem.kind for problem in report.problems]) == ("failed", False)


@promise("silent-failures-are-seen")
@pytest.mark.parametrize(("argument", "status"), [("day", "succeeded"), ("Day", "failed")])
async def test_a_result_that_names_an_error_is_an_answer_but_no_success_of_a_repair(argument: str, status: str) -> None:
    said = {"booking_status": False, "error": "no such day"}
    where = world(Server("inn").tool("book", lambda day: said, "write", day=TEXT))
    plan = {"steps": [{"id": "b", "tool": "book", "arguments": {argument: "x"}}]}
    report = await carried_out(where, plan)
    assert (report.status, [each.ok for each in report.steps], report.steps[0].result) == (status, [True], said)
