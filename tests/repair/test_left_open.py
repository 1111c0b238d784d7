"""A repaired plan is not claimed while something in it stands for a value, or a better value was left aside."""

# pyright: basic
from __future__ import annotations

from typing import Any

import pytest

from tests.fakes import NUMBER, TEXT, Server, carried_out, ref, step, world
from tests.promises import promise


def press(**more: Any) -> Server:
    server = Server("druckerei").tool("satz", lambda zeilen: {"text": f"{zeilen} Zeilen"}, "read", zeilen=NUMBER)
    return server.tool("titel", lambda text: {"titel": text.upper()}, "read", text={**TEXT, **more})


def submitted(text: str, goal: str = "") -> dict[str, Any]:
    """An argument by another name is refused and mended, so that the plan is a repaired one."""
    steps = [step("a", "satz", zeilen_zahl=12), step("b", "titel", ["a"], text=text)]
    return {"goal": goal, "steps": steps, "output": {"n": ref("a", "text"), "t": ref("b", "titel")}}


@promise("abstains")
@pytest.mark.parametrize("text", ["<überschrift>", "TBD", "{text}", "YOUR_TITLE_HERE"])
async def test_a_text_that_stands_for_a_value_keeps_a_repaired_plan_from_being_claimed(text: str) -> None:
    report = await carried_out(world(press()), submitted(text))
    claimed = report.status == "repaired"
    sent = next(one.arguments["text"] for one in report.steps if one.id == "b")
    assert not claimed or sent != text


@promise("values-fit-their-schema")
async def test_what_the_goal_says_or_the_schema_lists_stands_for_itself() -> None:
    report = await carried_out(world(press()), submitted("TBD", goal='12 lines under the title "TBD"'))
    assert report.status == "repaired", report.problems
    report = await carried_out(world(press(enum=["pending", "ready"])), submitted("pending"))
    assert report.status == "repaired", report.problems


WEIGHT = {**NUMBER, "description": "Weight in kilograms"}


def clinic() -> tuple[Server, Server]:
    scales = Server("waage").tool("wiegen", lambda nr: {"gewicht_kg": 20.5}, "read", nr=NUMBER)
    ward = Server("station").tool("becher", lambda gewicht_kg: {"result": 61.5}, "read", gewicht_kg=WEIGHT)
    return scales, ward.tool("index", lambda gewicht_kg: {"wert": gewicht_kg}, "read", gewicht_kg=WEIGHT)


@promise("missing-is-filled-by-evidence", "abstains")
async def test_what_is_left_over_is_not_taken_where_another_result_is_in_the_wanted_unit() -> None:
    steps = [
        step("w", "wiegen", nr=3),
        step("b", "becher", gewicht_kg=ref("w", "gewicht_kg")),
        step("i", "index"),
    ]
    report = await carried_out(world(*clinic()), {"steps": steps, "output": ref("i", "wert")})
    assert (report.status, report.output) == ("failed", None)
