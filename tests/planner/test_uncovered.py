"""What a goal states beyond doubt, and what a plan leaves out of it."""

from __future__ import annotations

import time
from typing import Any

import pytest

from proxy.repair.read.goal import stated, uncovered
from schemas.catalog import Tool
from schemas.plan import Plan, Step


def plan(arguments: dict[str, Any], tool: str = "t") -> Plan:
    return Plan((Step("s1", tool, arguments, "lab"),))


def test_numbers_keep_their_units_and_names_keep_their_numbers() -> None:
    found = {each.value: each.unit for each in stated("Run 5 km at 60 miles per hour by 09:30, see data/a.csv, B-12.")}
    assert found == {5: "km", 60: "miles per hour", "09:30": "", "data/a.csv": ""}


@pytest.mark.parametrize(
    ("goal", "found"),
    [
        ("Lege „Quartalsbericht“ am 2026-11-30 um 10:00 an, für ann@example.org.", ["Quartalsbericht", "2026-11-30", "10:00", "ann@example.org"]),  # noqa: E501
        ("Résume « Les Misérables » et https://example.org/a?b=1.", [" Les Misérables ", "https://example.org/a?b=1"]),
        ("Διάβασε το σημειώσεις/λίστα.txt και 12 ακόμη", ["12", "σημειώσεις/λίστα.txt"]),
        ("「会議室」を2026-11-30の10:00に予約して", ["会議室", "2026-11-30", "10:00"]),
        ("Fix PROJ-12 and user_id, not the pull/merge one; e.g. this, and/or that.", ["PROJ-12", "user_id"]),
        ("3,5 km and 1,200 m", ["3,5", "1,200"]),
        ("Just words, in Prose, with GitHub and don't.", []),
    ],
)  # fmt: skip
def test_what_is_written_like_a_value_is_left_open_and_prose_never_is(goal: str, found: list[str]) -> None:
    assert sorted(uncovered(goal, Plan(()))) == sorted(found)


@pytest.mark.parametrize(
    ("goal", "arguments"),
    [
        ("Take 3.0 of 'It'.", {"n": 3, "text": "take it"}),
        ("Events from 2026-11-30 at 10:00.", {"start": "2026-11-30T10:00:00Z"}),
        ("Issue #42 of octo/hello-2.", {"owner": "octo", "repo": "hello-2", "n": 42}),
        ("Add 1,200 and 3,5.", {"expression": "1200 + 3.5"}),
    ],
)
def test_what_stands_in_an_argument_is_used(goal: str, arguments: dict[str, Any]) -> None:
    assert uncovered(goal, plan(arguments)) == []


def test_a_name_is_no_value_and_an_amount_may_be_converted() -> None:
    height = {"type": "number", "description": "Height in centimeters"}
    raw = {"name": "meld_3", "description": "A 10-year risk.", "inputSchema": {"properties": {"height": height}}}
    tool = Tool("lab", "meld_3", "lab__meld_3", raw)
    goal = "MELD 3.0 and 10 year risk at 6 feet, 70 kg"
    assert uncovered(goal, plan({"height": 182.88}, "meld_3"), [tool]) == ["70"]
    assert uncovered("SHA-256 of it", plan({}, "hash_sha256")) == []


@pytest.mark.parametrize("unit", ["1,111", "'a' ", "a/", "a.b", "(", "1 ", "_", "#", "a@", "1:", "~/", "-"])
def test_a_long_goal_is_read_in_bounded_time(unit: str) -> None:
    began = time.process_time()
    uncovered(unit * 20_000, Plan(()))
    assert time.process_time() - began < 2.0
