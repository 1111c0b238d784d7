"""Held-out chains and how they are broken."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from evals.cases.chains import cases
from evals.cases.world import world
from evals.heldout.chain_cases import GOLD, broken
from evals.heldout.chain_faults import KINDS, server_wrong, step_dropped, step_skipped, unit_spelled
from evals.heldout.draft import Draft, Sound

_UNITS = {"type": "string", "enum": ["pound", "kilogram"]}
_CONVERT: dict[str, Any] = {
    "properties": {"value": {"type": "number"}, "from_unit": _UNITS, "to_unit": _UNITS},
    "required": ["value", "from_unit", "to_unit"],
}
_WEIGH: dict[str, Any] = {"properties": {"mass": {"type": "number"}}, "required": ["mass"]}


def _case() -> dict[str, Any]:
    steps = [
        {
            "id": "kg",
            "server": "Units",
            "tool": "convert_mass",
            "arguments": {"value": 20, "from_unit": "pound", "to_unit": "kilogram"},
        },
        {"id": "w", "server": "Scales", "tool": "weigh_it", "arguments": {"mass": {"$ref": "kg", "path": "amount"}}},
    ]
    return {"id": "scales", "task": "Weigh 20 pounds.", "steps": steps, "final": {"$ref": "w", "path": "n"}} | {
        "expected": 1,
        "tolerance": 0,
    }


def _sound() -> Sound:
    case = _case()
    return Sound(case["steps"], {"convert_mass": _CONVERT, "weigh_it": _WEIGH}, {"kg": {"amount": 9.07}}, case["task"])


def test_a_seed_breaks_a_chain_the_same_way_again_and_no_two_variants_are_alike() -> None:
    """Variants are a function of chain and seed; none is the sound chain."""
    made = list(broken(_case(), _sound(), 1))
    assert made == list(broken(_case(), _sound(), 1))
    plans = [json.dumps(variant["steps"]) for variant in made]
    assert len(set(plans)) == len(plans)
    assert json.dumps(_case()["steps"]) not in plans
    assert {variant["fault"] for variant in made} >= {"toolname", "argname", "missing", "enum", "refpath", "server"}


def test_every_variant_says_what_was_done_to_it() -> None:
    """A variant of two faults has two, one of three three, every other one."""
    numbers = {"two": 2, "three": 3}
    for variant in broken(_case(), _sound(), 3):
        assert len(variant["faults"]) == numbers.get(variant["fault"], 1)


def test_a_dropped_step_leaves_its_readers_as_they_were() -> None:
    """The reader's reference leads nowhere."""
    draft = Draft.of(_sound())
    assert step_dropped(draft, random.Random(0)) is not None  # noqa: S311 repeatable, not secret
    assert [step["id"] for step in draft.steps] == ["w"]
    assert draft.steps[0]["arguments"] == {"mass": {"$ref": "kg", "path": "amount"}}


def test_a_skipped_conversion_leaves_the_number_that_was_to_be_converted() -> None:
    """The reader gets the number, its unit beside it or not."""
    draft = Draft.of(_sound())
    assert step_skipped(draft, random.Random(0)) is not None  # noqa: S311 repeatable, not secret
    assert draft.steps[0]["arguments"]["mass"] in (20, "20 pound", "20 lb")


def test_a_unit_is_spelled_as_no_tool_lists_it_and_a_server_is_another() -> None:
    """Both faults change one word of one step."""
    draft = Draft.of(_sound())
    unit = unit_spelled(draft, random.Random(0))  # noqa: S311 repeatable, not secret
    server = server_wrong(draft, random.Random(0))  # noqa: S311 repeatable, not secret
    assert unit is not None
    assert unit["now"] not in _UNITS["enum"]
    assert server is not None
    assert server["was"] != server["now"]


def test_the_gold_chains_are_whole(tmp_path: Path) -> None:
    """Each has an answer, references only earlier steps, and runs on servers that the file starts."""
    file = json.loads(GOLD.read_text())
    assert len(file["gold"]) >= 14
    for case in cases({**file, "broken": []}):
        assert case["expected"] is not None
        earlier: list[str] = []
        for step in case["steps"]:
            assert step["server"] in file["servers"]
            named = [id_ for id_ in (each["id"] for each in case["steps"]) if f'"$ref": "{id_}"' in json.dumps(step)]
            assert set(named) | set(step.get("after", [])) <= set(earlier)
            earlier.append(step["id"])
    assert all(KINDS.values())
    here = world(file, tmp_path)
    here.lay_out()
    (here.folder / "files" / "left.txt").write_text("of another case")
    here.lay_out()
    assert not (here.folder / "files" / "left.txt").exists()
    assert "${" not in json.dumps(here.filled([file["gold"], file["servers"]]))
