"""A last step that is no call but hands back what others returned is the plan's output."""

# pyright: basic
from __future__ import annotations

from typing import Any

import pytest

from tests.fakes import NUMBER, TEXT, Server, carried_out, ref, step, world
from tests.promises import promise


def kitchen() -> Server:
    return Server("küche").tool("wiegen", lambda was: {"gramm": 250}, was=TEXT)


@promise("dialects-are-spelling")
@pytest.mark.parametrize("name", ["output", "final", "final_answer", "finalAnswer", "Return", "answer"])
async def test_a_step_that_hands_back_is_the_output(name: str) -> None:
    where = world(kitchen())
    steps = [step("a", "wiegen", was="Mehl"), step("z", name, menge=ref("a", "gramm"), satz="{{a.gramm}} g")]
    report = await carried_out(where, {"steps": steps})
    assert report.status == "succeeded", report.problems
    assert report.output == {"menge": 250, "satz": "250 g"}
    assert report.repairs == []
    assert [note["rule"] for note in (each.model_dump() for each in report.normalised)] == ["output_step"]
    assert [each["id"] for each in report.plan["steps"]] == ["a"]


@promise("dialects-are-spelling", "abstains")
@pytest.mark.parametrize(
    "plan",
    [
        {"steps": [step("a", "wiegen", was="Mehl"), step("z", "finish", menge=ref("a", "gramm"))]},
        {"steps": [step("a", "wiegen", was="Mehl"), step("z", "output", text="250 g")]},
        {"steps": [step("z", "output", menge=ref("a", "gramm")), step("a", "wiegen", was="Mehl")]},
        {"steps": [step("a", "wiegen", was="Mehl"), step("z", "output", m=ref("a"))], "output": {"m": ref("a")}},
        {"steps": [step("a", "wiegen", was="Mehl"), {**step("z", "output", m=ref("a")), "server": "küche"}]},
        {"steps": [step("a", "wiegen", was="Mehl"), step("b", "wiegen", was=ref("z")), step("z", "final", m=ref("a"))]},
    ],
)
async def test_any_other_step_is_a_call(plan: dict[str, Any]) -> None:
    report = await carried_out(world(kitchen()), plan)
    assert report.status == "failed"
    assert "z" in [each["id"] for each in report.plan["steps"]]
    assert "unknown_tool" in [problem.kind for problem in report.problems]


@promise("dialects-are-spelling")
async def test_a_tool_of_that_name_is_called() -> None:
    where = world(kitchen(), Server("pult").tool("answer", lambda grams: {"spoken": grams}, "write", grams=NUMBER))
    steps = [step("a", "wiegen", was="Mehl"), step("z", "Answer", grams=ref("a", "gramm"))]
    report = await carried_out(where, {"steps": steps})
    assert ("answer", {"grams": 250}) in where.done, report.problems
