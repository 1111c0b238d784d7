"""Plans composed from what a goal states, with a model to choose and without one."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.planner.advisor import PlannerAdvisor
from proxy.planner.composing import Composer
from proxy.planner.opening import NoPlanner
from proxy.ports import Planner
from proxy.repair.edits import apply
from proxy.repair.search.advice import edits_between
from proxy.repair.search.completing import completed
from proxy.repair.search.grounding import invented
from schemas.catalog import Tool, catalog_of
from schemas.plan import Plan, Step
from schemas.trial import StepRun, Verdict
from tests.fakes import ScriptedPlanner

NUMBER, TEXT, TRUTH = {"type": "number"}, {"type": "string"}, {"type": "boolean"}


def tool(name: str, description: str, required: dict[str, Any], **optional: Any) -> Tool:
    schema = {"type": "object", "properties": {**required, **optional}, "required": list(required)}
    hints = {"readOnlyHint": not name.startswith(("delete", "create", "write"))}
    raw = {"name": name, "description": description, "inputSchema": schema, "annotations": hints}
    return Tool("lab", name, f"lab__{name}", raw)


def converter(name: str, units: list[str]) -> Tool:
    unit = {"type": "string", "enum": units}
    return tool(name, f"Convert {name}.", {"value": NUMBER, "from_unit": unit, "to_unit": unit})


def about(text: str, **schema: Any) -> dict[str, Any]:
    return {"type": "string", "description": text, **schema}


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

ISSUES = tool(
    "list_issues", "List the issues of a repository.",
    {"owner": about("Owner of the repository"), "repo": about("Name of the repository")},
    state=about("Which issues", enum=["open", "closed"]), limit={"type": "integer"},
)  # fmt: skip
READ = tool("read_text_file", "Read a file as text.", {"path": TEXT})
GREP = tool("search_files", "Search files that match a pattern.", {"path": TEXT, "pattern": about("Glob pattern")})
WRITE = tool("write_file", "Write text to a file.", {"path": TEXT, "content": TEXT})
EVENTS = tool("list_events", "List the events of a day.", {"date": about("Day", format="date")})
FREE = tool(
    "find_slot", "Find a free slot on a day.",
    {"date": about("Day", format="date"), "duration": {"type": "integer", "description": "Length in minutes"}},
)  # fmt: skip
CREATE = tool("create_event", "Create an event.", {"title": TEXT, "date": about("Day", format="date")})
ROWS = tool("count_rows", "Count the rows of a table.", {"table": about("Name of the table")})
CUSTOMER = Tool(
    "shop", "find_customer", "shop__find_customer",
    {
        "name": "find_customer", "description": "Find a customer.", "annotations": {"readOnlyHint": True},
        "inputSchema": {"type": "object", "properties": {"email": about("", format="email")}, "required": ["email"]},
        "outputSchema": {"type": "object", "properties": {"customer_id": {"type": "integer"}, "name": TEXT}},
    },
)  # fmt: skip
ORDERS = tool("list_orders", "List the orders of a customer.", {"customer_id": {"type": "integer"}})
FORECAST = tool("forecast", "Weather forecast of a city.", {"city": about("Name of the city")})
OFFICE = (ISSUES, READ, GREP, WRITE, EVENTS, FREE, CREATE, ROWS, CUSTOMER, ORDERS, FORECAST)


async def composed(goal: str, *tools: Tool, planner: Planner | None = None) -> Plan | None:
    shown = tools or TOOLS
    found = await Composer(planner or NoPlanner()).plans(goal, shown, catalog_of(shown), 1)
    for plan in found:
        made_up = [each.partition(": ")[2] for each in invented(plan, shown, [goal], [])]
        assert all(text in goal for text in made_up), "in a script without spaces a word ends where the next begins"
    return found[0] if found else None


def prefers(*texts: str, goal: str) -> Planner:
    """A planner for which an option is likelier the more of these texts it is or holds, once it knows the goal."""

    def score(context: str, option: str) -> float:
        return float(goal in context) * sum(text == option or f'"{text}"' in option or text in option for text in texts)

    return ScriptedPlanner(score=score)


def calls(plan: Plan | None) -> list[tuple[str, Any]]:
    return [(step.tool, step.arguments) for step in plan.steps] if plan is not None else []


async def test_a_fact_in_another_unit_goes_through_the_tool_that_converts_it() -> None:
    plan = await composed("Energy to lift a body with a mass of 20 pounds to a height of 3 meters.")
    assert plan is not None
    assert [step.tool for step in plan.steps] == ["convert_mass", "lift_energy"]
    assert plan.steps[0].arguments == {"value": 20, "from_unit": "pound", "to_unit": "kilogram"}
    assert plan.steps[1].arguments["mass"]["$ref"] == plan.steps[0].id
    assert plan.steps[1].arguments["height"] == 3


async def test_without_such_a_tool_an_amount_is_converted_and_never_across_dimensions() -> None:
    goal = "Energy to lift a body with a mass of 20 pounds to a height of 3 meters."
    shown = (LIFT, ERASE)
    plan = (await Composer(NoPlanner()).plans(goal, shown, catalog_of(shown), 1))[0]
    assert plan.steps[0].arguments == {"mass": pytest.approx(9.071847), "height": 3}
    assert await composed("Energy to lift 20 pounds in 3 seconds, please.", LIFT, ERASE) is None


async def test_the_answer_is_told_in_the_unit_that_the_goal_asks_for() -> None:
    plan = await composed("Energy in kilocalories to lift a mass of 5 kilograms to a height of 3 meters.")
    assert plan is not None
    last = plan.steps[-1]
    assert (last.tool, last.arguments["from_unit"], last.arguments["to_unit"]) == (
        "convert_energy", "joule", "kilocalorie",
    )  # fmt: skip


async def test_what_the_goal_does_not_state_comes_from_a_tool_that_returns_it() -> None:
    goal = "Dose for a 40 year old woman with a corrected count of 7."
    assert await composed(goal) is None, "whether a woman is female, no rule tells"
    plan = await composed(goal, planner=prefers("dose", '"female": true', goal=goal))
    assert plan is not None
    assert [step.tool for step in plan.steps] == ["blood_level", "dose"]
    assert plan.steps[1].arguments["age"] == 40
    assert plan.steps[1].arguments["female"] is True


@pytest.mark.parametrize("goal", ["Make coffee.", "Forget about it.", "Remove everything old.", "Löschen!", ""])
async def test_a_goal_that_states_too_little_is_not_composed(goal: str) -> None:
    assert await composed(goal) is None


@pytest.mark.parametrize(
    ("goal", "steps"),
    [
        ("Quels sont mes rendez-vous du 2026-11-30 ?", []),
        ("Freie Zeit von 45 min am 2026-12-01", [("find_slot", {"date": "2026-12-01", "duration": 45})]),
        ("Find files that match '*.csv' in /data/x.", [("search_files", {"path": "/data/x", "pattern": "*.csv"})]),
        ("Read the file σημειώσεις/λίστα.txt", [("read_text_file", {"path": "σημειώσεις/λίστα.txt"})]),
        ("注文一覧: ann@example.org", []),
        (
            "List the orders of ann@example.org.",
            [
                ("find_customer", {"email": "ann@example.org"}),
                ("list_orders", {"customer_id": {"$ref": "s1", "path": "customer_id"}}),
            ],
        ),
    ],
)
async def test_without_a_model_only_what_leaves_no_doubt_is_composed(goal: str, steps: list[Any]) -> None:
    assert calls(await composed(goal, *OFFICE)) == steps


@pytest.mark.parametrize(
    ("goal", "texts", "steps"),
    [
        (
            "Zeige die Issues von octo/hello-world.",
            ("list_issues", '"owner": "octo"', '"repo": "hello-world"'),
            [("list_issues", {"owner": "octo", "repo": "hello-world"})],
        ),
        ("Διάβασε το αρχείο λίστα/α.txt", ("read_text_file",), [("read_text_file", {"path": "λίστα/α.txt"})]),
        ("東京の天気を教えてください。", ("forecast", '"city": "東京"'), [("forecast", {"city": "東京"})]),
        (
            "Combien de lignes a la table commandes ?",
            ("count_rows", '"commandes"'),
            [("count_rows", {"table": "commandes"})],
        ),
        (
            "注文一覧: ann@example.org",
            ("list_orders",),
            [
                ("find_customer", {"email": "ann@example.org"}),
                ("list_orders", {"customer_id": {"$ref": "s1", "path": "customer_id"}}),
            ],
        ),
    ],
)  # fmt: skip
async def test_a_model_chooses_the_tool_and_the_values(goal: str, texts: tuple[str, ...], steps: list[Any]) -> None:
    assert calls(await composed(goal, *OFFICE, planner=prefers(*texts, goal=goal))) == steps


async def test_a_listed_value_that_the_goal_does_not_make_likelier_is_not_guessed() -> None:
    paint = tool("paint", "Preview a colour.", {"shade": about("Shade", enum=["red", "green", "blue"])})
    goal = "Paint a preview of it."
    assert await composed(goal, paint, planner=ScriptedPlanner(score=lambda _, option: float("red" in option))) is None
    plan = await composed(goal, paint, planner=prefers("paint", "green", goal=goal))
    assert calls(plan) == [("paint", {"shade": "green"})]


@pytest.mark.parametrize(
    ("goal", "steps"),
    [
        ("Create the event 'Tea' on 2026-11-30.", [("create_event", {"title": "Tea", "date": "2026-11-30"})]),
        ("Create an event for tea on 2026-11-30.", []),
        ("Erstelle Tee am 2026-11-30.", []),
        ("Delete the note 'Old'.", [("delete_note", {"title": "Old"})]),
        ("What is in the note 'Old'?", []),
    ],
)
async def test_a_tool_that_may_change_something_must_be_named_and_given_what_the_goal_holds(
    goal: str, steps: list[Any]
) -> None:
    assert calls(await composed(goal, EVENTS, CREATE, ERASE, FORECAST)) == steps


async def test_a_model_must_clearly_mean_a_tool_that_may_change_something() -> None:
    goal, shown = "Erstelle 'Tee' am 2026-11-30.", (CREATE, ERASE, FORECAST)
    for lead, steps in ((5.0, 1), (0.05, 0)):

        def score(context: str, option: str, lead: float = lead) -> float:
            return lead * float("create" in option and goal in context) - 1.3 * float("delete" not in option)

        found = await Composer(ScriptedPlanner(score=score)).plans(goal, shown, catalog_of(shown), 1)
        assert sum(len(plan.steps) for plan in found) == steps


async def test_a_model_chooses_between_tools_that_use_the_goal_alike_and_rivals_follow() -> None:
    twins = (
        tool("north_index", "Index of a town.", {"town": TEXT}),
        tool("south_index", "Index of a town.", {"town": TEXT}),
    )
    goal = "Index of the town 'Elm'."
    for wanted in ("north_index", "south_index"):

        def score(context: str, option: str, name: str = wanted) -> float:
            return 0.2 * float(name in option and "Elm" in context)

        advisor = PlannerAdvisor(ScriptedPlanner(score=score), 4096)
        plans = await advisor.plans(goal, twins, catalog_of(twins), 3)
        assert plans[0].steps[0].tool == wanted
        assert len(plans) == 2
        assert (await advisor.plans(goal, twins, catalog_of(twins), 1)) == plans[:1]


@pytest.mark.parametrize(
    ("goal", "value", "given", "path"),
    [
        ("Give the BMI.", {"bmi": 25.8, "bsa": 1.9, "formulas": {"bmi": "w/h²"}}, {}, "bmi"),
        (
            "Twelve pounds in grams?",
            {"original": 12, "converted_value": 5443.1, "unit": "gram"},
            {"value": 12.0, "to": "grams"},
            "converted_value",
        ),
        ("Score it.", {"result": 24}, {}, "result"),
        ("Zwei Werte.", {"a": 1, "b": 2}, {}, ""),
        ("List the towns.", {"towns": [{"name": "A", "size": 1}, {"name": "B", "size": 2}], "seas": ["x"]}, {}, ""),
        ("Read it.", "plain text", {}, ""),
    ],
)
async def test_the_part_that_the_goal_asks_for_is_the_answer(goal: str, value: Any, given: Any, path: str) -> None:
    run = StepRun("s1", "lab", "t", given, Verdict.OK, value=value)
    assert await PlannerAdvisor(NoPlanner(), 4096).answer(goal, run) == path


async def test_a_model_chooses_the_answer_among_what_was_not_given() -> None:
    run = StepRun("s1", "lab", "t", {"city": "Lyon"}, Verdict.OK, value={"city": "Lyon", "t": 12, "wind": 3})
    advisor = PlannerAdvisor(ScriptedPlanner(score=lambda _, option: float(option.startswith(("t:", "city")))), 4096)
    assert await advisor.answer("Quelle température fait-il à Lyon ?", run) == "t"


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
