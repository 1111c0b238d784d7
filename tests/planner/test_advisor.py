"""Questions in nouns: what reaches the planner, and what comes of its answers."""

from __future__ import annotations

from dataclasses import replace

from proxy.planner.advisor import OPTIONS, PlannerAdvisor
from proxy.planner.opening import NoPlanner
from schemas.plan import Ref, Step
from tests.fakes import ScriptedPlanner
from tests.planner.tools import PLAN, QUESTION

BY_ID = PLAN.with_step(replace(PLAN.steps[1], arguments={"customer_id": Ref("find", "id").json()}))
BY_TAG = PLAN.with_step(replace(PLAN.steps[1], arguments={"customer_id": Ref("find", "tags").json()}))


def aims_at_orders(_: str, option: str) -> float:
    return -float("list_orders" not in option)


async def test_candidates_are_ordered_by_the_planner() -> None:
    planner = ScriptedPlanner(score=lambda _, option: -0.5 if "$find.id" in option else -2.0)
    advice = await PlannerAdvisor(planner, 4096).rank(QUESTION, [BY_TAG, BY_ID], [0.9, 0.1])
    assert advice is not None
    assert advice.order == (1, 0)
    assert advice.margin == 1.5


async def test_too_many_candidates_are_not_all_scored() -> None:
    planner = ScriptedPlanner(score=lambda _, option: -float(len(option)))
    advice = await PlannerAdvisor(planner, 4096).rank(QUESTION, [BY_ID] * (OPTIONS + 3), [0.5] * (OPTIONS + 3))
    assert advice is not None
    assert sorted(advice.order) == list(range(OPTIONS + 3))


async def test_a_value_is_asked_under_the_arguments_schema_and_checked() -> None:
    planner = ScriptedPlanner(values=["open", "lost"])
    advisor = PlannerAdvisor(planner, 4096)
    assert await advisor.value(QUESTION, ("state",)) == "open"
    assert planner.schemas[0] == {"enum": ["open", "paid"]}
    assert await advisor.value(QUESTION, ("state",)) is None


async def test_a_new_step_gets_an_id_of_its_own() -> None:
    planner = ScriptedPlanner(values=[{"tool": "find_customer", "arguments": {"name": "J"}}])
    step = await PlannerAdvisor(planner, 4096).step(QUESTION)
    assert step == Step("new1", "find_customer", {"name": "J"}, "shop")


async def test_another_plan() -> None:
    written = {"steps": [{"tool": "list_orders", "arguments": {"customer_id": 7}}]}
    planner = ScriptedPlanner(score=aims_at_orders, values=[written, {"steps": [{"tool": "x"}]}])
    advisor = PlannerAdvisor(planner, 4096)
    other = await advisor.redesign(QUESTION, ["refused"])
    assert other is not None
    assert other.goal == PLAN.goal
    assert other.steps[0].arguments == {"customer_id": 7}
    assert await advisor.redesign(QUESTION, ["refused"]) is None
    assert advisor.usage.calls == 4


async def test_another_plan_that_stops_half_way_is_written_to_its_end() -> None:
    first = {"answer": "list_orders", "steps": [{"tool": "find_customer", "arguments": {"name": "J"}}]}
    last = {"tool": "list_orders", "arguments": {"customer_id": {"$ref": "s1", "path": "id"}}}
    planner = ScriptedPlanner(score=aims_at_orders, values=[first, last, first, {"tool": "list_orders"}])
    plan = await PlannerAdvisor(planner, 4096).redesign(QUESTION, [])
    assert plan is not None
    assert [(step.id, step.tool) for step in plan.steps] == [("s1", "find_customer"), ("s2", "list_orders")]
    assert planner.asked[2].startswith(planner.asked[0]), "what was read is not read again"
    short = await PlannerAdvisor(planner, 4096).redesign(QUESTION, [])
    assert short is not None
    assert len(short.steps) == 1


async def test_without_a_planner_there_is_no_advice() -> None:
    advisor = PlannerAdvisor(NoPlanner(), 4096)
    assert await advisor.rank(QUESTION, [BY_ID], [1.0]) is None
    assert await advisor.value(QUESTION, ("state",)) is None
    assert await advisor.step(QUESTION) is None
    assert await advisor.redesign(QUESTION, []) is None
