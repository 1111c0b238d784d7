"""Measure the search: `python -m evals.search --cases FOLDER --bfcl-server FILE --page docs/search.md`."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import anyio

from evals.cases import chains
from evals.cases.__main__ import common, source
from evals.cases.groups import Source, run_group
from evals.cases.outcome import Outcome, outcome_from, row
from evals.cases.workspace import Options
from evals.search import calibration, inprocess, tangled
from evals.search.page import comparison, filled, overview, plot
from evals.search.variants import Variant, ablation, planners, sweep

OVERVIEW = (
    "chains/gold",
    "chains/broken",
    "chains/broken, order apart",
    *(
        f"chains/fault {fault}"
        for fault in (
            "toolname",
            "argname",
            "missing",
            "enum",
            "type",
            "refpath",
            "refstep",
            "dropstep",
            "order",
            "server",
        )
    ),
    "tangled/gold",
    "tangled/broken",
    *(f"tangled/{number} at once" for number in tangled.FAULTS),
    "bfcl/controls",
    "bfcl/broken",
    *(f"bfcl/corruptions {number}" for number in (1, 2, 3, 4)),
    *(f"bfcl/hardest level {level}" for level in "DFGH"),
)
SEEDS = (1, 2, 3)
SHORT = {"calls_per_step": 1.5, "generations": 4}
SETS: Mapping[str, tuple[Sequence[int], Mapping[str, float], bool]] = {
    "tangled": (tangled.FAULTS, {}, False),
    "two or three faults, little to spend": ((2, 3), SHORT, False),
    "schemas that say little": (tangled.FAULTS, {}, True),
}
"""What the mechanisms are switched off over: the numbers of faults of a plan, what may be spent on it, and whether the
tools list no more than the names of their arguments."""
PARTS = ("overview", "ablation", "switches", "sweep", "planner", "calibration")
LEARNT_FROM = (11, 12, 13)
"""Seeds of the plans whose counts ship with the program; what is measured has others."""


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m evals.search", description=__doc__)
    common(parser)
    parser.add_argument("--parts", default=",".join(PARTS), help="what to measure, by comma")
    parser.add_argument("--only", default="tangled,chains,bfcl", help="groups of cases, by comma")
    parser.add_argument("--json", type=Path, required=True, help="outcomes are kept here and added to")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS, help="of the plans with several faults")
    parser.add_argument("--suffix", default="", help="appended to the names of the tables, for a choice of cases")
    parser.add_argument("--page", type=Path, help="Markdown file whose tables are replaced; the plot stands beside it")
    return parser.parse_args(given)


def _variants(part: str) -> Iterable[Variant]:
    base = Options()
    match part:
        case "overview":
            return [Variant("everything", base)]
        case "ablation":
            return ablation(base)
        case "sweep":
            return sweep(base)
        case "planner":
            return planners(base)
        case _:
            raise SystemExit(f"--parts: {part!r} is none of {', '.join(PARTS)}")


async def _measure(variant: Variant, asked: argparse.Namespace) -> list[Outcome]:
    outcomes: list[Outcome] = []
    for group in asked.only.split(","):
        if group == "tangled":
            outcomes += await _tangled(source(asked), variant.options)
        else:
            outcomes += await run_group(group, source(asked), variant.options)
    return outcomes


async def _tangled(wanted: Source, options: Options) -> list[Outcome]:
    """Run the plans with several faults over the harbour."""
    file = tangled.cases()
    outcomes: list[Outcome] = []
    async with chains.running(options, file) as run:
        for case in wanted.chosen(chains.cases(file)):
            kind = "tangled/gold" if case["fault"] == "gold" else f"tangled/{case['fault']}"
            groups = (kind,) if kind == "tangled/gold" else ("tangled/broken", kind)
            outcomes += [replace(outcome, groups=groups) for outcome in await run(case)]
    return outcomes


def _point(name: str, outcomes: Sequence[Outcome]) -> tuple[str, float, float]:
    broken = row(name, [outcome for outcome in outcomes if any(g.endswith("/broken") for g in outcome.groups)])
    return name, broken.calls_per_gold or 0.0, 100 * broken.right / broken.cases


def _write(page: Path, part: str, suffix: str, measured: dict[str, list[Outcome]]) -> None:
    text = page.read_text() if page.exists() else "# The search, measured\n"
    if part == "overview":
        text = filled(text, part + suffix, overview(measured["everything"], OVERVIEW))
    else:
        text = filled(text, part + suffix, comparison(measured))
    page.write_text(text)
    if part == "sweep":
        kind = suffix.removeprefix(", ")
        name = "search-budget.svg" if kind in ("", "chains") else f"search-budget-{kind}.svg"
        page.with_name(name).write_text(plot([_point(name, found) for name, found in measured.items()]))


def _switches(asked: argparse.Namespace, kept: dict[str, Any]) -> None:
    """Switch each mechanism off over every set of plans with several faults and every seed, in this process."""
    for name, (at_once, budget, terse) in SETS.items():
        cases = [
            case
            for seed in asked.seeds
            for case in chains.cases(tangled.cases(seed, at_once))
            if case["fault"] != "gold"
        ][:: asked.every]
        measured: dict[str, list[Outcome]] = {}
        for variant in ablation(replace(Options(), budget=budget)):
            known = kept.setdefault("switches", {}).setdefault(name, {})
            if variant.name not in known:
                sys.stderr.write(f"{name}: {variant.name}\n")
                found = anyio.run(partial(inprocess.outcomes, cases, variant.options, terse=terse))
                known[variant.name] = [outcome.json() for outcome in found]
                asked.json.write_text(json.dumps(kept))
            measured[variant.name] = [outcome_from(each) for each in known[variant.name]]
        print(f"{name}\n{comparison(measured)}")
        if asked.page:
            asked.page.write_text(filled(asked.page.read_text(), f"switches, {name}", comparison(measured)))


def _calibrate(page: Path | None) -> None:
    reliability = calibration.table(list(calibration.offered()))
    print(reliability)
    if page:
        page.write_text(filled(page.read_text() if page.exists() else "", "calibration", reliability))


def main(given: Sequence[str] | None = None) -> None:
    """Measure each part, keep the outcomes, write the page."""
    asked = _arguments(given)
    logging.getLogger("mcp").setLevel(logging.CRITICAL)
    kept = json.loads(asked.json.read_text()) if asked.json.exists() else {}
    for part in asked.parts.split(","):
        if part == "calibration":
            _calibrate(asked.page)
            continue
        if part == "switches":
            _switches(asked, kept)
            continue
        if part == "priors":
            found = (each for seed in LEARNT_FROM for each in calibration.offered(seed))
            calibration.PRIORS.write_text(calibration.module(calibration.counts(found)))
            continue
        measured: dict[str, list[Outcome]] = {}
        for variant in _variants(part):
            written = kept.setdefault(part, {}).get(variant.name)
            if written is None:
                sys.stderr.write(f"{part}: {variant.name}\n")
                outcomes = anyio.run(_measure, variant, asked)
                kept[part][variant.name] = [{**outcome.json(), "detail": {}} for outcome in outcomes]
                asked.json.write_text(json.dumps(kept))
            measured[variant.name] = [outcome_from(each) for each in kept[part][variant.name]]
        print(comparison(measured))
        if asked.page:
            _write(asked.page, part, asked.suffix, measured)


if __name__ == "__main__":
    main()
