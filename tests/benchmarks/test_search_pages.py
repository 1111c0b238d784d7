"""Every mechanism has its row, and a page keeps its prose when its tables are replaced."""

from __future__ import annotations

from xml.etree import ElementTree

from benchmarks.cases.outcome import Outcome
from benchmarks.cases.workspace import Options
from benchmarks.search.page import comparison, filled, overview, plot
from benchmarks.search.variants import ablation, mechanisms, sweep


def test_each_mechanism_is_switched_off_alone() -> None:
    off = [
        variant.options.settings["evolution"]
        for variant in ablation(Options())
        if "evolution" in variant.options.settings
    ]
    assert off == [{name: False} for name in mechanisms()]
    assert "redesign" in mechanisms()


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
