"""Plans composed from what a goal states, and the part of a result that it asks for."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.planner.advisor import PlannerAdvisor
from proxy.planner.composing import Composer
from proxy.planner.fake import NoPlanner, ScriptedPlanner
from proxy.planner.stated import asked_unit, facts
from proxy.repair.edits import apply
from proxy.repair.search.advice import edits_between
from proxy.repair.search.completing import completed
from schemas.catalog import Tool, catalog_of
from schemas.plan import Plan, Step
from schemas.trial import StepRun, Verdict

NUMBER, TEXT, TRUTH = {"type": "number"}, {"type": "string"}, {"type": "boolean"}


def tool(name: str, description: str, required: dict[str, Any], **optional: Any) -> Tool:
    schema = {"type": "object", "properties": {**required, **optional}, "required": list(required)}
    hints = {"readOnlyHint": not name.startswith("delete")}
    return Tool(
        "lab",
        name,
        f"lab__{name}",
        {"name": name, "description": description, "inputSchema": schema, "annotations": hints},
    )


def converter(name: str, units: list[str]) -> Tool:
    unit = {"type": "string", "enum": units}
    return tool(name, f"Convert {name}.", {"value": NUMBER, "from_unit": unit, "to_unit": unit})


MASS = converter("convert_mass", ["pound", "kilogram", "gram"])
LENGTH = converter("convert_length", ["inch", "meter", "centimeter"])
ENERGY = converter("convert_energy", ["joule", "kilocalorie"])
LIFT = tool(
    "lift_energy",
    "Energy needed to lift a body.\n\nArgs:\n    mass: Mass in kilograms\n    height: Height in meters\n\n"
    "Returns:\n    - energy: Lifting energy in joules",
    {"mass": NUMBER, "height": NUMBER},
)
DOSE = tool(
    "dose", "Dose of a drug by age.\n\nArgs:\n    age: Age in years\n    female: True if female\n    level: Blood level",  # noqa: E501
    {"age": NUMBER, "female": TRUTH, "level": NUMBER},
)  # fmt: skip
LEVEL = tool("blood_level", "Blood level from a corrected count.", {"count": NUMBER})
ERASE = tool("delete_note", "Delete a note by title.", {"title": TEXT})
TOOLS = (LIFT, DOSE, LEVEL, MASS, LENGTH, ENERGY, ERASE)


async def composed(goal: str, *tools: Tool) -> Plan | None:
    shown = tools or TOOLS
    return await Composer(NoPlanner()).compose(goal, shown, catalog_of(shown))


async def test_a_fact_in_another_unit_goes_through_the_tool_that_converts_it() -> None:
    plan = await composed("Energy to lift a body with a mass of 20 pounds to a height of 3 meters.")
    assert plan is not None
    assert [step.tool for step in plan.steps] == ["convert_mass", "lift_energy"]
    assert plan.steps[0].arguments == {"value": 20, "from_unit": "pound", "to_unit": "kilogram"}
    assert plan.steps[1].arguments["mass"]["$ref"] == plan.steps[0].id
    assert plan.steps[1].arguments["height"] == 3


async def test_the_answer_is_told_in_the_unit_that_the_goal_asks_for() -> None:
    plan = await composed("Energy in kilocalories to lift a mass of 5 kilograms to a height of 3 meters.")
    assert plan is not None
    last = plan.steps[-1]
    assert (last.tool, last.arguments["from_unit"], last.arguments["to_unit"]) == (
        "convert_energy", "joule", "kilocalorie",
    )  # fmt: skip


async def test_what_the_goal_does_not_state_comes_from_a_tool_that_returns_it() -> None:
    plan = await composed("Dose for a 40 year old woman with a corrected count of 7.")
    assert plan is not None
    assert [step.tool for step in plan.steps] == ["blood_level", "dose"]
    assert plan.steps[1].arguments["age"] == 40
    assert plan.steps[1].arguments["female"] is True


@pytest.mark.parametrize("goal", ["Make coffee.", "Forget about it.", "Remove everything old."])
async def test_a_goal_that_states_too_little_is_not_composed(goal: str) -> None:
    assert await composed(goal) is None


async def test_a_model_chooses_between_tools_that_use_the_goal_alike() -> None:
    twins = (
        tool("north_index", "Index of a town.", {"town": TEXT}),
        tool("south_index", "Index of a town.", {"town": TEXT}),
    )
    goal = "Index of the town 'Elm'."
    for wanted in ("north_index", "south_index"):
        planner = ScriptedPlanner(score=lambda context, option, name=wanted: float(name in option and "Elm" in context))
        plan = await Composer(planner).compose(goal, twins, catalog_of(twins))
        assert plan is not None
        assert plan.steps[-1].tool == wanted


async def test_a_value_that_nothing_states_is_written_by_the_model() -> None:
    note = tool(
        "find_note", "Find notes of a town by topic.", {"town": TEXT, "topic": {"type": "array", "items": TEXT}}
    )
    planner = ScriptedPlanner(values=[["floods"]])
    plan = await PlannerAdvisor(planner, 4096).plan(
        "Notes of the town 'Elm' on high water.", (note,), catalog_of((note,))
    )
    assert plan is not None
    assert plan.steps[0].arguments == {"town": "Elm", "topic": ["floods"]}


@pytest.mark.parametrize(
    ("goal", "value", "given", "path"),
    [
        ("Give the BMI.", {"bmi": 25.8, "bsa": 1.9, "kind": "normal"}, {}, "bmi"),
        ("Twelve pounds in grams?", {"original": 12, "converted_value": 5443.1, "unit": "gram"}, {"value": 12}, "converted_value"),  # noqa: E501
        ("Score it.", {"result": 24}, {}, "result"),
        ("List the towns.", {"towns": [{"name": "A", "size": 1}, {"name": "B", "size": 2}], "seas": ["x"]}, {}, ""),
        ("Read it.", "plain text", {}, ""),
    ],
)  # fmt: skip
async def test_the_part_that_the_goal_asks_for_is_the_answer(goal: str, value: Any, given: Any, path: str) -> None:
    run = StepRun("s1", "lab", "t", given, Verdict.OK, value=value)
    assert await Composer(NoPlanner()).answer(goal, run) == path


def test_facts_keep_their_units_and_names_keep_their_numbers() -> None:
    found = {fact.value: fact.unit for fact in facts("Run 5 km at 60 miles per hour by 09:30, see data/a.csv.")}
    assert found[5] == "km"
    assert found[60] == "miles per hour"
    assert {"09:30", "data/a.csv"} <= set(found)
    assert asked_unit("Speed in knots of 5 km") == "knots"


def test_a_plan_is_completed_only_by_adding_steps() -> None:
    mine = Plan((Step("r", "dose", {"age": 4, "level": {"$ref": "e", "path": "x"}}, "lab"),), goal="g")
    whole = (
        Step("s1", "level", {"n": 1}, "lab"),
        Step("s2", "dose", {"age": 4.0, "level": {"$ref": "s1", "path": "x"}}, "lab"),
    )
    plan = completed(mine, Plan(whole))
    assert plan is not None
    assert [step.id for step in plan.steps] == ["s1", "r"]
    assert plan.by_id["r"].arguments["level"] == {"$ref": "s1", "path": "x"}
    assert apply(mine, edits_between(mine, plan)) == plan
    assert completed(mine, Plan((whole[0], Step("s2", "dose", {"age": 5}, "lab")))) is None
