"""Write held-out stateful plans for `evals.cases`: `python -m evals.heldout.stateful_cases --to FOLDER`."""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio

from evals.cases.bfcl import environment
from evals.cases.client import Connection
from evals.cases.tap import digest
from evals.heldout import stateful
from evals.heldout.corrupt import ALONE, BREAKERS, corrupt, hardest
from evals.heldout.draft import Breaker, Draft, Fault, Sound
from evals.heldout.names import drifts

FILE = "bfcl_broken.jsonl"
_MORE = (0, 1, 0, 2, 1, 3)
"""Further faults of one plan after another: a third has one, a third two, the others three or four."""


@dataclass
class Writing:
    """The cases so far, and how often each kind of fault came first."""

    rng: random.Random
    cases: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    used: Counter[str] = field(default_factory=Counter[str])

    def add(
        self, scenario: stateful.Scenario, sound: Sound, state: Any, draft: Draft, faults: Sequence[Fault], as_is: str
    ) -> None:
        """Keep one case, in the form of the case files."""
        number = len(self.cases)
        self.cases.append(
            {
                "id": f"held-{number:04d}",
                "source": f"bfcl:{scenario.id}",
                "kind": "broken" if faults else "control",
                "goal": sound.goal,
                "catalog": {
                    "backend": "bfcl",
                    "scenario": scenario.id,
                    "classes": list(scenario.classes),
                    "drift": draft.drift,
                },
                "plan": {"steps": draft.steps},
                "corruptions": list(faults),
                "n_corruptions": len(faults),
                "levels": sorted({fault["level"] for fault in faults}),
                "as_is": as_is,
                "gold_plan": {"steps": sound.steps},
                "gold_answer": {
                    "final": sound.results[sound.steps[-1]["id"]],
                    "state": state,
                    "state_sha256": digest(state),
                },
            }
        )

    def breakers(self) -> Iterator[Breaker]:
        """Every kind of fault, the least used first."""
        shuffled = self.rng.sample(BREAKERS, len(BREAKERS))
        return iter(sorted(shuffled, key=lambda breaker: self.used[breaker.__name__]))


async def _broken(
    writing: Writing, scenario: stateful.Scenario, sound: Sound, state: Any, connection: Connection
) -> bool:
    """Add one plan that fails as it is; a fault that leaves no trace is no case, since nobody could see it."""
    more = _MORE[len(writing.cases) % len(_MORE)]
    for breaker in writing.breakers():
        made = corrupt(sound, breaker, 0 if breaker in ALONE else more, writing.rng)
        if made is None:
            continue
        failure, _ = await stateful.rerun(made[0].steps, connection)
        if failure:
            writing.used[breaker.__name__] += 1
            writing.add(scenario, sound, state, *made, f"fails: {failure[:120]}")
            return True
    return False


def _drifted(writing: Writing, scenario: stateful.Scenario, sound: Sound, state: Any) -> None:
    """Add the sound plan against a catalog in which something it uses has another name."""
    draft = Draft.of(sound)
    found = next(drifts(draft, writing.rng), None)
    if found is not None:
        draft.drift.append(dict(found[0]))
        writing.add(scenario, sound, state, draft, [found[1]], "fails: the catalog changed")


async def _write(asked: argparse.Namespace) -> list[dict[str, Any]]:
    python = environment(asked.bfcl_python)
    taken = {json.loads(line)["catalog"]["scenario"] for line in asked.taken.open()} if asked.taken else set[str]()
    free = stateful.scenarios(stateful.data_folder(python), taken)
    writing = Writing(random.Random(asked.seed))  # noqa: S311 a seed, not a secret
    for number, scenario in enumerate(writing.rng.sample(free, len(free))):
        async with stateful.opened(python, asked.bfcl_server, scenario) as connection:
            made = await stateful.sound_plan(scenario, connection)
            if made is None:
                continue
            if number < asked.controls:
                writing.add(scenario, *made, Draft.of(made[0]), [], "correct")
            for _ in range(asked.each):
                await _broken(writing, scenario, *made, connection)
            if number % asked.drift_every == 0:
                _drifted(writing, scenario, *made)
    return writing.cases


def main() -> None:
    """Write the cases and count them."""
    parser = argparse.ArgumentParser(prog="python -m evals.heldout.stateful_cases", description=__doc__)
    parser.add_argument("--bfcl-server", type=Path, required=True, help="server that publishes a scenario's catalog")
    parser.add_argument("--bfcl-python", type=Path, help="interpreter with bfcl-eval; left out, one is made")
    parser.add_argument("--taken", type=Path, help="case file whose scenarios are left out")
    parser.add_argument("--to", type=Path, required=True, help="folder to write the case file into")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--controls", type=int, default=24, help="sound plans")
    parser.add_argument("--each", type=int, default=1, help="broken plans of each scenario")
    parser.add_argument("--drift-every", type=int, default=8, help="one changed catalog every so many scenarios")
    asked = parser.parse_args()
    cases = anyio.run(_write, asked)
    asked.to.mkdir(parents=True, exist_ok=True)
    (asked.to / FILE).write_text("".join(json.dumps(case) + "\n" for case in cases))
    kinds = Counter(fault["type"] for case in cases for fault in case["corruptions"])
    levels = Counter(hardest(case["corruptions"]) if case["corruptions"] else "control" for case in cases)
    print(f"{len(cases)} cases: {dict(levels)}")
    print(", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items())))


if __name__ == "__main__":
    main()
