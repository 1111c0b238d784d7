"""Plans grown from a goal: what is asked, what is run on the way, and what is never sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from proxy.planner.composing import Composer
from proxy.planner.opening import NoPlanner
from proxy.ports import Made, Run
from schemas.catalog import Effect, Json
from schemas.plan import Plan, Ref
from schemas.trial import Candidate, Execution, StepRun, Verdict
from tests.fakes import ScriptedPlanner
from tests.planner.tools import tool

READ = tool("read_note", {"name": {"type": "string"}}, annotations={"readOnlyHint": True})
FIND = tool("find_town", {"person": {"type": "string"}}, annotations={"readOnlyHint": True})
SAVE = tool("save_note", {"name": {"type": "string"}, "text": {"type": "string"}}, description="Saves a note.")
TOOLS = (READ, FIND, SAVE)
RESULTS: dict[str, Json] = {"read_note": {"text": "Marta Lund"}, "find_town": {"town": "Aarhus"}}


class Server:
    """Runs plans, and keeps the tools that were called."""

    def __init__(self, results: dict[str, Json]) -> None:
        self.results = results
        self.called: list[str] = []

    async def run(self, plan: Plan) -> Candidate | None:
        """The last step's result is new, the others were there."""
        self.called.append(plan.steps[-1].tool)
        if any(step.tool not in self.results for step in plan.steps):
            return None
        runs = {
            step.id: StepRun(step.id, "shop", step.tool, step.arguments, Verdict.OK, value=self.results[step.tool])
            for step in plan.steps
        }
        return Candidate(plan, execution=Execution(runs))


def asks(*wanted: str, answers: bool = True) -> Any:
    """Scores the names that are wanted, in turn; says whether the goal is reached."""
    left = list(wanted)

    def score(context: str, option: str) -> float:
        if "Yes or No" in context:
            return float((option == "Yes") is (answers and context.count(" -> ") >= len(wanted)))
        if "Use one of them." in context:
            return 0.0
        begun = context.count(" -> ")
        name = left[min(begun, len(left) - 1)]
        return float(option == f"{name}(")

    return score


def call(called: str, **arguments: Json) -> dict[str, Json]:
    return {"tool": called, "arguments": arguments}


async def made(
    goal: str, names: Sequence[str], values: Sequence[Any], run: Run, *, answers: bool = True
) -> Made | None:
    return await Composer(ScriptedPlanner(asks(*names, answers=answers), values=values)).plan(goal, TOOLS, run)


async def test_a_later_step_gets_what_an_earlier_one_returned_by_reference() -> None:
    server = Server(RESULTS)
    values = [call("read_note", name="client.txt"), call("find_town", person="Marta Lund")]
    plan = await made('In which town lives who stands in "client.txt"?', ["read_note", "find_town"], values, server.run)
    assert plan is not None
    assert plan.sure
    assert [step.arguments for step in plan.plan.steps] == [
        {"name": "client.txt"},
        {"person": Ref("s1", "text").json()},
    ]
    assert plan.plan.output == Ref("s2", "town").json()
    assert server.called == ["read_note", "find_town"]


async def test_what_may_change_something_is_not_sent_and_ends_the_reading() -> None:
    assert SAVE.effect is not Effect.READ
    server = Server(RESULTS)
    values = [
        call("read_note", name="client.txt"),
        call("save_note", name="copy.txt", text="Marta Lund"),
        call("read_note", name="copy.txt"),
    ]
    goal = 'Copy "client.txt" to "copy.txt" and show the copy.'
    plan = await made(goal, ["read_note", "save_note", "read_note"], values, server.run)
    assert plan is not None
    assert not plan.sure
    assert [(step.tool, step.after) for step in plan.plan.steps] == [
        ("read_note", ()),
        ("save_note", ()),
        ("read_note", ("s2",)),
    ]
    assert server.called == ["read_note"]


async def test_a_plan_that_leaves_something_unused_does_not_end_and_is_not_sure() -> None:
    plan = await made(
        'Read "client.txt" and "other.txt".', ["read_note"], [call("read_note", name="client.txt")],
        Server(RESULTS).run,
    )  # fmt: skip
    assert plan is not None
    assert not plan.sure


async def test_what_the_model_does_not_stand_by_is_not_sure() -> None:
    values = [call("read_note", name="client.txt")]
    plan = await made('Who is "client.txt"?', ["read_note"], values, Server(RESULTS).run, answers=False)
    assert plan is not None
    assert not plan.sure


async def test_a_result_that_repeats_the_question_answers_nothing() -> None:
    values = [call("read_note", name="client.txt")]
    run = Server({"read_note": {"name": "client.txt", "text": ""}}).run
    plan = await made('Who is "client.txt"?', ["read_note"], values, run)
    assert plan is not None
    assert not plan.sure


async def test_a_call_that_fails_or_is_made_up_begins_no_plan() -> None:
    goal = 'Who is "client.txt"?'
    assert await made(goal, ["read_note"], [call("read_note", name="client.txt")], Server({}).run) is None
    made_up = [call("save_note", name="secret.txt", text="x")]
    assert await made(goal, ["save_note"], made_up, Server(RESULTS).run) is None


async def test_no_tool_is_a_choice() -> None:
    assert await made("Send an e-mail.", ["none"], [], Server(RESULTS).run) is None


async def test_without_a_model_no_plan_is_made() -> None:
    server = Server(RESULTS)
    assert await Composer(NoPlanner()).plan('Read "client.txt".', TOOLS, server.run) is None
    assert not server.called
