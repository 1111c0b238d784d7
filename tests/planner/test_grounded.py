"""What a written call may hold: what the goal or a result says, and nothing made up."""

from __future__ import annotations

import pytest

from proxy.planner.grounded import Ground, joined, needed, settled, unfounded
from proxy.repair.view.values import MISSING
from schemas.catalog import Json
from schemas.plan import Plan, Ref, Step
from tests.planner.tools import tool

ASK = tool(
    "run_query",
    {"query": {"type": "string"}, "limit": {"type": "integer", "default": 10}, "kind": {"enum": ["all", "new"]}},
    required=["query"],
    annotations={"readOnlyHint": True},
)
SAVE = tool("save", {"path": {"type": "string"}, "text": {"type": "string"}}, description="Saves a text.")
GOAL = "How many rows of the table towns have the name Lisbon? Save it to out/count.txt."


@pytest.mark.parametrize(
    ("query", "made_up"),
    [
        ("SELECT COUNT(*) FROM towns WHERE name = 'Lisbon'", []),
        ("SELECT COUNT(*) FROM towns WHERE name = 'Porto'", ["Porto"]),
        ("SELECT COUNT(*) FROM towns WHERE size > 7", ["7"]),
    ],
)
def test_of_a_text_that_only_reads_the_literals_in_it_must_stand_somewhere(query: str, made_up: list[str]) -> None:
    step = Step("s1", "run_query", {"query": query}, "shop")
    assert unfounded(step, ASK, Ground(GOAL, {})) == ([query] if made_up else [])


def test_of_a_text_that_is_written_each_word_must_stand_somewhere() -> None:
    ground = Ground(GOAL, {"s1": {"rows": 3}, "s2": MISSING})
    assert not unfounded(Step("s2", "save", {"path": "out/count.txt", "text": "3 rows"}, "shop"), SAVE, ground)
    assert unfounded(Step("s2", "save", {"path": "out/count.txt", "text": "4 rows"}, "shop"), SAVE, ground) == [
        "4 rows"
    ]
    assert unfounded(Step("s2", "save", {"path": "etc/passwd", "text": "3"}, "shop"), SAVE, ground) == ["etc/passwd"]


def test_an_optional_argument_that_says_nothing_or_is_made_up_is_left_out() -> None:
    step = Step("s1", "run_query", {"query": "Lisbon", "limit": 10, "kind": "new"}, "shop")
    assert settled(step, ASK, Ground(GOAL, {})).arguments == {"query": "Lisbon", "kind": "new"}
    step = Step("s1", "run_query", {"query": "", "limit": 25}, "shop")
    assert settled(step, ASK, Ground(GOAL, {})).arguments == {"query": ""}


def test_a_number_that_the_goal_states_is_founded_in_any_script() -> None:
    step = Step("s1", "run_query", {"query": "", "limit": 3}, "shop")
    assert settled(step, ASK, Ground("最新の3件だけ見せてください。", {})).arguments == {"query": "", "limit": 3}
    assert settled(step, ASK, Ground("最新の4件だけ見せてください。", {})).arguments == {"query": ""}


def test_a_path_that_is_read_is_the_one_that_the_goal_states() -> None:
    look = tool("look", {"path": {"type": "string"}}, annotations={"readOnlyHint": True})
    step = Step("s1", "look", {"path": "/home/me/out/count.txt"}, "shop")
    assert settled(step, look, Ground(GOAL, {})).arguments == {"path": "out/count.txt"}
    assert settled(step, SAVE, Ground(GOAL, {})).arguments == {"path": "/home/me/out/count.txt"}


@pytest.mark.parametrize(
    ("value", "joint"),
    [
        ("Marta Lund", Ref("s1", "name").json()),
        ("name = 'Marta Lund'", "name = '{{s1.name}}'"),
        ("one\ntwo", Ref("s1", "text").json()),
        ("Lisbon", "Lisbon"),
        ("no", "no"),
    ],
)
def test_what_repeats_a_result_becomes_a_reference(value: str, joint: Json) -> None:
    ground = Ground(GOAL, {"s1": {"name": "Marta Lund", "text": "one\ntwo\n", "town": "Lisbon", "x": "no"}})
    assert joined(Step("s2", "run_query", {"query": value}, "shop"), ground).arguments == {"query": joint}


def test_of_the_steps_before_the_last_only_those_stay_that_it_was_made_from() -> None:
    steps = (
        Step("s1", "read", {"path": "a"}, "shop"),
        Step("s2", "read", {"path": "b"}, "shop"),
        Step("s3", "look", {"name": Ref("s1", "name").json()}, "shop"),
        Step("s4", "run_query", {"query": "town = 'Aarhus'"}, "shop"),
    )
    values: dict[str, Json] = {"s1": {"name": "Marta Lund"}, "s2": {"town": "Lisbon"}, "s3": {"town": "Aarhus\n"}}
    kept = needed(Plan(steps, GOAL), values)
    assert [step.id for step in kept.steps] == ["s1", "s3", "s4"]
