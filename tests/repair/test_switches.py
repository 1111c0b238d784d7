"""Every mechanism of the search can be switched off alone; every problem and every edit is known everywhere."""

# pyright: basic
from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

from hypothesis import given
from hypothesis import strategies as st

from proxy.repair.edits import Inapplicable, apply, touched
from proxy.repair.explain import repairs as told_repairs
from proxy.repair.read.refused import run_problems
from proxy.repair.rules import BY_PROBLEM
from proxy.repair.search.judge import judge
from proxy.repair.view.order import listed
from proxy.repair.view.step import Evidence
from schemas.catalog import Catalog
from schemas.edit import (
    AddStep,
    BindReference,
    CoerceArgument,
    Confidence,
    Dedupe,
    DropArgument,
    Edit,
    InsertValidator,
    MapStep,
    Proposal,
    RemoveStep,
    RenameArgument,
    RepathReference,
    SetArgument,
    SwapTool,
    UnwrapValue,
    WrapValue,
)
from schemas.plan import Plan, Ref, Step
from schemas.problem import OutcomeUnknown, Problem
from schemas.trial import Candidate, Execution, StepRun, Verdict
from tests.fakes import Server, World, carried_out, configured, ref, step, world
from tests.promises import promise
from tests.scenarios.worlds import shop, units


async def outcome(where: World, steps: list[Any], **off: bool) -> tuple[str, list[Any]]:
    report = await carried_out(where, {"steps": steps}, config=configured(evolution=off))
    return report.status, where.done


@promise("mechanisms-switch")
async def test_without_the_graph_a_step_cannot_read_one_that_is_listed_after_it() -> None:
    steps = [step("c", "get_product", sku=ref("f", "products.0.sku")), step("f", "search_products", query="hose")]
    assert (await outcome(world(shop()), steps))[0] == "succeeded"
    assert (await outcome(world(shop()), steps, graph=False))[0] == "failed"


@promise("mechanisms-switch")
async def test_without_the_graph_a_misfit_is_seen_only_by_the_upstream() -> None:
    server = Server("s", "plain").tool("give", lambda: {"found": {"name": "Ada", "age": 4}})
    server.tool("take", lambda name: {"took": name}, closed=False, name={"type": "string"})
    steps = [step("g", "give"), step("t", "take", name=ref("g", "found"))]
    assert (await outcome(world(server), steps))[0] == "repaired"
    assert (await outcome(world(server), steps, graph=False))[0] == "failed"


@promise("mechanisms-switch")
async def test_without_edits_nothing_is_mended() -> None:
    report = await carried_out(world(shop()), {"steps": [step("p", "get_product", SKU="can-05")]})
    assert report.status == "repaired"
    assert (await outcome(world(shop()), [step("p", "get_product", SKU="can-05")], edits=False))[0] == "failed"


@promise("mechanisms-switch")
async def test_without_planning_a_goal_alone_is_refused_and_says_why() -> None:
    report = await carried_out(world(shop()), {"goal": "buy a can"}, config=configured(evolution={"planning": False}))
    assert report.status == "failed"
    assert "evolution.planning" in report.problems[0].message


@promise("mechanisms-switch")
async def test_without_an_early_stop_a_sound_plan_is_still_sent_once() -> None:
    where = world(units())
    status, sent = await outcome(where, [step("u", "list_units")], early_stop=False)
    assert (status, len(sent)) == ("succeeded", 1)


@promise("mechanisms-switch")
async def test_without_selection_the_search_does_not_go_back() -> None:
    """The likelier of two readings leads into a dead end; only another parent has the other reading."""

    def server() -> Server:
        made = Server("s", "plain").tool("find", lambda: {"item": {"key_no": "K", "book_id": "B"}})
        made.tool("look", lambda item_id: {"shelf": 4} if item_id == "K" else {"note": "on loan"},
                  item_id={"type": "string"})  # fmt: skip
        return made.tool("walk", lambda shelf: {"steps": shelf}, shelf={"type": "integer"})

    steps = [
        step("f", "find"),
        step("l", "look", item_id=ref("f", "item.id")),
        step("w", "walk", shelf=ref("l", "shelf")),
    ]
    on = await carried_out(world(server()), {"steps": steps})
    off = await carried_out(world(server()), {"steps": steps}, config=configured(evolution={"selection": False}))
    assert (on.status == "repaired") >= (off.status == "repaired")


@promise("mechanisms-switch", "fidelity-costs")
def test_feasibility_alone_rewards_amputation_and_the_six_scores_do_not() -> None:
    steps = (Step("a", "t", {}, "s"), Step("b", "t", {}, "s"))
    runs = {"a": StepRun("a", "s", "t", {}, Verdict.OK, value={}), "b": StepRun("b", "s", "t", {}, Verdict.FAILED)}
    whole = Candidate(Plan(steps), execution=Execution(runs))
    cut = Candidate(Plan(steps[:1]), execution=Execution({"a": runs["a"]}))
    evidence = Evidence(Catalog((), ()), runs)

    def total(candidate: Candidate, *, six: bool) -> float:
        return judge(Plan(steps), candidate, (), evidence, six=six).score.total

    assert total(cut, six=False) > total(whole, six=False)
    assert total(cut, six=True) < total(whole, six=True)


@promise("fidelity-costs")
@given(st.integers(2, 6), st.data())
def test_a_candidate_that_loses_an_asked_for_output_scores_less(count: int, data: st.DataObject) -> None:
    steps = tuple(Step(f"s{n}", "t", {"n": n}, "s") for n in range(count))
    output = [Ref(each.id, "x").json() for each in steps]
    runs = {each.id: StepRun(each.id, "s", "t", each.arguments, Verdict.OK, value={"x": 1}) for each in steps}
    submitted, evidence = Plan(steps, output=output), Evidence(Catalog((), ()), runs)
    lost = data.draw(st.sets(st.sampled_from(range(count)), min_size=1))
    fewer = Plan(tuple(each for n, each in enumerate(steps) if n not in lost), output=output)
    kept = {each.id: runs[each.id] for each in fewer.steps}

    def total(plan: Plan, runs: dict[str, StepRun]) -> float:
        here = replace(evidence, runs=runs)
        return judge(submitted, Candidate(plan, execution=Execution(runs)), (), here).score.total

    assert total(fewer, kept) < total(submitted, runs)


def test_without_a_graph_every_step_waits_for_all_before_it() -> None:
    plan = Plan((Step("a", "t", {"x": Ref("b").json()}), Step("b", "t", {}), Step("c", "t", {"x": Ref("a").json()})))
    waits = listed(plan)
    assert [waits[name].all for name in "abc"] == [frozenset(), frozenset("a"), frozenset("ab")]
    assert waits["a"].needs == ()
    assert waits["c"].needs == ("a",)


# closed unions

EXAMPLES: tuple[Edit, ...] = (
    SwapTool("a", "s", "u"),
    RenameArgument("a", ("x",), "y"),
    SetArgument("a", ("x",), 2),
    CoerceArgument("a", ("x",), "1"),
    DropArgument("a", ("x",)),
    BindReference("b", ("x",), Ref("a", "p")),
    RepathReference("b", ("x",), "q"),
    UnwrapValue("a", ("x",), 1),
    WrapValue("a", ("x",), [1]),
    MapStep("a", "x"),
    InsertValidator("a", {"type": "object"}),
    AddStep("b", Step("c", "t", {}, "s"), "b"),
    RemoveStep("b"),
    Dedupe("b", "a"),
)


@promise("apply-is-safe")
def test_every_edit_is_applied_named_and_told() -> None:
    assert {type(edit) for edit in EXAMPLES} == set(get_args(Edit))
    plan = Plan((Step("a", "t", {"x": 1}, "s"), Step("b", "t", {"x": Ref("a").json()}, "s")))
    problem = OutcomeUnknown(step="a", message="m")
    for edit in EXAMPLES:
        assert not isinstance(apply(plan, (edit,)), Inapplicable), edit
        assert touched(edit) <= {"x", "y"}
        (told,) = told_repairs(plan, [Proposal(problem, (edit,), "r", "e", Confidence.GUESS)])
        assert told["op"] == edit.op


@promise("all-faults-at-once")
def test_every_problem_has_its_row_of_rules_and_every_verdict_its_words() -> None:
    assert set(BY_PROBLEM) == set(get_args(Problem))
    assert len({problem.kind for problem in get_args(Problem)}) == len(get_args(Problem))
    for verdict in Verdict:
        found = run_problems(StepRun("a", "s", "t", {}, verdict), "it went wrong")
        assert bool(found) == (verdict not in (Verdict.OK, Verdict.BLOCKED, Verdict.NOT_SENT))
