"""A required argument takes the value that its description states for the case that none is given."""

# pyright: basic
from __future__ import annotations

from typing import Any

import pytest

from proxy.repair.view.notes import stated_default
from tests.desks import Desk, done, repairs
from tests.fakes import BOOLEAN, INTEGER, TEXT, Server, carried_out, step, world
from tests.promises import promise


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Rows per page, defaults to 10.", "10"),
        ("Rows (default: 25, at most 100)", "25"),
        ("Currency. Default is EUR", "EUR"),
        ("Units, default 'metric'", "metric"),
        ('City (e.g. "Rome", "Oslo"). Use "Bern" as home if no city provided by the user.', "Bern"),
        ("If not given, use `de_CH`.", "de_CH"),
        ("Whether to fold, defaulting to true", "true"),
        # says none, or two
        ("Defaults to the current user", None),
        ("by default all rows are returned", None),
        ("the default branch", None),
        ("default: 5 for lists, default: 10 for trees", None),
        ("Use 'a' or 'b'", None),
        ("Use 'a' for short names", None),
        ("", None),
    ],
)
def test_a_description_is_read_for_its_default(text: str, value: str | None) -> None:
    assert stated_default(text) == value


def clinic(effect: str = "read", **schemas: Any) -> Server:
    return Server("klinik").tool("zeiten", lambda **given: given, effect, **schemas)


CASES: list[tuple[dict[str, Any], Any]] = [
    ({**INTEGER, "description": "Wochen im Voraus (default: 14)"}, 14),
    ({**TEXT, "description": "Station. Use 'Nord' if none is specified."}, "Nord"),
    ({**BOOLEAN, "description": "nur freie; defaults to false"}, False),
]


@promise("missing-is-filled-by-evidence")
@pytest.mark.parametrize(("schema", "value"), CASES)
async def test_on_a_reading_tool_it_is_filled_in_as_a_guess(schema: dict[str, Any], value: Any) -> None:
    desk = Desk(clinic(was=schema))
    result = await desk.result("zeiten", {})
    assert [(repair["rule"], repair["confidence"]) for repair in repairs(result)] == [("stated_default", "guess")]
    assert done(desk.world, "zeiten") == [{"was": value}]


@promise("guess-only-where-nothing-changes", "abstains")
@pytest.mark.parametrize(("schema", "value"), CASES)
@pytest.mark.parametrize("effect", ["write", "unknown"])
async def test_elsewhere_it_is_only_suggested(schema: dict[str, Any], value: Any, effect: str) -> None:
    desk = Desk(Server("klinik").tool("buchen", lambda **given: given, effect, was=schema))
    assert (await desk.result("buchen", {}))["isError"]
    assert desk.world.done == []


@promise("missing-is-filled-by-evidence", "abstains")
@pytest.mark.parametrize("said", ["Wochen, defaults to none", "Wochen (default: soon)", "Wochen, default 'bald'"])
async def test_what_does_not_fit_is_not_filled_in(said: str) -> None:
    desk = Desk(clinic(was={**INTEGER, "description": said}))
    assert (await desk.result("zeiten", {}))["isError"]
    assert desk.world.done == []


@promise("missing-is-filled-by-evidence")
async def test_what_the_goal_says_comes_first() -> None:
    where = world(clinic(wochen={**INTEGER, "description": "defaults to 14"}))
    report = await carried_out(where, {"goal": "appointments of the next wochen: 3", "steps": [step("t", "zeiten")]})
    assert done(where, "zeiten") == [{"wochen": 3}], report.problems


def zones() -> Server:
    said = 'Zone (e.g. "Europe/Rome"). Use "UTC" as home if no {} zone provided by the user.'
    return Server("uhr").tool(
        "shift",
        lambda **given: {"at": f"{given['von']}-{given['nach']}"},
        von={**TEXT, "description": said.format("source")},
        nach={**TEXT, "description": said.format("target")},
    )


@promise("missing-is-filled-by-evidence", "abstains")
@pytest.mark.parametrize(
    ("goal", "claimed"),
    [
        ("What is 09:30 of Asia/Tokyo in Asia/Kolkata?", False),
        ("東京の9時はコルカタの何時ですか", False),
        ("Wie spät ist es bei Oma?", False),
        ("", True),
        ("shift UTC", True),
    ],
)
async def test_a_goal_that_may_give_another_keeps_the_plan_from_being_claimed(goal: str, claimed: bool) -> None:
    submitted = {"goal": goal, "steps": [step("a", "shift", {})], "output": {"$ref": "a", "path": "at"}}
    report = await carried_out(world(zones()), submitted)
    assert (report.status, report.output) == ("repaired", "UTC-UTC") if claimed else report.status == "failed"
    assert claimed or any("the goal may give another" in problem.message for problem in report.problems)
