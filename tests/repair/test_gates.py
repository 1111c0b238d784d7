"""What may be tried, what may be claimed, and what of a goal a repaired plan must use."""

# pyright: basic
from __future__ import annotations

from typing import Any

import anyio
import pytest

from proxy.planner.advisor import PlannerAdvisor
from proxy.planner.opening import Opened
from proxy.planner.shortlist import Shortlist
from proxy.repair.read.goal import stated
from proxy.repair.search.coverage import left, misses
from proxy.workflows.workflow import Workflow
from schemas.config import Config
from schemas.plan import Plan, Step
from tests.desks import done
from tests.fakes import (
    INTEGER,
    NUMBER,
    TEXT,
    Book,
    Person,
    RefusedError,
    ScriptedPlanner,
    Server,
    World,
    carried_out,
    configured,
    ref,
    step,
    world,
)
from tests.promises import promise


def kitchen() -> Server:
    """Scales and a timer; one says its unit, the other takes a second number that may be left out."""
    server = Server("kitchen", "plain")
    server.tool("boil", lambda grams, minutes=3: {"done": grams * minutes}, "read", optional=["minutes"],
                grams={"type": "number", "description": "The amount in g."}, minutes=INTEGER)  # fmt: skip
    return server.tool("taste", lambda dish: {"good": dish}, "read", dish=TEXT)


def plan(goal: str, **arguments: Any) -> Plan:
    return Plan((Step("a", "boil", arguments, "kitchen"),), goal)


CATALOG = world(kitchen()).catalog


@promise("goal-is-covered")
@pytest.mark.parametrize(
    ("goal", "arguments", "open_"),
    [
        ("Boil 500 g for 7 minutes", {"grams": 500}, ["7"]),
        ("Boil 500 g for 7 minutes", {"grams": 500, "minutes": 7}, []),
        ("Koche 0,5 kg 7 Minuten lang", {"grams": 500, "minutes": 7}, []),
        ("500 g を 7 分ゆでて", {"grams": 500}, ["7"]),
        ("Βράσε 500 g για 7 λεπτά", {"grams": 500, "minutes": 7}, []),
        ("Boil 2 kg", {"grams": 2}, ["2 kg is given where 'grams' is described in g"]),
    ],
)
def test_what_a_goal_states_has_to_be_used_in_any_language(
    goal: str, arguments: dict[str, Any], open_: list[str]
) -> None:
    assert left(plan(goal, **arguments), CATALOG) == open_
    assert misses(plan(goal, **arguments), [], CATALOG) is bool(open_)


@promise("goal-is-covered")
def test_a_number_that_no_argument_is_free_for_keeps_nothing_from_being_claimed() -> None:
    meant = plan("Boil 500 g for 7 minutes, if that makes less than 9000", grams=500, minutes=7)
    assert left(meant, CATALOG) == ["9000"]
    assert not misses(meant, [], CATALOG)
    assert [each.text for each in stated(meant.goal)] == ["500", "7", "9000"]


@promise("goal-is-covered")
@pytest.mark.parametrize(("name", "status"), [("grms", "failed"), ("GRAMS", "repaired")])
async def test_a_repaired_plan_is_claimed_only_if_it_uses_what_the_goal_states(name: str, status: str) -> None:
    """Spelling alone changes nothing of what the client asked for."""
    steps = [step("a", "boil", **{name: 500})]
    report = await carried_out(world(kitchen()), {"goal": "Boil 500 g for 7 minutes", "steps": steps})
    assert (report.status, report.uncovered) == (status, ["7"])
    if status == "failed":
        assert report.problems[-1].kind == "uncovered"
    whole = {"goal": "Boil 500 g for 7 minutes", "steps": [step("a", "boil", **{name: 500}, minutes=7)]}
    assert (await carried_out(world(kitchen()), whole)).status == "repaired"


@promise("goal-is-covered")
@pytest.mark.parametrize(
    ("text", "status"), [("{{gone.dish}}", "failed"), ("$gone.dish$", "failed"), ("$4", "repaired")]
)
async def test_a_text_that_reads_like_the_result_of_no_step_is_no_answer(text: str, status: str) -> None:
    steps = [step("a", "boil", grms=5), step("b", "taste", dish=text)]
    report = await carried_out(world(kitchen()), {"steps": steps})
    assert report.status == status, report.repairs
    assert bool(report.uncovered) is (status == "failed")


@promise("goal-is-covered")
async def test_a_plan_that_runs_as_it_was_submitted_is_only_told_what_it_leaves_open() -> None:
    report = await carried_out(world(kitchen()), {"goal": "Boil for 7 minutes", "steps": [step("a", "boil", grams=5)]})
    assert (report.status, report.uncovered) == ("succeeded", ["7"])


@promise("abstains", "person-may-choose")
@pytest.mark.parametrize(("answer", "status"), [("yes", "repaired"), ("no", "failed"), (None, "failed")])
async def test_a_workflow_asks_once_whether_a_tool_only_reads(answer: str | None, status: str) -> None:
    def rise(hours: Any) -> Any:
        if not isinstance(hours, int):
            raise RefusedError("hours must be an integer")
        return {"rises": hours}

    server = Server("sea").tool("flut", rise, "unknown", hours={"description": "How many."})
    where, client = world(server), Person(chooses=lambda *_: {"only_reads": answer} if answer else None)
    steps = [step("a", "flut", hours="7")]
    report = await carried_out(where, {"steps": steps}, config=configured(repair={"ask": True}), client=client)
    questions = [schema for schema in client.asked if "only_reads" in schema["properties"]]
    assert len(questions) == 1
    assert report.status == status, report.problems
    assert len(where.sent) == (2 if status == "repaired" else 1)


@promise("effects-once", "abstains")
@pytest.mark.parametrize(("other", "sent"), [(70, 0), (None, 1)])
async def test_an_effect_waits_until_nothing_contradicts_the_guess_before_it(other: int | None, sent: int) -> None:
    """Both rivals run in the first case, with different values; in the second the other one lacks what is read."""
    server = Server("quay", "plain")
    server.tool("sheet_a", lambda hull: {"length": 80}, "read", hull=TEXT)
    server.tool("sheet_b", lambda hull: {"length": other} if other else {"crew": 9}, "read", hull=TEXT)
    server.tool("invoice", lambda metres: {"number": 1}, "write", metres=NUMBER)
    steps = [step("s", "sheet_c", hull="x"), step("i", "invoice", metres=ref("s", "length"))]
    where = world(server)
    await carried_out(where, {"steps": steps})
    assert len(done(where, "invoice")) == sent


@promise("abstains")
async def test_a_plan_with_a_guess_is_not_claimed_where_time_ends_before_its_rivals_were_tried() -> None:
    """The second of two rivals never answers."""
    server = Server("quay", "plain")
    server.tool("sheet_a", lambda hull: {"length": 80}, "read", hull=TEXT)
    server.tool("sheet_b", lambda hull: {"length": 70}, "read", hull=TEXT)

    class Slow(World):
        async def call(self, tool: Any, params: Any, client: Any = None) -> Any:
            if self.sent:
                await anyio.sleep_forever()
            return await super().call(tool, params, client)

    where = Slow({server.name: server})
    report = await carried_out(where, {"steps": [step("s", "sheet_c", hull="x")], "budget": {"seconds": 0.5}})
    assert report.status == "failed", report.repairs
    assert report.problems


@promise("abstains")
async def test_without_an_early_stop_a_guess_is_claimed_by_the_same_gate() -> None:
    server = Server("quay", "plain")
    server.tool("sheet_a", lambda hull: {"length": 80}, "read", hull=TEXT)
    server.tool("sheet_b", lambda hull: {"length": 70}, "read", hull=TEXT)
    config = configured(evolution={"early_stop": False})
    report = await carried_out(world(server), {"steps": [step("s", "sheet_c", hull="x")]}, config=config)
    assert report.status == "failed", report.repairs


@promise("effects-once", "abstains")
async def test_an_effect_after_a_planners_guess_that_has_no_rivals_is_not_sent() -> None:
    """The planner wrote the name of a shelf that the goal holds; nothing else was offered that could fail for it."""
    server = Server("attic", "plain")
    server.tool("open_shelf", lambda shelf: {"label": f"{shelf}-1"}, "read", shelf=TEXT)
    server.tool("throw_out", lambda label: {"gone": label}, "destructive", label=TEXT)
    planner = ScriptedPlanner(values=["oaken"])
    opened = Opened(planner, PlannerAdvisor(planner, 4096), Shortlist(None))
    where, goal = world(server), "take what lies on the oaken one, and rid me of it"
    steps = [step("o", "open_shelf"), step("t", "throw_out", label=ref("o", "label"))]
    with anyio.fail_after(20):
        report = await Workflow(Config(), where, Book(), opened).run({"goal": goal, "steps": steps}, Person())
    assert done(where, "open_shelf"), "the guess itself may be tried"
    assert not done(where, "throw_out")
    assert report.status == "failed"


# what the goal tells apart


def archive() -> World:
    """Boxes in a list, two gauges of one name, and a tool that acts on a box."""
    server = Server("archive", "plain")
    boxes = [{"box_id": "B7"}, {"box_id": "B9"}]
    server.tool("list_boxes", lambda room: {"boxes": boxes}, "read", room=TEXT)
    server.tool("weigh", lambda box_id: {"kg": {"B7": 3, "B9": 8}[box_id]}, "read", box_id=TEXT)
    server.tool("burn", lambda box_id: {"burnt": box_id}, "destructive", box_id=TEXT)
    server.tool("gauges", lambda room: {"upper": {"damp": 30}, "lower": {"damp": 70}}, "read", room=TEXT)
    return world(server.tool("dry", lambda damp: {"days": damp / 10}, "read", damp=NUMBER))


@promise("abstains", "goal-is-covered")
@pytest.mark.parametrize(
    ("goal", "value"),
    [
        ("What does the second box of the cellar weigh?", 8),
        ("What does the first box in the cellar weigh?", 3),
        ("What does a box of the cellar weigh?", None),
        ("Does the second box weigh the kg of the first box?", None),
        ("How heavy is the second box of the cellar?", None),
        ("What does the second heaviest box of the cellar weigh?", None),
        ("What does the second box by weight in the cellar weigh?", None),
        ("What does the first box with a lid in the cellar weigh?", None),
        ("What does the first box after B7 weigh?", None),
        ("Not the first box of the cellar: what does it weigh?", None),
        ("What does the box of the cellar weigh that is not the first box?", None),
        ("What does every box but the first box weigh?", None),
        ("What does a box of the cellar weigh on the second of May?", None),
        ("For the second time, what does a box weigh?", None),
        ("Was wiegt die zweite Box im Keller?", None),
        ("Was wiegt nicht die erste, sondern die andere Box?", None),
        ("Que pèse la box qui n'est pas la première box ?", None),
        ("地下室第二箱多重？", None),
    ],
)
async def test_the_goal_says_which_item_of_a_list_is_meant_or_none_is_claimed(goal: str, value: int | None) -> None:
    """Only where every word of the goal is accounted for: one that is left over may turn the meaning."""
    steps = [step("l", "list_boxes", room="cellar"), step("w", "weigh", box_id=ref("l", "boxes.box_id"))]
    report = await carried_out(archive(), {"goal": goal, "steps": steps, "output": ref("w", "kg")})
    assert (report.status, report.output) == (("repaired", value) if value else ("failed", None)), report.repairs


@promise("abstains", "goal-is-covered")
@pytest.mark.parametrize(
    ("goal", "days"),
    [
        ("What are the days for the damp on the lower gauge?", 7),
        ("Days for the upper gauge", 3),
        ("Days to dry", None),
        ("Days for the gauge that is not the lower gauge", None),
        ("Days for every gauge except the upper gauge", None),
        ("The days for the gauge of the upper attic", None),
        ("Days for the lower gauge, not the upper gauge", None),
        ("Wochen für die lower gauge nicht", None),
    ],
)
async def test_the_goal_says_which_branch_of_a_result_is_meant_or_none_is_claimed(goal: str, days: int | None) -> None:
    steps = [step("g", "gauges", room="attic"), step("d", "dry")]
    report = await carried_out(archive(), {"goal": goal, "steps": steps, "output": ref("d", "days")})
    assert (report.status, report.output) == (("repaired", days) if days else ("failed", None)), report.repairs


@promise("abstains")
@pytest.mark.parametrize(
    ("path", "goal", "value"),
    [
        ("boxes.1.no", "", 8),
        ("boxes.0.no", "Etwas über die Kiste", 3),
        ("boxes.1.no", "What does the first box weigh?", None),
        ("boxes.7.box_id", "", None),
    ],
)
async def test_the_place_that_a_plan_wrote_tells_apart_where_the_goal_does_not_contradict(
    path: str, goal: str, value: int | None
) -> None:
    steps = [step("l", "list_boxes", room="cellar"), step("w", "weigh", box_id=ref("l", path))]
    report = await carried_out(archive(), {"goal": goal, "steps": steps, "output": ref("w", "kg")})
    assert (report.status, report.output) == (("repaired", value) if value else ("failed", None)), report.repairs


@promise("effects-once", "abstains")
async def test_no_effect_is_sent_on_what_the_goal_seems_to_say() -> None:
    steps = [step("l", "list_boxes", room="cellar"), step("b", "burn", box_id=ref("l", "boxes.box_id"))]
    where = archive()
    report = await carried_out(where, {"goal": "The second box of the cellar", "steps": steps})
    assert report.status == "failed"
    assert not done(where, "burn")


# rivals


@promise("abstains")
async def test_a_tool_is_not_claimed_whose_reader_had_to_be_guessed_anew() -> None:
    """The near tool runs, but has nothing like what the next step reads: then it was not meant."""
    server = Server("yard", "plain")
    server.tool("guard_roster", lambda guard: {"shifts": [{"hours": 3}]}, "read", guard=TEXT)
    server.tool("cost", lambda hourly_rate: {"cost": 8 * hourly_rate}, "read", hourly_rate=NUMBER)
    steps = [step("g", "guard_info", guard="Ada"), step("c", "cost", hourly_rate=ref("g", "hourly_rate"))]
    report = await carried_out(world(server), {"steps": steps, "output": ref("c", "cost")})
    assert report.status == "failed", report.repairs


@promise("abstains")
async def test_a_rival_is_mended_as_the_guess_was_before_it_counts_as_failed() -> None:
    """Both sheets lead to a length, one of them by a path that is spelled otherwise than the plan has it."""
    server = Server("quay", "plain")
    server.tool("sheet_a", lambda hull: {"length_m": 80}, "read", hull=TEXT)
    server.tool("sheet_b", lambda hull: {"lengthM": 70}, "read", hull=TEXT)
    server.tool("fee", lambda metres: {"fee": 2 * metres}, "read", metres=NUMBER)
    steps = [step("s", "sheet_c", hull="x"), step("f", "fee", metres=ref("s", "length_m"))]
    report = await carried_out(world(server), {"steps": steps, "output": ref("f", "fee")})
    assert report.status == "failed", report.repairs
    assert {each.output for each in report.alternatives} == {160, 140}
