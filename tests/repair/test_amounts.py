"""Amounts that a goal states, and arguments that they fill by their units."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.repair.read.diagnose import view_of
from proxy.repair.rules.amounts import Amount, amounts, dropped_conversion, missing_amount
from proxy.repair.view.notes import alternatives, described
from proxy.repair.view.opposites import opposite
from proxy.repair.view.step import Evidence
from schemas.catalog import Tool, catalog_of
from schemas.edit import Confidence, SetArgument
from schemas.plan import Plan, Step
from schemas.problem import DanglingDependency, MissingArgument

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


def _set(goal: str, arguments: dict[str, Any], name: str, *, dangling: bool) -> tuple[Any, Confidence] | None:
    step = Step("p", "push", arguments, "lab")
    here = view_of(Plan((step,), goal), step, Evidence(catalog_of([_push()])))
    if dangling:
        lost = DanglingDependency(step="p", at=(name,), target=arguments[name]["$ref"], message="")
        found = list(dropped_conversion(lost, here))
    else:
        found = list(missing_amount(MissingArgument(step="p", at=(name,), name=name, message=""), here))
    if not found:
        return None
    (proposal,) = found
    (edit,) = proposal.edits
    assert isinstance(edit, SetArgument)
    return edit.value, proposal.confidence


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


def test_a_missing_number_takes_the_one_amount_in_its_unit() -> None:
    """As it is, and surely; in another unit of the same kind it is converted, and a guess."""
    assert _set("push 12 kg", {"speed": 2}, "mass", dangling=False) == (12, Confidence.EVIDENT)
    assert _set("push 12 kg at 36 kilometers per hour", {"mass": 12}, "speed", dangling=False) == (
        pytest.approx(10.0),
        Confidence.GUESS,
    )


@pytest.mark.parametrize(
    ("goal", "arguments"),
    [("push 12 kg or 13 kg", {"speed": 2}), ("push 12 meters", {"speed": 2}), ("push 12 kg", {"label": "12 of them"})],
)
def test_two_amounts_another_measure_or_a_used_number_fill_nothing(goal: str, arguments: dict[str, Any]) -> None:
    """Nothing singles the amount out, or it was meant for something else."""
    assert _set(goal, arguments, "mass", dangling=False) is None


def test_the_reader_of_a_conversion_that_is_gone_gets_the_amount_converted() -> None:
    """Only where the path speaks of a conversion, and where the amount is in another unit."""
    lost = {"mass": {"$ref": "kg", "path": "converted_value"}, "speed": 2}
    assert _set("push 10 pounds", lost, "mass", dangling=True) == (pytest.approx(4.5359237), Confidence.GUESS)
    assert _set("push 10 kg", lost, "mass", dangling=True) is None
    other = {"mass": {"$ref": "kg", "path": "ideal_weight"}, "speed": 2}
    assert _set("push 10 pounds", other, "mass", dangling=True) is None


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
