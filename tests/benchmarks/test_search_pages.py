"""Every mechanism has its row, and a page keeps its prose when its tables are replaced."""

from __future__ import annotations

from xml.etree import ElementTree

from evals.cases.outcome import Outcome
from evals.cases.workspace import Options
from evals.search import calibration, harbour, tangled
from evals.search.page import comparison, filled, overview, plot
from evals.search.variants import ablation, mechanisms, sweep


def test_each_mechanism_is_switched_off_alone() -> None:
    off = [
        variant.options.settings["evolution"]
        for variant in ablation(Options())
        if "evolution" in variant.options.settings
    ]
    assert off == [{name: False} for name in mechanisms()]
    assert "scores" in mechanisms()


def test_the_tangled_plans_are_the_same_for_one_seed_and_fail_as_they_are() -> None:
    first, again = tangled.cases(3), tangled.cases(3)
    assert first == again
    assert {len(case["faults"]) for case in first["broken"]} == set(tangled.FAULTS)
    for case in first["broken"]:
        assert len(tangled.values_of(case["steps"])) < len(case["steps"])
    for case in first["gold"]:
        assert len(tangled.values_of(case["steps"])) == len(case["steps"])


def test_the_harbour_refuses_what_its_schemas_refuse() -> None:
    assert len(harbour.TOOLS) > 25
    refused = harbour.answer("under_keel", {"water_depth_m": "9"})
    assert refused["isError"]
    assert harbour.answer("lot_details", {"lot_id": "L-1"})["content"][0]["text"] == "there is no lot_id 'L-1'"


def test_the_sweep_gives_each_plan_calls_by_its_length() -> None:
    sent = [variant.options.plan([{}, {}], "")["budget"]["calls"] for variant in sweep(Options())]
    assert sent == sorted(sent)
    assert sent[0] == 2


def test_tables_are_replaced_and_prose_stays() -> None:
    once = filled("# Title\n\nWhy.\n", "ablation", "| a |")
    twice = filled(once + "\nAfter.\n", "ablation", "| b |")
    assert "| a |" not in twice
    assert twice.startswith("# Title\n\nWhy.\n")
    assert twice.endswith("\nAfter.\n")


def test_rows_count_broken_plans_only() -> None:
    outcomes = [
        Outcome("a", ("bfcl/broken",), "right", feasible=True, calls=3, gold_calls=2),
        Outcome("b", ("bfcl/controls",), "right", feasible=True, untouched=True),
    ]
    assert "| everything | 1 | 1 (100%)" in comparison({"everything": outcomes})
    assert "| bfcl/controls | 1 | 1 (100%)" in overview(outcomes, ["bfcl/controls", "chains/gold"])


def test_the_plot_is_an_svg_with_a_point_per_budget() -> None:
    drawn = ElementTree.fromstring(plot([("1 call", 0.9, 40.0), ("2 calls", 1.2, 70.0)]))  # noqa: S314 our own text
    assert len(drawn.findall("{http://www.w3.org/2000/svg}circle")) == 2


def test_repairs_that_claim_to_be_evident_are_right_and_doubtful_guesses_are_often_not() -> None:
    found = list(calibration.offered())
    first = {sure: [each for each in found if each.first and each.confidence == sure] for sure in ("evident", "guess")}
    share = {sure: sum(each.right for each in members) / len(members) for sure, members in first.items()}
    assert share["evident"] > 0.95 > share["guess"]
    assert "| evident, score" in calibration.table(found)
