"""Outcomes are counted and compared, and what a run did is read from its report and its upstreams' log."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from evals.cases.client import Answer
from evals.cases.outcome import Outcome, outcome_from, row, rows
from evals.cases.plans import Ran, close, marked
from evals.cases.reference import resolved
from evals.cases.table import comparison, table
from evals.cases.workspace import Options, Server, config_text


def outcome(id_: str, verdict: Any, **more: Any) -> Outcome:
    return Outcome(id=id_, groups=("all", f"all/{id_[0]}"), verdict=verdict, feasible=verdict != "abstained", **more)


def test_a_row_counts_its_group() -> None:
    members = [
        outcome("a1", "right", untouched=True, calls=2, gold_calls=2, seconds=0.1),
        outcome("a2", "wrong", untouched=False, calls=5, gold_calls=2, seconds=0.3, effects_repeated=1),
        outcome("a3", "abstained", calls=0, gold_calls=1, seconds=0.2),
    ]
    found = row("all", members)
    assert (found.right, found.wrong, found.abstained, found.feasible) == (1, 1, 1, 2)
    assert (found.untouched, found.controls, found.effects_repeated) == (1, 2, 1)
    assert found.calls_per_gold == pytest.approx(7 / 5)
    assert found.seconds == pytest.approx(0.2)


def test_a_case_counts_in_each_of_its_groups() -> None:
    assert [each.group for each in rows([outcome("a1", "right"), outcome("b1", "right")])] == ["all", "all/a", "all/b"]


def test_an_outcome_survives_its_json_file() -> None:
    written = outcome("a1", "right", detail={"why": ["x"]})
    assert outcome_from(written.json()) == written


def test_a_comparison_names_what_changed() -> None:
    said = comparison(
        [outcome("a1", "wrong"), outcome("a2", "right")], [outcome("a1", "right"), outcome("a3", "right")]
    )
    assert "a1: wrong -> right" in said
    assert "a2, a3" in said
    assert "0 -> 1" in said


def test_the_table_hides_details_unless_asked() -> None:
    outcomes = [Outcome("a1", ("all", "all/:one kind"), "right", feasible=True)]
    assert "one kind" not in table(outcomes)
    assert "one kind" in table(outcomes, detail=True)


def ran(steps: list[dict[str, Any]], calls: list[dict[str, Any]], status: str = "repaired") -> Ran:
    report = {"status": status, "steps": steps, "repairs": []}
    return Ran(Answer({"structuredContent": report}, None, 0.0), marked(calls, "start"))


def call(tool: str, state: str, *, ok: bool = True, **arguments: Any) -> dict[str, Any]:
    return {"tool": tool, "arguments": arguments, "ok": ok, "state": state}


def step(tool: str, **arguments: Any) -> dict[str, Any]:
    return {"id": tool, "tool": tool, "arguments": arguments, "ok": True}


def test_an_effect_counts_once_for_its_step() -> None:
    once = [call("mow", "start", ok=False, field="a"), call("mow", "mown", field="b"), call("look", "mown")]
    assert ran([step("mow", field="b"), step("look")], once).effects_repeated() == 0


def test_a_second_execution_of_an_effect_is_counted() -> None:
    twice = [call("water", "wet", field="a"), call("water", "wetter", field="a")]
    assert ran([step("water", field="a")], twice).effects_repeated() == 1


def test_an_effect_that_is_in_no_final_step_is_counted_and_a_look_is_not() -> None:
    stray = [call("look", "start"), call("dig", "hole", field="a"), call("dig", "holes", field="b")]
    assert ran([step("dig", field="b")], stray).effects_repeated() == 1


def test_untouched_means_no_repair_and_no_call_more() -> None:
    assert ran([step("look")], [call("look", "start")], "succeeded").untouched(1)
    assert not ran([step("look")], [call("look", "start")] * 2, "succeeded").untouched(1)
    assert not ran([step("look")], [call("look", "start")]).untouched(1)


@pytest.mark.parametrize(
    ("value", "expected", "same"),
    [(25.8, 25.8, True), (25.8, 25.9, False), (24, 24.0, True), ("24", 24, False), (True, 1, False), ("a", "a", True)],
)
def test_final_values_are_compared_within_the_tolerance(value: Any, expected: Any, same: bool) -> None:
    assert close(value, expected, 1e-6) is same


def test_references_are_followed_through_lists_and_objects() -> None:
    values = {"list": {"items": [{"id": 7}, {"id": 8}]}}
    written = {"ids": [{"$ref": "list", "path": "items.-1.id"}], "price": "$5"}
    assert resolved(written, values) == {"ids": [8], "price": "$5"}


def test_a_reference_to_nothing_is_told() -> None:
    with pytest.raises(LookupError, match=r"nothing at 'items\.4'"):
        resolved({"$ref": "list", "path": "items.4"}, {"list": {"items": []}})


def test_the_configuration_is_what_the_product_reads() -> None:
    options = Options(settings={"planner": {"threads": 1}, "evolution": {"scores": False}})
    read = tomllib.loads(config_text(options, {"Two Words": Server(["python", "-c", 'print("x")'], {"A": "b c"})}))
    assert read["planner"] == {"backend": "none", "threads": 1}
    assert read["evolution"] == {"scores": False}
    assert read["upstreams"]["Two Words"]["args"] == ["-c", 'print("x")']
    assert read["upstreams"]["Two Words"]["env"] == {"A": "b c"}


def test_a_plan_is_sent_with_what_the_options_ask_for() -> None:
    steps = [{"id": "a"}, {"id": "b"}]
    assert Options(goal=False).plan(steps, "why") == {"steps": steps}
    sent = Options(budget={"calls_per_step": 1.5, "generations": 2}).plan(steps, "why", output=1)
    assert sent == {"steps": steps, "output": 1, "goal": "why", "budget": {"calls": 3, "generations": 2}}
