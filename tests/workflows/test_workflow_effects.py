"""What `run_workflow` does about effects, lost calls, silent failures, and what it cannot mend."""

# pyright: basic
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from schemas.trial import Lost, Reply
from tests.desks import done, kinds
from tests.fakes import (
    INTEGER,
    TEXT,
    Book,
    FaultError,
    RefusedError,
    Server,
    carried_out,
    failed,
    ref,
    step,
    world,
)
from tests.promises import promise
from tests.scenarios.worlds import calendar, files, shop, tickets, weather

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


@promise("noted-before-sent", "journal-holds-nobody-up")
async def test_an_effect_that_cannot_be_noted_is_not_sent_and_the_report_says_so() -> None:
    where = world(shop())
    steps = [step("p", "get_product", sku="can-05"), step("c", "open_cart", ["p"], customer="Ada")]
    report = await carried_out(where, {"steps": steps}, book=Book(written=False))
    assert report.status == "failed"
    assert [tool for _, tool, _ in where.sent] == ["get_product"]
    assert any("the journal cannot be written now" in problem.message for problem in report.problems)


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


@promise("effects-once")
@pytest.mark.parametrize(
    "second",
    [
        {"tool": "BUCHE_FLUG"},
        {"tool": "buche_flug", "platz": "4"},
        {"tool": "buche_flug", "input": {"nach": "Rom", "platz": 4}},
    ],
)
@pytest.mark.parametrize("first", ["before", "after"])
async def test_no_repair_makes_a_step_the_call_that_another_one_is(second: dict[str, Any], first: str) -> None:
    server = Server("reise", "pydantic").tool("buche_flug", lambda **given: given, "write", nach=TEXT, platz=INTEGER)
    where = world(server)
    asked = {"nach": "Rom", "platz": 4}
    tool, changed = second["tool"], {key: value for key, value in second.items() if key != "tool"}
    steps = [step("a", "buche_flug", **asked), step("b", tool, **(changed if "input" in changed else asked | changed))]
    report = await carried_out(where, {"steps": steps if first == "before" else steps[::-1]})
    assert report.status == "failed"
    assert len(done(where, "buche_flug")) == (first == "before")


@promise("effects-once")
async def test_what_was_asked_for_twice_in_the_same_words_is_done_twice() -> None:
    server = Server("reise", "pydantic").tool("buche_flug", lambda **given: given, "write", nach=TEXT, platz=INTEGER)
    where = world(server)
    report = await carried_out(where, {"steps": [step(id_, "BucheFlug", nach="Rom", platz=4) for id_ in ("a", "b")]})
    assert report.status == "repaired"
    assert len(done(where, "buche_flug")) == 2
