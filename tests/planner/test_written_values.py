"""A value that the planner writes is used only where the goal or a result holds it."""

# pyright: basic
from __future__ import annotations

from typing import Any

import anyio
import pytest

from proxy.planner.advisor import PlannerAdvisor
from proxy.planner.opening import Opened
from proxy.planner.shortlist import Shortlist
from proxy.workflows.workflow import Workflow
from schemas.config import Config
from schemas.report import Report
from tests.fakes import TEXT, Book, Person, ScriptedPlanner, Server, step, world
from tests.planner.test_composing import asks
from tests.promises import promise

GOAL = "Tell me whether in the hall it is the oaken one, or the iron one, that sticks."
TWO_DOORS = {"type": "string", "description": "Which of the doors of the house"}


async def asked(values: list[Any], goal: str) -> tuple[Report, list[Any]]:
    """What becomes of a step whose two doors nobody named, with a planner that writes these values."""
    where = world(Server("house").tool("look_at", lambda **given: given, "read", door=TWO_DOORS, room=TEXT))
    planner = ScriptedPlanner(values=values)
    opened = Opened(planner, PlannerAdvisor(planner, 4096), Shortlist(None))
    workflow = Workflow(Config(), where, Book(), opened)
    with anyio.fail_after(20):
        report = await workflow.run({"goal": goal, "steps": [step("a", "look_at", room="hall")]}, Person())
    return report, where.sent


async def test_a_value_out_of_the_goal_is_taken() -> None:
    report, sent = await asked(["oaken"], GOAL)
    assert report.status == "repaired", report.problems
    assert sent == [("house", "look_at", {"room": "hall", "door": "oaken"})]
    assert report.repairs[0].rule == "planner_value"


@pytest.mark.parametrize("value", ["door", "back", "oak"])
async def test_an_invented_value_is_not_sent(value: str) -> None:
    report, sent = await asked([value], GOAL)
    assert report.status == "failed"
    assert sent == []


@pytest.mark.parametrize(
    ("goal", "lead", "sent"),
    [
        ("Paint it red, or green at worst.", 1.5, "red"),
        ("Paint it red, or green at worst.", 0.5, None),
        ("Paint it in the colour of the sky.", 9.0, None),
        ("Paint it blue, as it was.", 9.0, None),
    ],
)
async def test_of_allowed_values_only_those_that_the_goal_names_are_chosen_among(
    goal: str, lead: float, sent: str | None
) -> None:
    colour = {"type": "string", "enum": ["red", "green", "blue"]}
    where = world(Server("wall").tool("preview", lambda **given: given, "read", old=TEXT, shade=colour))
    planner = ScriptedPlanner(score=lambda _, option: lead if "red" in option else 0.0)
    opened = Opened(planner, PlannerAdvisor(planner, 4096), Shortlist(None))
    plan = {"goal": goal, "steps": [step("a", "preview", old="blue")]}
    with anyio.fail_after(20):
        report = await Workflow(Config(), where, Book(), opened).run(plan, Person())
    if sent is None:
        assert (report.status, where.sent) == ("failed", [])
    else:
        assert where.sent == [("wall", "preview", {"old": "blue", "shade": sent})]


@promise("values-stay-where-they-are")
@pytest.mark.parametrize("same", [True, False])
async def test_what_one_server_returned_goes_to_no_other_on_a_goal_alone(*, same: bool) -> None:
    secret = Server("vault").tool("read_note", lambda name: {"text": "blue heron"}, "read", name=TEXT)
    finder = secret if same else Server("web")
    finder.tool("find_page", lambda query: {"page": "p-7"}, "read", query=TEXT)
    where = world(*{id(server): server for server in (secret, finder)}.values())
    values = [
        {"tool": "read_note", "arguments": {"name": "plan.txt"}},
        {"tool": "find_page", "arguments": {"query": "blue heron"}},
    ]
    planner = ScriptedPlanner(score=asks("read_note", "find_page", answers="find_page"), values=values)
    opened = Opened(planner, PlannerAdvisor(planner, 4096), Shortlist(None))
    with anyio.fail_after(20):
        report = await Workflow(Config(), where, Book(), opened).run({"goal": 'Which page is "plan.txt"?'}, Person())
    sent = [(server, tool) for server, tool, _ in where.sent]
    read = ("vault", "read_note")
    assert sent == ([read, ("vault", "find_page")] if same else [read])
    assert (report.status == "succeeded") is same
