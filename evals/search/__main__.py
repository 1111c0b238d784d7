"""Measure the search over the tangled plans, in this process: `python -m evals.search --page docs/search.md`.

Needs no case file. `--parts priors` writes the counts that ship with the program instead.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

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
LEARNT_FROM = (11, 12, 13)
"""Seeds of the plans whose counts ship with the program; what is measured has others."""
PLANNED = frozenset({"redesign", "planning"})
"""Mechanisms that do nothing without a planner."""


def ablation(base: Options) -> Iterator[tuple[str, Options]]:
    """Everything on, then each mechanism off, then no goal text, no search at all, and no repair at all."""
    yield "everything", base
    for name, switch in Evolution.model_fields.items():
        if switch.annotation is bool and name not in PLANNED:
            yield f"without {name}", replace(base, settings={"evolution": {name: False}})
    yield "without the goal text", replace(base, goal=False)
    yield "without a second generation", replace(base, budget={**base.budget, "generations": 1})
    yield "without repair", replace(base, settings={"repair": {"mode": "off"}})


def main(given: Sequence[str] | None = None) -> None:
    """Measure each set, keep the outcomes, print the tables and write them into the page."""
    parser = argparse.ArgumentParser(prog="python -m evals.search", description=__doc__)
    parser.add_argument("--parts", choices=("switches", "priors"), default="switches")
    parser.add_argument("--seeds", type=int, nargs="+", default=(1, 2, 3), help="of the plans")
    parser.add_argument("--every", type=int, default=3, help="only every n-th plan")
    parser.add_argument("--json", type=Path, help="outcomes are kept here, and those that are there not run again")
    parser.add_argument("--page", type=Path, help="Markdown file whose tables are replaced")
    asked = parser.parse_args(given)
    if asked.parts == "priors":
        found = (each for seed in LEARNT_FROM for each in calibration.offered(seed))
        calibration.PRIORS.write_text(calibration.module(calibration.counts(found)))
        return
    kept = json.loads(asked.json.read_text()) if asked.json and asked.json.exists() else {}
    for name, (at_once, budget, terse) in SETS.items():
        every = (case for seed in asked.seeds for case in chains.cases(tangled.cases(seed, at_once)))
        cases = [case for case in every if case["fault"] != "gold"][:: asked.every]
        known, rows = kept.setdefault(f"switches, {name}", {}), dict[str, list[Outcome]]()
        for variant, options in ablation(Options(budget=budget)):
            if variant not in known:
                sys.stderr.write(f"{variant}\n")
                known[variant] = [each.json() for each in anyio.run(inprocess.outcomes, cases, options, terse)]
            rows[variant] = [outcome_from(each) for each in known[variant]]
        print(f"switches, {name}\n{markdown(rows)}", flush=True)
        if asked.json:
            asked.json.write_text(json.dumps(kept))
        if asked.page:
            asked.page.write_text(filled(asked.page.read_text(), f"switches, {name}", markdown(rows)))


if __name__ == "__main__":
    main()
