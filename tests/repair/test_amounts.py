"""Amounts that a goal states, and arguments that they fill by their units."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.repair.read.diagnose import view_of
from proxy.repair.rules.goal_amount import Amount, amounts, dropped_conversion
from proxy.repair.view.notes import alternatives, described
from proxy.repair.view.opposites import opposite
from proxy.repair.view.step import Evidence
from schemas.catalog import Tool, catalog_of
from schemas.edit import Confidence, SetArgument
from schemas.plan import Plan, Step
from schemas.problem import DanglingDependency

_DOC = """Work out the push.

    Args:
        mass: Mass in kilograms (must be positive)
        speed: Speed in m/s
        label: What to call it
"""


def _push() -> Tool:
    properties = {"mass": {"type": "number"}, "speed": {"type": "number"}, "label": {"type": "string"}}
    schema = {"type": "object", "properties": properties, "required": ["mass", "speed"]}
    return Tool("lab", "push", "lab__push", {"name": "push", "description": _DOC, "inputSchema": schema})


def _converted(goal: str, arguments: dict[str, Any]) -> tuple[Any, Confidence] | None:
    step = Step("p", "push", arguments, "lab")
    here = view_of(Plan((step,), goal), step, Evidence(catalog_of([_push()])))
    lost = DanglingDependency(step="p", at=("mass",), target=arguments["mass"]["$ref"], message="")
    found = list(dropped_conversion(lost, here))
    if not found:
        return None
    (edit,) = found[0].edits
    assert isinstance(edit, SetArgument)
    return edit.value, found[0].confidence


@pytest.mark.parametrize(
    ("goal", "found"),
    [
        ("a van of 2,200 kg in a bend", (Amount(2200, "kg"),)),
        ("at 60 miles per hour, 39 inches long", (Amount(60, "miles per hour"), Amount(39, "inches"))),
        ("paint it '#3366cc' at 09:15, on page 7", ()),
        ("creatinine 1.3 mg/dL", (Amount(1.3, "mg/dL"),)),
    ],
)
def test_amounts_are_numbers_with_a_unit_behind_them(goal: str, found: tuple[Amount, ...]) -> None:
    """Times, colours and bare numbers are none."""
    assert amounts(goal) == found


def test_the_reader_of_a_conversion_that_is_gone_gets_the_amount_converted() -> None:
    """Only where the path speaks of a conversion, and where the amount is in another unit."""
    lost = {"mass": {"$ref": "kg", "path": "converted_value"}, "speed": 2}
    assert _converted("push 10 pounds", lost) == (pytest.approx(4.5359237), Confidence.GUESS)
    assert _converted("push 10 kg", lost) is None
    other = {"mass": {"$ref": "kg", "path": "ideal_weight"}, "speed": 2}
    assert _converted("push 10 pounds", other) is None


def test_the_docstring_says_what_the_schema_does_not() -> None:
    """The described schema of an argument holds its line of the docstring."""
    assert described(_push(), "mass")["description"] == "Mass in kilograms (must be positive)"
    assert "description" not in _push().properties["mass"]


@pytest.mark.parametrize(
    ("text", "listed"),
    [
        ('Shape, "disk", "rod" or "box"', ("disk", "rod", "box")),
        ("Operation (mean, median, mode, etc.)", ("mean", "median", "mode")),
        ("A name, e.g. 'rope' or 'lamp'", ()),
        ("The length (in meters, or feet if set)", ()),
    ],
)
def test_a_description_may_list_the_values_that_are_taken(text: str, listed: tuple[str, ...]) -> None:
    """Examples are no such list."""
    assert alternatives(text) == listed


def test_the_halves_of_a_pair_are_never_each_other() -> None:
    """A source is no target, wherever in a path the word stands."""
    assert opposite("target.timezone", "source.timezone")
