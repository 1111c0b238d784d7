"""What the model is told, word for word."""

from __future__ import annotations

from dataclasses import replace

import pytest
from inline_snapshot import snapshot

from proxy.planner import prompt
from proxy.planner.render import result_text, type_text
from proxy.repair.view.notes import note, summary
from schemas.plan import Ref, Step
from tests.planner.tools import ORDERS, PLAN, QUESTION, tool


def test_ranking() -> None:
    assert prompt.ranking(QUESTION, 2000) == snapshot("""\
You repair tool calls. Answer with the corrected call only.

Tools:
- find_customer(name: string (Full name)): Find a customer by name.
- list_orders(customer_id: integer (The number of the customer), state?: open|paid (Which orders)): List orders.

This call failed:
find = find_customer({"name": "Jane Roe"}) -> {"id": 7, "name": "Jane Roe", "tags": ["new", "vip"]}
orders = list_orders({"customer_id": "$find.name"})
Error: customer_id: Input should be a valid integer

The goal: List the orders of Jane Roe.
Write the call that reaches the goal.\
""")


def test_a_candidate_is_written_as_its_changed_steps() -> None:
    mended = replace(PLAN.steps[1], arguments={"customer_id": Ref("find", "id").json()})
    added = Step("login", "login", {"user": "me"})
    assert prompt.repaired(QUESTION, PLAN.with_step(mended)) == snapshot('list_orders({"customer_id": "$find.id"})')
    assert prompt.repaired(QUESTION, replace(PLAN, steps=(added, *PLAN.steps))) == snapshot('login({"user": "me"})')
    assert prompt.repaired(QUESTION, replace(PLAN, output=Ref("find", "id").json())) == snapshot("""\
list_orders({"customer_id": "$find.name"})
output = {"$ref": "find", "path": "id"}\
""")


def test_an_argument() -> None:
    assert prompt.value(QUESTION, ("customer_id",), ORDERS, 2000).splitlines()[-1] == snapshot(
        "Write the right value of customer_id (The number of the customer) as JSON."
    )


def test_a_missing_step() -> None:
    assert prompt.added_step(QUESTION, 2000) == snapshot("""\
You repair tool calls. Answer with the corrected call only.

Tools:
- find_customer(name: string (Full name)): Find a customer by name.
- list_orders(customer_id: integer (The number of the customer), state?: open|paid (Which orders)): List orders.

This call failed:
find = find_customer({"name": "Jane Roe"}) -> {"id": 7, "name": "Jane Roe", "tags": ["new", "vip"]}
orders = list_orders({"customer_id": {"$ref": "find", "path": "name"}})
Error: customer_id: Input should be a valid integer

The goal: List the orders of Jane Roe.
A step is missing before orders. Write that step as JSON.\
""")


def test_another_plan() -> None:
    assert prompt.redesign(QUESTION, ["orders with the name: refused"], 2000) == snapshot("""\
Tools:
- find_customer(name: string (Full name)): Find a customer by name.
- list_orders(customer_id: integer (The number of the customer), state?: open|paid (Which orders)): List orders.

This plan failed:
find = find_customer({"name": "Jane Roe"}) -> {"id": 7, "name": "Jane Roe", "tags": ["new", "vip"]}
orders = list_orders({"customer_id": {"$ref": "find", "path": "name"}})

What was tried:
- orders with the name: refused

The goal: List the orders of Jane Roe.
Write another plan as JSON that reaches the goal in a different way.\
""")


def test_what_stays_the_same_stands_first() -> None:
    other = replace(QUESTION, error="something else", plan=replace(PLAN, goal="Another goal."))
    left, right = prompt.ranking(QUESTION, 2000), prompt.added_step(other, 2000)
    shared = next(index for index, (a, b) in enumerate(zip(left, right, strict=False)) if a != b)
    assert left[:shared].endswith('"customer_id": ')


@pytest.mark.parametrize("tokens", [2000, 400, 250, 150])
def test_a_prompt_is_shortened_until_it_fits(tokens: int) -> None:
    wide = tuple(tool(f"tool_{n}", {"a": {"type": "string"}}, description="many words " * 50) for n in range(30))
    text = prompt.ranking(replace(QUESTION, tools=wide), tokens)
    assert len(text) <= tokens * prompt.CHARACTERS_PER_TOKEN
    assert "List the orders of Jane Roe." in text


def test_types_in_a_word() -> None:
    root = {"$defs": {"P": {"type": "object", "properties": {"x": {}, "y": {}}}}}
    assert type_text({"$ref": "#/$defs/P"}, root) == "{x, y}"
    assert type_text({"anyOf": [{"type": "integer"}, {"type": "null"}]}, root) == "integer"
    assert type_text({"type": "array", "items": {"type": "string", "format": "date"}}, root) == "[date]"
    assert type_text({"enum": list(range(20))}, root).endswith("11|...")
    assert type_text({}, root) == "any"


def test_a_result_is_cut_from_its_depths() -> None:
    value = {"items": [{"id": n, "text": "word " * 40} for n in range(50)], "total": 50}
    assert result_text(value, 120) == snapshot(
        '{"items": [{"id": 0, "text": "word word word word..."}, "... 49 more"], "total": 50}'
    )
    assert result_text("x" * 500, 20) == snapshot('"xxxxxxxxxxxx..."')


@pytest.mark.parametrize(
    "description",
    [
        "Compute.\n\nArgs:\n    weight: In kilograms\n    height: In cm\n",
        "Compute.\n\nParameters:\n-----------\nweight : float\n    In kilograms\nheight : float\n    In cm\n",
        "Compute.\n\nArgs:\n    weight (float): In kilograms\n",
    ],
)
def test_notes_on_arguments_are_found_in_docstrings(description: str) -> None:
    found = tool("bmi", {"weight": {"type": "number"}}, description=description)
    assert note(found, "weight") == "In kilograms"
    assert summary(found) == "Compute."
