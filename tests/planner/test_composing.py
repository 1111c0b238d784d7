"""Plans grown from a goal: what is asked, what is run on the way, and what is never sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from proxy.planner.composing import Composer, neighbours
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


def asks(*wanted: str, answers: str = "find_town") -> Any:
    """Scores the names that are wanted, the first ones higher; says which tool's result answers."""

    def score(context: str, option: str) -> float:
        if "Yes or No" in context:
            return 2.0 if (option == "Yes") is context.startswith(f"A tool was called: {answers} ") else 0.0
        if "Use one of them." in context:
            return 0.0
        name = option.removesuffix("(")
        return float(len(wanted) - wanted.index(name)) if name in wanted else 0.0

    return score


def call(called: str, **arguments: Json) -> dict[str, Json]:
    return {"tool": called, "arguments": arguments}


async def made(
    goal: str, names: Sequence[str], values: Sequence[Any], run: Run, *, answers: str = "find_town"
) -> Made | None:
    return await Composer(ScriptedPlanner(asks(*names, answers=answers), values=values)).plan(goal, TOOLS, run)


TOWN = 'In which town lives who stands in "client.txt"?'


async def test_a_later_step_gets_what_an_earlier_one_returned_by_reference() -> None:
    server = Server(RESULTS)
    values = [call("read_note", name="client.txt"), call("find_town", person="Marta Lund")]
    plan = await made(TOWN, ["read_note", "find_town"], values, server.run)
    assert plan is not None
    assert plan.sure
    assert [step.arguments for step in plan.plan.steps] == [
        {"name": "client.txt"},
        {"person": Ref("s1", "text").json()},
    ]
    assert plan.plan.output == Ref("s2", "town").json()
    assert server.called == ["read_note", "find_town"]


async def test_a_tool_that_lacks_something_is_tried_again_once_more_has_been_read() -> None:
    values = [
        call("find_town", person="Bo"),
        call("find_town", person="Bo"),
        call("read_note", name="client.txt"),
        call("find_town", person="Marta Lund"),
    ]
    plan = await made(TOWN, ["find_town", "read_note"], values, Server(RESULTS).run)
    assert plan is not None
    assert plan.sure
    assert [step.tool for step in plan.plan.steps] == ["read_note", "find_town"]


async def test_what_the_answer_was_not_made_from_is_no_step_of_the_plan() -> None:
    values = [call("read_note", name="client.txt"), call("find_town", person="Oslo")]
    plan = await made("Who lives in Oslo, says client.txt?", ["read_note", "find_town"], values, Server(RESULTS).run)
    assert plan is not None
    assert not plan.sure
    assert [step.tool for step in plan.plan.steps] == ["find_town"]


async def test_what_may_change_something_is_not_sent_and_nothing_is_claimed() -> None:
    assert SAVE.effect is not Effect.READ
    server = Server(RESULTS)
    save = call("save_note", name="copy.txt", text="Marta Lund")
    values = [call("read_note", name="client.txt"), None, None, save]
    goal = "Copy client.txt to copy.txt."
    plan = await made(goal, ["save_note", "read_note"], values, server.run, answers="read_note")
    assert plan is not None
    assert not plan.sure
    assert [step.tool for step in plan.plan.steps] == ["read_note", "save_note"]
    assert server.called == ["read_note"]


async def test_a_plan_that_leaves_something_unused_is_not_sure() -> None:
    values = [call("read_note", name="client.txt"), None, None]
    goal = 'Read "client.txt" and "other.txt".'
    plan = await made(goal, ["read_note"], values, Server(RESULTS).run, answers="read_note")
    assert plan is not None
    assert not plan.sure


async def test_what_does_not_answer_by_the_model_is_not_sure() -> None:
    values = [call("read_note", name="client.txt"), None, None]
    plan = await made('Who is "client.txt"?', ["read_note"], values, Server(RESULTS).run, answers="none")
    assert plan is not None
    assert not plan.sure


async def test_a_result_that_repeats_the_question_is_no_step() -> None:
    values = [call("read_note", name="client.txt"), None, None]
    run = Server({"read_note": {"name": "client.txt", "text": ""}}).run
    assert await made('Who is "client.txt"?', ["read_note"], values, run, answers="read_note") is None


async def test_a_call_that_fails_or_is_made_up_begins_no_plan() -> None:
    goal = 'Who is "client.txt"?'
    failing = [call("read_note", name="client.txt"), *[None] * 20]
    assert await made(goal, ["read_note"], failing, Server({}).run) is None
    made_up = [call("save_note", name="secret.txt", text="x"), *[None] * 20]
    assert await made(goal, ["save_note"], made_up, Server(RESULTS).run) is None


async def test_no_tool_is_a_choice() -> None:
    assert await made("Send an e-mail.", ["none"], [], Server(RESULTS).run) is None


async def test_without_a_model_no_plan_is_made() -> None:
    server = Server(RESULTS)
    assert await Composer(NoPlanner()).plan('Read "client.txt".', TOOLS, server.run) is None
    assert not server.called


def test_each_likely_tool_is_followed_by_those_of_its_server() -> None:
    near = [replace(FIND, server=server, name=str(number)) for number, server in enumerate("abaaab")]
    assert [each.name for each in neighbours(near)] == ["0", "2", "3", "1", "5", "4"]
