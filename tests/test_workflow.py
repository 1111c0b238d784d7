"""What `run_workflow` does, from submission to report."""

# pyright: basic
from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import anyio
import pytest

from proxy.workflow import Workflow
from schemas.config import Config
from schemas.report import Report
from schemas.trial import Lost, Reply
from tests.fakes import (
    INTEGER,
    TEXT,
    Book,
    FaultError,
    Person,
    RefusedError,
    Server,
    World,
    carried_out,
    configured,
    failed,
    ref,
    step,
    succeeded,
    world,
)
from tests.promises import promise
from tests.scenarios.worlds import calendar, files, shop, tickets, units, weather


async def never() -> Reply:
    """An answer that does not come."""
    await anyio.sleep_forever()
    raise AssertionError


def kinds(report: Report) -> list[str]:
    return [problem.kind for problem in report.problems]


def sent_tools(where: World) -> list[str]:
    return [tool for _, tool, _ in where.sent]


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


@promise("waits-for-upstreams")
async def test_an_upstream_that_is_still_connecting_is_waited_for() -> None:
    where = world(units())
    where.late["shop"] = shop()
    config = configured(upstreams={"units": {"command": "u"}, "shop": {"command": "s"}})
    steps = [step("u", "list_units"), step("p", "get_product", sku="can-05")]
    report = await carried_out(where, {"steps": steps}, config=config)
    assert report.status == "succeeded"
    assert "shop" in where.waited


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
        "status", "output", "steps", "repairs", "normalised", "problems", "score", "search", "plan", "repair_id",
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


# modes


BROKEN = [
    step("cart", "open_cart", customer="Ada"),
    step("fill", "add_to_cart", cart_id=ref("cart", "cart.id"), sku="can-05", quantity="2"),
    step("order", "place_order", ["fill"], cart_id=ref("cart", "cart.id")),
]


@promise("modes")
async def test_suggest_proposes_at_the_first_failure_and_sends_nothing_more() -> None:
    where = world(shop())
    report = await carried_out(where, {"steps": BROKEN, "mode": "suggest"})
    assert report.status == "suggested"
    assert sent_tools(where) == ["open_cart", "add_to_cart"]
    assert [(repair.op, repair.step) for repair in report.repairs] == [("coerce_argument", "fill")]
    assert report.plan["steps"][1]["arguments"]["quantity"] == 2
    assert report.search.stop.startswith("Repair is set to suggest")
    again = await carried_out(world(shop()), report.plan)
    assert again.status == "succeeded"


@promise("modes", "off-only-forwards")
async def test_off_only_runs() -> None:
    where = world(shop())
    report = await carried_out(where, {"steps": BROKEN, "mode": "off"})
    assert report.status == "failed"
    assert report.repairs == []
    assert sent_tools(where) == ["open_cart", "add_to_cart"]
    assert report.search.stop.startswith("Repair is off")


@promise("modes")
@pytest.mark.parametrize(
    ("user", "submitted", "status"),
    [
        ("off", "auto", "failed"),
        ("suggest", "auto", "suggested"),
        ("auto", "suggest", "suggested"),
        ("suggest", "off", "failed"),
        ("auto", "auto", "repaired"),
        ("auto", None, "repaired"),
    ],
)
async def test_the_stricter_of_user_and_submission_holds(user: str, submitted: str | None, status: str) -> None:
    plan = {"steps": BROKEN} if submitted is None else {"steps": BROKEN, "mode": submitted}
    assert (await carried_out(world(shop()), plan, config=configured(repair={"mode": user}))).status == status


@promise("modes")
async def test_a_sound_plan_succeeds_in_every_mode() -> None:
    for mode in ("auto", "suggest", "off"):
        report = await carried_out(world(shop()), {"steps": [step("a", "get_product", sku="can-05")], "mode": mode})
        assert (report.status, report.repairs) == ("succeeded", [])


@promise("modes")
async def test_an_upstream_whose_repair_is_off_keeps_its_calls() -> None:
    config = configured(upstreams={"shop": {"command": "s", "repair": "off"}})
    where = world(shop())
    report = await carried_out(where, {"steps": BROKEN}, config=config)
    assert report.status == "failed"
    assert [arguments["quantity"] for _, tool, arguments in where.sent if tool == "add_to_cart"] == ["2"]


# budgets


@promise("budgets-hold")
async def test_no_more_calls_are_sent_than_the_budget_allows() -> None:
    where = world(shop())
    report = await carried_out(where, {"steps": BROKEN, "budget": {"calls": 2}})
    assert len(where.sent) == 2
    assert report.status == "failed"
    assert report.search.stop == "The budget of generations or calls is used up."
    assert report.steps[0].ok


@promise("budgets-hold")
async def test_three_calls_per_step_are_the_default() -> None:
    server = Server("gate").tool("try_key", lambda key: _refuse(f"key '{key}' does not fit"), key=TEXT)
    where = world(server)
    report = await carried_out(where, {"goal": "keys 'a1' 'b2' 'c3' 'd4'", "steps": [step("a", "try_key", key="zz")]})
    assert report.status == "failed"
    assert len(where.sent) <= 3


@promise("budgets-hold")
async def test_no_generation_means_no_search() -> None:
    where = world(shop())
    report = await carried_out(where, {"steps": BROKEN, "budget": {"generations": 0}})
    assert (report.status, report.search.generations, report.repairs) == ("failed", 0, [])


@promise("budgets-hold")
async def test_a_deadline_keeps_the_best_so_far() -> None:
    calls: list[str] = []

    async def between(tool: Any, params: Any, answer: Callable[[], Reply]) -> Reply:
        calls.append(tool.name)
        if tool.name == "place_order":
            await never()
        return answer()

    where = world(shop(), between=between)
    report = await carried_out(where, {"steps": BROKEN, "budget": {"seconds": 0.3}})
    assert report.status == "failed"
    assert report.search.stop == "The time for this run is over."
    assert report.steps[0].result == {"cart": {"id": "c-1-f7", "customer": "Ada"}}
    assert calls.count("place_order") == 1
    assert report.steps[1].arguments["quantity"] == 2
    assert report.steps[1].ok
    assert [repair.step for repair in report.repairs] == ["fill"]
    assert [(p.step, p.kind) for p in report.problems] == [("order", "timed_out"), ("order", "outcome_unknown")]
    assert report.steps[2].call_id


@promise("budgets-hold")
async def test_a_deadline_in_the_first_execution_tells_what_ended_well() -> None:
    async def between(tool: Any, params: Any, answer: Callable[[], Reply]) -> Reply:
        return await never() if tool.name == "place_order" else answer()

    where = world(shop(), between=between)
    sound = [BROKEN[0], step("order", "place_order", cart_id=ref("cart", "cart.id"))]
    report = await carried_out(where, {"steps": sound, "budget": {"seconds": 0.3}})
    assert report.status == "failed"
    assert [each.ok for each in report.steps] == [True, False]
    assert report.output is None
    assert [(p.step, p.kind) for p in report.problems] == [("order", "timed_out"), ("order", "outcome_unknown")]


@promise("budgets-hold", "unknown-outcome-is-said")
@pytest.mark.parametrize("mode", ["auto", "suggest", "off"])
async def test_a_deadline_tells_what_never_ran(mode: str) -> None:
    async def between(tool: Any, params: Any, answer: Callable[[], Reply]) -> Reply:
        return await never() if tool.name == "open_cart" else answer()

    book = Book()
    report = await carried_out(
        world(shop(), between=between), {"steps": BROKEN, "mode": mode, "budget": {"seconds": 0.2}}, book=book
    )
    assert report.status == "failed"
    assert report.search.stop == "The time for this run is over."
    assert {problem.step for problem in report.problems} == {"cart", "fill", "order"}
    assert "outcome_unknown" in kinds(report)
    assert [record.outcome for record in book.calls.values()] == ["unknown"]


@promise("cancelling-stops")
async def test_a_cancelled_run_ends_at_once_and_sends_nothing_more() -> None:
    started, ended = anyio.Event(), list[str]()

    async def between(tool: Any, params: Any, answer: Callable[[], Reply]) -> Reply:
        if tool.name != "add_to_cart":
            return answer()
        started.set()
        try:
            return await never()
        except anyio.get_cancelled_exc_class():
            ended.append(tool.name)
            raise

    where = world(shop(), between=between)
    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(Workflow(Config(), where, Book()).run, {"steps": BROKEN}, Person())
            await started.wait()
            group.cancel_scope.cancel()
    assert ended == ["add_to_cart"]
    assert sent_tools(where) == ["open_cart", "add_to_cart"]


# effects


def _refuse(text: str) -> Any:
    raise RefusedError(text)


def _fault(reply: Reply, *, done: bool) -> Any:
    raise FaultError(reply, done=done)


@promise("effects-once")
async def test_two_steps_with_equal_calls_are_two_intents() -> None:
    where = world(tickets())
    steps = [step("a", "create_ticket", title="paint"), step("b", "create_ticket", title="paint")]
    report = await carried_out(where, {"steps": steps})
    assert report.status == "succeeded"
    assert len(where.done) == 2


@promise("effects-once", "superfluous-steps-go")
async def test_a_repeated_step_id_with_the_same_call_runs_once() -> None:
    where = world(tickets())
    steps = [step("a", "create_ticket", title="paint"), step("a", "create_ticket", title="paint")]
    report = await carried_out(where, {"steps": steps})
    assert report.status == "repaired"
    assert [repair.op for repair in report.repairs] == ["dedupe"]
    assert len(where.done) == 1


@promise("effects-once")
async def test_effects_that_succeeded_are_not_repeated_while_others_are_repaired() -> None:
    where = world(shop(), tickets())
    steps = [
        step("ticket", "create_ticket", title="order for Ada"),
        step("cart", "open_cart", customer="Ada"),
        step("fill", "add_to_cart", cart_id=ref("cart", "id"), sku="can-05", quantity="two"),
        step("send", "set_delivery", cart_id=ref("cart", "cart.id"), speed="EXPRESS"),
        step("order", "place_order", ["fill", "send"], cart_id=ref("cart", "cart.id")),
    ]
    report = await carried_out(where, {"steps": steps})
    assert report.status == "repaired", report.problems
    assert [tool for tool, _ in where.done if tool != "set_delivery"] == [
        "open_cart", "add_to_cart", "place_order", "create_ticket",
    ]  # fmt: skip
    assert report.search.reused_calls > 0


@promise("unknown-outcome-is-said", "effects-once")
@pytest.mark.parametrize("lost", [Lost.TIMED_OUT, Lost.BROKEN])
async def test_a_call_without_an_answer_is_not_sent_again(lost: Lost) -> None:
    server = Server("mailer")
    server.tool("post_letter", lambda to: _fault(Reply(lost=lost, message="gone"), done=True), "write", to=TEXT)
    where = world(server, shop())
    report = await carried_out(
        where, {"steps": [step("m", "post_letter", to="Ada"), step("c", "open_cart", customer="Ada")]}
    )
    assert report.status == "failed"
    assert where.sent == [("mailer", "post_letter", {"to": "Ada"})]
    assert "outcome_unknown" in kinds(report)
    assert ("timed_out" in kinds(report)) is (lost is Lost.TIMED_OUT)


@promise("unknown-outcome-is-said")
async def test_an_upstream_that_is_not_there_is_said_to_be_down() -> None:
    server = Server("mailer")
    server.tool(
        "post_letter", lambda to: _fault(Reply(lost=Lost.NOT_SENT, message="it has exited"), done=False), to=TEXT
    )
    report = await carried_out(world(server), {"steps": [step("m", "post_letter", to="Ada")]})
    assert report.status == "failed"
    assert kinds(report) == ["upstream_down"]
    assert "it has exited" in report.problems[0].message


@promise("noted-before-sent")
async def test_effects_are_noted_on_disk_before_they_leave_and_reads_are_not() -> None:
    book, seen = Book(), list[tuple[str, list[tuple[str, str]]]]()

    async def between(tool: Any, params: Any, answer: Callable[[], Reply]) -> Reply:
        seen.append((tool.name, list(book.notes)))
        return answer()

    where = world(shop(), between=between)
    steps = [step("p", "get_product", sku="can-05"), step("c", "open_cart", ["p"], customer="Ada")]
    await carried_out(where, {"steps": steps}, book=book)
    assert seen[0] == ("get_product", [])
    assert seen[1] == ("open_cart", [("get_product", "ok"), ("open_cart", "sent"), ("", "flushed")])
    assert book.notes[-2:] == [("open_cart", "ok"), ("", "flushed")]
    assert {record.outcome for record in book.calls.values()} == {"ok"}


@promise("silent-failures-are-seen")
async def test_an_error_inside_a_success_is_a_failure_and_blocks_its_readers() -> None:
    where = world(weather(), tickets())
    steps = [step("w", "forecast", place="Atlantis"), step("t", "create_ticket", title="{{w.days.0.rain_mm}} mm")]
    report = await carried_out(where, {"steps": steps})
    assert report.status == "failed"
    assert "silent_failure" in kinds(report)
    assert where.servers["tickets"].done == []


@promise("silent-failures-are-seen")
async def test_an_empty_result_is_a_result() -> None:
    where = world(shop(), files())
    steps = [step("s", "search_products", query="submarine"), step("f", "read_file", path="notes/done.md")]
    report = await carried_out(where, {"steps": steps})
    assert report.status == "succeeded"
    assert report.output == {"s": {"products": [], "count": 0}, "f": ""}


@promise("report-fields")
async def test_a_result_that_breaks_the_steps_own_validator_is_told() -> None:
    steps = [{**step("a", "search_products", query="submarine"), "expect": {"properties": {"count": {"minimum": 1}}}}]
    report = await carried_out(world(shop()), {"steps": steps})
    assert report.status == "failed"
    assert kinds(report) == ["output_schema_broken"]


@promise("order-is-kept")
async def test_a_mapped_step_is_called_once_per_item() -> None:
    where = world(shop())
    steps = [{**step("a", "get_product", sku=["can-05", "rake-12"]), "map": "sku"}]
    report = await carried_out(where, {"steps": steps, "output": ref("a", "*.product.price")})
    assert report.status == "succeeded"
    assert report.output == [12.25, 19.5]
    assert [arguments for _, _, arguments in where.sent] == [{"sku": "can-05"}, {"sku": "rake-12"}]


# abstaining


@promise("abstains")
async def test_a_step_that_nothing_can_mend_fails_with_what_is_wrong_and_spares_the_rest() -> None:
    where = world(shop())
    steps = [step("a", "get_product", sku="spade-99"), step("b", "get_product", sku="can-05")]
    report = await carried_out(where, {"steps": steps})
    assert report.status == "failed"
    assert report.output == {"a": None, "b": {"product": {"sku": "can-05", "title": "Watering can", "price": 12.25}}}
    (problem,) = report.problems
    assert (problem.step, problem.kind) == ("a", "refused")
    assert "spade-99" in problem.message
    assert report.search.stop == "No repair is left that the evidence supports."


@promise("abstains")
async def test_an_unknown_tool_without_a_near_one_sends_nothing() -> None:
    where = world(shop(), calendar())
    report = await carried_out(where, {"steps": [step("a", "translate_poem", language="Norse")]})
    assert report.status == "failed"
    assert where.sent == []
    assert kinds(report) == ["unknown_tool"]


@promise("abstains")
async def test_an_answer_that_is_no_refusal_of_arguments_gets_no_repair() -> None:
    server = Server("press").tool("print_page", lambda page: failed("out of paper"), "write", page=INTEGER)
    where = world(server)
    report = await carried_out(where, {"goal": "print page 4", "steps": [step("a", "print_page", page=3)]})
    assert (report.status, len(where.sent)) == ("failed", 1)
