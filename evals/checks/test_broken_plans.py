"""Broken plans are a function of their seed and are broken, and the gold chains they come from are whole."""

from __future__ import annotations

import json
from pathlib import Path

from evals.cases.chains import cases
from evals.cases.world import world
from evals.heldout.chain_cases import GOLD, broken
from evals.search import calibration, tangled


def test_the_tangled_plans_are_the_same_for_one_seed_and_fail_as_they_are() -> None:
    made = tangled.cases(3)
    assert made == tangled.cases(3)
    assert {len(case["faults"]) for case in made["broken"]} == set(tangled.FAULTS)
    assert all(len(tangled.values_of(case["steps"])) < len(case["steps"]) for case in made["broken"])
    assert all(len(tangled.values_of(case["steps"])) == len(case["steps"]) for case in made["gold"])


def test_variants_of_a_chain_have_the_faults_they_name_and_no_two_are_alike() -> None:
    sound = tangled.sound("keel")
    chain = {"id": "keel", "task": sound.goal, "steps": sound.steps, "final": {}, "expected": 1, "tolerance": 0}
    made = list(broken(chain, sound, 1))
    assert made == list(broken(chain, sound, 1))
    assert len({json.dumps(variant["steps"]) for variant in made} | {json.dumps(sound.steps)}) == len(made) + 1
    assert {variant["fault"] for variant in made} >= {"toolname", "argname", "missing", "refpath", "two", "three"}
    numbers = {"two": 2, "three": 3}
    assert all(len(variant["faults"]) == numbers.get(variant["fault"], 1) for variant in made)


def test_the_gold_chains_are_whole(tmp_path: Path) -> None:
    file = json.loads(GOLD.read_text())
    for case in cases({**file, "broken": []}):
        earlier: set[str] = set()
        for step in case["steps"]:
            assert step["server"] in file["servers"]
            named = {each["id"] for each in case["steps"] if f'"$ref": "{each["id"]}"' in json.dumps(step)}
            assert named | set(step.get("after", [])) <= earlier
            earlier.add(step["id"])
    assert "${" not in json.dumps(world(file, tmp_path).filled([file["gold"], file["servers"]]))


def test_repairs_that_claim_to_be_evident_are_right_and_doubtful_guesses_are_often_not() -> None:
    found = list(calibration.offered())
    first = {sure: [each for each in found if each.first and each.confidence == sure] for sure in ("evident", "guess")}
    share = {sure: sum(each.right for each in members) / len(members) for sure, members in first.items()}
    assert share["evident"] > 0.95 > share["guess"]
