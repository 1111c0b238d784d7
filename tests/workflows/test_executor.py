"""What the executor sends, what it uses again, and what it keeps back, over several candidates of one run."""

# pyright: basic
from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import anyio

from proxy.repair.view.step import Evidence
from proxy.workflows.executor import Executor
from proxy.workflows.ledger import Ledger
from schemas.edit import Confidence
from schemas.plan import Plan, Step
from schemas.trial import Execution, Lost, Reply, Verdict
from tests.fakes import INTEGER, TEXT, Book, FaultError, Person, RefusedError, Server, World, world
from tests.promises import promise
from tests.scenarios.worlds import shop


class Bench:
    """One run: plans executed one after another over one ledger."""

    def __init__(self, *servers: Server, limit: int = 50, **between: Any) -> None:
        self.world: World = world(*servers, **between)
        self.book = Book()
        self.executor = Executor(self.world, self.book, Person(), Ledger(limit), "run_1")

    async def run(self, *steps: Step, sure: Confidence | None = None) -> Execution:
        sureness = {step.id: sure for step in steps} if sure is not None else None
        with anyio.fail_after(10):
            return await self.executor.execute(Plan(steps), Evidence(self.world.catalog), sureness)

    @property
    def sent(self) -> list[str]:
        return [tool for _, tool, _ in self.world.sent]


def step(name: str, tool: str, after: tuple[str, ...] = (), /, **arguments: Any) -> Step:
    return Step(name, tool, arguments, "shop", after)


PRODUCT = step("p", "get_product", sku="can-05")
CART = step("c", "open_cart", customer="Ada")


@promise("effects-once")
async def test_what_has_succeeded_is_used_again_by_every_later_candidate() -> None:
    bench = Bench(shop())
    first = await bench.run(PRODUCT, CART)
    again = await bench.run(PRODUCT, CART, step("f", "add_to_cart", cart_id="c-1-f7", sku="can-05", quantity=1))
    assert (first.calls, again.calls, again.reused) == (2, 1, 2)
    assert bench.sent == ["get_product", "open_cart", "add_to_cart"]
    assert again.runs["c"].call_id == first.runs["c"].call_id
    assert again.ok


@promise("effects-once")
async def test_a_step_whose_effect_succeeded_keeps_its_result_even_if_a_candidate_changes_it() -> None:
    bench = Bench(shop())
    await bench.run(CART)
    changed = await bench.run(replace(CART, arguments={"customer": "Grace"}), sure=Confidence.LOSSLESS)
    assert bench.sent == ["open_cart"]
    assert changed.runs["c"].arguments == {"customer": "Ada"}


@promise("effects-once")
async def test_a_read_may_be_sent_again_with_other_arguments() -> None:
    bench = Bench(shop())
    await bench.run(step("p", "get_product", sku="spade"))
    assert (await bench.run(PRODUCT)).ok
    assert len(bench.sent) == 2


@promise("effects-once")
async def test_a_read_of_another_step_serves_until_its_server_has_changed() -> None:
    bench = Bench(shop())
    await bench.run(PRODUCT)
    other = replace(PRODUCT, id="q")
    shared = await bench.run(PRODUCT, other)
    assert shared.runs["q"].reused
    assert bench.sent == ["get_product"]
    await bench.run(PRODUCT, CART)
    fresh = await bench.run(PRODUCT, CART, replace(PRODUCT, id="r"))
    assert not fresh.runs["r"].reused
    assert bench.sent == ["get_product", "open_cart", "get_product"]


@promise("effects-once")
async def test_the_same_failed_call_is_not_sent_again_in_a_later_candidate() -> None:
    bench = Bench(shop())
    bad = step("o", "place_order", cart_id="none")
    await bench.run(bad)
    again = await bench.run(PRODUCT, bad)
    assert bench.sent == ["place_order", "get_product"]
    assert not again.runs["o"].ok


@promise("unknown-outcome-is-said", "effects-once")
async def test_after_a_lost_call_another_one_is_kept_back_with_a_reason() -> None:
    def lose(text: str) -> Any:
        raise FaultError(Reply(lost=Lost.BROKEN), done=True)

    bench = Bench(Server("shop").tool("write_line", lose, "write", text=TEXT))
    await bench.run(step("w", "write_line", text="a"))
    again = await bench.run(step("w", "write_line", text="b"), sure=Confidence.LOSSLESS)
    assert bench.world.done == [("write_line", {"text": "a"})]
    assert again.runs["w"].verdict is Verdict.UNKNOWN
    assert [problem.kind for problem in again.runs["w"].problems] == ["outcome_unknown"]


@promise("effects-once")
async def test_only_a_proof_that_nothing_ran_lets_another_call_of_a_write_out() -> None:
    def refuse(text: str) -> Any:
        raise RefusedError(f"I do not take '{text}'")

    bench = Bench(Server("shop").tool("write_line", refuse, "write", text=TEXT))
    await bench.run(step("w", "write_line", text=3))
    await bench.run(step("w", "write_line", text="aaa"), sure=Confidence.GUESS)
    assert len(bench.sent) == 1
    await bench.run(step("w", "write_line", text="3"), sure=Confidence.LOSSLESS)
    assert len(bench.sent) == 2
    await bench.run(step("w", "write_line", text="ccc"), sure=Confidence.LOSSLESS)
    assert len(bench.sent) == 2


@promise("budgets-hold")
async def test_nothing_is_sent_beyond_the_budget() -> None:
    bench = Bench(shop(), limit=2)
    found = await bench.run(PRODUCT, replace(PRODUCT, id="q", arguments={"sku": "hose-30"}), CART)
    assert len(bench.sent) == 2
    assert bench.executor.spent
    assert [run.verdict for run in found.runs.values()].count(Verdict.NOT_SENT) == 1


@promise("order-is-kept")
async def test_a_step_whose_needs_failed_is_blocked_and_others_go_on() -> None:
    bench = Bench(shop())
    found = await bench.run(
        step("a", "get_product", sku="spade"),
        step("b", "search_products", query={"$ref": "a", "path": "product.title"}),
        PRODUCT,
    )
    assert {name: run.verdict for name, run in found.runs.items()} == {
        "a": Verdict.REFUSED, "b": Verdict.BLOCKED, "p": Verdict.OK,
    }  # fmt: skip


@promise("effects-once", "order-is-kept")
async def test_items_of_a_mapped_step_that_succeeded_are_not_sent_again() -> None:
    taken: list[int] = []

    def put(n: int) -> Any:
        if n == 3 and taken == [1, 2]:
            taken.append(-1)
            raise RefusedError("n must be smaller than the box")
        taken.append(n)
        return {"n": n}

    bench = Bench(Server("shop").tool("put_item", put, "read", n=INTEGER))
    mapped = Step("m", "put_item", {"n": [1, 2, 3]}, "shop", map="n")
    first = await bench.run(mapped)
    assert not first.ok
    again = await bench.run(replace(mapped, arguments={"n": [1, 2, 4]}), sure=Confidence.EVIDENT)
    assert again.ok
    assert taken == [1, 2, -1, 4]
    assert again.runs["m"].value == [{"n": 1}, {"n": 2}, {"n": 4}]


@promise("cancelling-stops")
async def test_a_cancelled_execution_leaves_what_was_sent_on_record() -> None:
    started = anyio.Event()

    async def between(tool: Any, params: Any, answer: Callable[[], Reply]) -> Reply:
        started.set()
        await anyio.sleep_forever()
        return answer()

    bench = Bench(shop(), between=between)
    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(bench.run, CART, step("o", "place_order", cart_id="x"))
            await started.wait()
            group.cancel_scope.cancel()
    assert bench.sent == ["open_cart"]
    (run,) = bench.executor.history("c")
    assert run.verdict is Verdict.UNKNOWN
    assert [record.outcome for record in bench.book.calls.values()] == ["unknown"]
