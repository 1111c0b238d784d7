"""Measure the search over the tangled plans, in this process: `python -m evals.search --page docs/search.md`.

Needs no case file. `--parts priors` writes the counts that ship with the program instead.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import anyio

from evals.cases import chains
from evals.cases.outcome import Outcome, outcome_from
from evals.cases.table import filled, markdown
from evals.cases.workspace import Options
from evals.search import calibration, inprocess, tangled
from schemas.config import Evolution

SETS: Mapping[str, tuple[Sequence[int], Mapping[str, float], bool]] = {
    "tangled": (tangled.FAULTS, {}, False),
    "two or three faults, little to spend": ((2, 3), {"calls_per_step": 1.5, "generations": 4}, False),
    "schemas that say little": (tangled.FAULTS, {}, True),
}
"""What the mechanisms are switched off over: the numbers of faults of a plan, what may be spent on it, and whether the
tools list no more than the names of their arguments."""
CALLS_PER_STEP = (1.0, 1.25, 1.5, 2.0, 3.0)
"""Budgets of the sweep, in upstream calls per submitted step; the last is the default."""
LEARNT_FROM = (11, 12, 13)
"""Seeds of the plans whose counts ship with the program; what is measured has others."""
PLANNED = frozenset({"redesign", "planning"})
"""Mechanisms that do nothing without a planner."""
Variants = Iterator[tuple[str, Options]]


def ablation(base: Options) -> Variants:
    """Everything on, then each mechanism off, then no goal text, no search at all, and no repair at all."""
    yield "everything", base
    for name, switch in Evolution.model_fields.items():
        if switch.annotation is bool and name not in PLANNED:
            yield f"without {name}", replace(base, settings={"evolution": {name: False}})
    yield "without the goal text", replace(base, goal=False)
    yield "without a second generation", replace(base, budget={**base.budget, "generations": 1})
    yield "without repair", replace(base, settings={"repair": {"mode": "off"}})


def sweep(base: Options) -> Variants:
    """More and more upstream calls per step."""
    for calls in CALLS_PER_STEP:
        yield f"{calls:g} calls per step", replace(base, budget={**base.budget, "calls_per_step": calls})


def _tables(parts: Sequence[str]) -> Iterator[tuple[str, tuple[Sequence[int], bool], Variants]]:
    """Each table: its name, its plans, and the variants that are its rows."""
    if "switches" in parts:
        for name, (at_once, budget, terse) in SETS.items():
            yield f"switches, {name}", (at_once, terse), ablation(Options(budget=budget))
    if "sweep" in parts:
        yield "sweep, tangled", (tangled.FAULTS, False), sweep(Options())


def _measured(cases: Sequence[Any], variants: Variants, known: dict[str, Any], *, terse: bool) -> Iterator[Any]:
    """Each variant and its outcomes; what is known is not run again."""
    for name, options in variants:
        if name not in known:
            sys.stderr.write(f"{name}\n")
            found = anyio.run(partial(inprocess.outcomes, cases, options, terse=terse))
            known[name] = [outcome.json() for outcome in found]
        outcomes: list[Outcome] = [outcome_from(each) for each in known[name]]
        yield name, outcomes


def main(given: Sequence[str] | None = None) -> None:
    """Measure each part, keep the outcomes, print the tables and write them into the page."""
    parser = argparse.ArgumentParser(prog="python -m evals.search", description=__doc__)
    parser.add_argument("--parts", default="switches,sweep,calibration", help="of these and priors, by comma")
    parser.add_argument("--seeds", type=int, nargs="+", default=(1, 2, 3), help="of the plans")
    parser.add_argument("--every", type=int, default=3, help="only every n-th plan")
    parser.add_argument("--json", type=Path, help="outcomes are kept here and added to")
    parser.add_argument("--page", type=Path, help="Markdown file whose tables are replaced")
    asked = parser.parse_args(given)
    parts = asked.parts.split(",")
    if unknown := set(parts) - {"switches", "sweep", "calibration", "priors"}:
        raise SystemExit(f"--parts: there is no {', '.join(sorted(unknown))}")
    kept = json.loads(asked.json.read_text()) if asked.json and asked.json.exists() else {}

    def tell(name: str, table: str) -> None:
        print(f"{name}\n{table}", flush=True)
        if asked.json:
            asked.json.write_text(json.dumps(kept))
        if asked.page:
            asked.page.write_text(filled(asked.page.read_text(), name, table))

    for name, (at_once, terse), variants in _tables(parts):
        every = (case for seed in asked.seeds for case in chains.cases(tangled.cases(seed, at_once)))
        cases = [case for case in every if case["fault"] != "gold"][:: asked.every]
        rows = _measured(cases, variants, kept.setdefault(name, {}), terse=terse)
        tell(name, markdown(dict(rows)))
    if "calibration" in parts:
        tell("calibration", calibration.table(list(calibration.offered())))
    if "priors" in parts:
        found = (each for seed in LEARNT_FROM for each in calibration.offered(seed))
        calibration.PRIORS.write_text(calibration.module(calibration.counts(found)))


if __name__ == "__main__":
    main()
