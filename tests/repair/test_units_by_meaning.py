"""Units are one where an amount of the one is the same amount of the other, however they are spelled."""

# pyright: basic
from __future__ import annotations

from typing import Any

import pytest

from proxy.repair.view.choices import choose
from proxy.repair.view.units import same_unit
from tests.desks import Desk, done, repairs
from tests.fakes import NUMBER, Server, carried_out, step, world
from tests.promises import promise

PAIRS = [
    ("kph", "km/h"),
    ("mph", "miles per hour"),
    ("mile_per_hour", "mi/hr"),
    ("kilo watt hour", "kWh"),
    ("kilowatt-hours", "kilowatt_hour"),
    ("gallon (US)", "US gallon"),
    ("UK gallon", "gallon (UK)"),
    ("litre", "L"),
    ("degF", "°F"),
    ("degrees Fahrenheit", "fahrenheit"),
    ("deg C", "Celsius"),
    ("m2", "square meters"),
    ("ft³", "cubic feet"),
    ("m·s⁻¹", "metres per second"),
    ("fl oz", "fluid ounces"),
    ("mmHg", "millimeter_Hg"),
]
NONE = [
    ("watt", "kWh"),
    ("kilowatt", "kilowatt hour"),
    ("gallon (US)", "gallon (UK)"),
    ("celsius", "kelvin"),
    ("pound", "pound-force"),
    ("megabyte", "megabit"),
    ("m", "m2"),
    ("mm", "m"),
    ("A4", "B4"),
    ("us", "US dollar"),
    ("day", "today"),
]


@pytest.mark.parametrize(("left", "right"), PAIRS)
def test_two_spellings_of_a_unit_are_one(left: str, right: str) -> None:
    assert same_unit(left, right)
    assert same_unit(right, left)


@pytest.mark.parametrize(("left", "right"), NONE)
def test_two_units_are_two(left: str, right: str) -> None:
    assert not same_unit(left, right)
    assert not same_unit(right, left)


@promise("values-fit-their-schema")
@pytest.mark.parametrize(
    ("sent", "allowed", "wanted"),
    [
        ("kilo watt hour", ["kWh", "J", "W"], "kWh"),
        ("Meilen", ["mile", "km"], None),
        ("mph", ["meter_per_second", "mile_per_hour", "kilometer_per_hour"], "mile_per_hour"),
        ("litre", ["gallon (US)", "l", "ml"], "l"),
        ("°F", ["degree_Celsius", "degree_Fahrenheit"], "degree_Fahrenheit"),
        # another unit of the same kind, or of another kind, is not what was said
        ("watt", ["kilowatt hour", "joule"], None),
        ("meter", ["square meter", "foot"], None),
        ("ton", ["metric ton", "kg"], None),
    ],
)
async def test_the_allowed_spelling_of_a_unit_is_sent(sent: str, allowed: list[str], wanted: str | None) -> None:
    desk = Desk(Server("maß").tool("messen", lambda **given: given, einheit={"enum": allowed}, wert=NUMBER))
    result = await desk.result("messen", {"wert": 1, "einheit": sent})
    expected: Any = [] if wanted is None else [{"wert": 1, "einheit": wanted}]
    assert done(desk.world, "messen") == expected
    assert wanted is None or [repair["confidence"] for repair in repairs(result)] == ["evident"]


def test_a_unit_that_two_allowed_ones_share_the_name_of_is_a_guess_with_a_rival() -> None:
    found = list(choose("gallon", ("gallon (US)", "gallon (UK)")))
    assert [(each.value, each.confidence.value) for each in found] == [
        ("gallon (US)", "guess"),
        ("gallon (UK)", "guess"),
    ]


@promise("abstains")
async def test_where_both_of_them_run_to_different_values_neither_is_claimed() -> None:
    grams = {"short ton (US)": 907185, "long ton (UK)": 1016047, "gram": 1}
    scale = Server("waage").tool(
        "wiegen", lambda **given: {"g": grams[given["einheit"]]}, einheit={"enum": list(grams)}
    )
    submitted = {"steps": [step("a", "wiegen", einheit="ton")], "output": {"$ref": "a", "path": "g"}}
    report = await carried_out(world(scale), submitted)
    assert report.status == "failed"
    assert [other.output for other in report.alternatives] == [907185, 1016047]
