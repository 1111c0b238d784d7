"""Modes, budgets, deadlines and cancelling of `run_workflow`."""

# pyright: basic
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import pytest

from proxy.workflows.workflow import Workflow
from schemas.config import Config
from schemas.trial import Reply
from tests.desks import kinds, never, sent_tools
from tests.fakes import (
    TEXT,
    Book,
    Person,
    RefusedError,
    Server,
    carried_out,
    configured,
    ref,
    step,
    world,
)
from tests.promises import promise
from tests.scenarios.worlds import shop

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
    def try_key(key: str) -> Any:
        raise RefusedError(f"key '{key}' does not fit")

    server = Server("gate").tool("try_key", try_key, key=TEXT)
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


# sizes


@promise("everything-ends")
@pytest.mark.parametrize("path", [".text", ""])
async def test_texts_that_double_end_at_a_bound_with_a_sentence(path: str) -> None:
    where = world(
        Server("s").tool("say", lambda text: {"text": text} if path else text, structured=bool(path), text=TEXT)
    )
    steps = [step("s0", "say", text="x" * 1000)]
    steps += [step(f"s{n}", "say", text=f"{{{{s{n - 1}{path}}}}}" * 2) for n in range(1, 21)]
    report = await carried_out(where, {"steps": steps})
    assert report.status == "failed"
    assert not report.repairs
    assert "250,000 characters" in "".join(problem.message for problem in report.problems)
    assert max(len(arguments["text"]) for _, _, arguments in where.sent) <= 250_000
    assert report.steps[0].ok


@promise("everything-ends")
async def test_an_output_that_repeats_a_large_result_too_often_is_told_and_not_made() -> None:
    where = world(Server("s").tool("give", lambda: {"text": "x" * 100_000}))
    report = await carried_out(where, {"steps": [step("g", "give")], "output": [ref("g")] * 500})
    assert (report.status, report.output) == ("failed", None)
    assert [each.ok for each in report.steps] == [True]
    assert "16,000,000" in report.problems[0].message


@promise("everything-ends")
@pytest.mark.parametrize(
    "plan",
    [
        {"steps": [step(str(n), "get_product", sku="a") for n in range(1001)]},
        {"steps": [{"tool": "t", "arguments": None}]},
    ],
)
async def test_a_plan_beyond_the_bounds_is_malformed(plan: dict[str, Any]) -> None:
    if len(plan["steps"]) == 1:
        inner: Any = "x"
        for _ in range(100_000):
            inner = [inner]
        plan = {"steps": [{"tool": "t", "arguments": inner}]}
    report = await carried_out(world(shop()), plan)
    assert (report.status, kinds(report)) == ("failed", ["malformed_plan"])


@promise("everything-ends")
@pytest.mark.parametrize("tool", ["get_prodct_x", "get_product", "open_cart"])
async def test_a_thousand_steps_hold_nobody_up(tool: str) -> None:
    argument = {"open_cart": {"customer": "a"}}.get(tool, {"sku": "can-05"})
    steps = [{"id": f"s{n}", "tool": tool, "arguments": argument} for n in range(1000)]
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            await anyio.sleep(0.001)
            turns += 1

    async with anyio.create_task_group() as group:
        group.start_soon(count)
        report = await carried_out(world(shop()), {"steps": steps, "budget": {"seconds": 5}})
        group.cancel_scope.cancel()
    assert len(report.steps) == 1000
    assert report.search.seconds < 10
    assert turns > 20


@promise("everything-ends")
async def test_a_chain_of_a_thousand_references_is_no_recursion() -> None:
    server = Server("s").tool("say", lambda text: {"text": text}, text=TEXT)
    steps = [
        step("s0", "say", text="x"),
        *(step(f"s{n}", "say", text=ref(f"s{n - 1}", "text")) for n in range(1, 1000)),
    ]
    report = await carried_out(world(server), {"steps": steps})
    assert report.status == "succeeded", report.problems


@promise("everything-ends")
async def test_time_counts_while_an_upstream_connects() -> None:
    class Slow(type(world())):  # type: ignore[misc]
        async def ready(self, server: str) -> None:
            await anyio.sleep_forever()

    where = Slow({"shop": shop()})
    config = configured(upstreams={"shop": {"command": "x"}, "late": {"command": "y"}})
    plan = {"steps": [step("a", "not_yet_there", n=1)], "budget": {"seconds": 0.3}}
    report = await carried_out(where, plan, config=config)
    assert report.status == "failed"
    assert report.search.seconds < 5
