"""Plans with several faults at once over the harbour: `python -m evals.search.tangled FOLDER`.

Writes FOLDER/chains.json in the form that `evals.cases` reads: three to six faults a plan, by a seed. Some show
only once others are mended; some leave two tools, or two places of a result, that only trying can tell apart. The gold
values come from the server's own functions.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from evals.cases.reference import resolved
from evals.heldout import names
from evals.heldout.chain_faults import KINDS
from evals.heldout.draft import Breaker, Draft, Fault, Place, Sound, breaker
from evals.search import harbour

SERVER = "Harbour"
FAULTS = (3, 4, 5, 6)
"""Faults of a plan, one after the other."""
VARIANTS = 12
"""Broken plans of each sound one."""

VAGUE: Mapping[str, Sequence[str]] = {
    "vessel_particulars": ("vessel_info", "get_vessel", "vessel_data", "vessel_measures"),
    "cargo_manifest": ("cargo_list", "vessel_cargo", "cargo_info", "get_cargo"),
    "lot_details": ("lot_info", "get_lot", "cargo_lot"),
    "berth_details": ("berth_info", "get_berth", "berth_data"),
    "berth_tariff": ("berth_price", "berth_info", "get_berth"),
    "tide_table": ("tides", "tide_info", "tide_levels"),
    "pilot_details": ("pilot_info", "get_pilot", "pilot_profile"),
    "owner_details": ("owner_info", "get_owner", "owner_data"),
}
"""A tool to names that would do for its neighbours as well."""
_UNCLEAR = ("id", "code", "number", "no", "key", "ref")


def _vague_path(at: Place) -> Any:
    """A reference to "the id" of a result that has several."""
    head, dot, last = at.value.get("path", "").rpartition(".")
    return at.to(f"{head}{dot}{at.rng.choice(_UNCLEAR)}") if last.endswith(("_no", "_id", "_code", "code")) else None


vague_tool = names.tool("vague_tool", lambda name, rng: rng.choice(VAGUE[name]) if name in VAGUE else None)
vague_path = breaker("vague_path", _vague_path, "references")


def _s(step: str, tool: str, /, **arguments: Any) -> dict[str, Any]:
    return {"id": step, "server": SERVER, "tool": tool, "arguments": arguments}


def _r(step: str, path: str) -> dict[str, str]:
    return {"$ref": step, "path": path}


def _vessel(name: str, *more: dict[str, Any]) -> list[dict[str, Any]]:
    return [_s("ship", "find_vessel", name=name), *more]


HULL = _r("ship", "vessel.hull_no")
_SIZE = _s("size", "vessel_particulars", hull_no=HULL)
_BERTH = _s("berth", "find_berth", length_m=_r("size", "length_m"), draught_m=_r("size", "draught_m"))
_CARGO = _s("cargo", "cargo_manifest", hull_no=HULL)
_LOT = _s("lot", "lot_details", lot_id=_r("cargo", "lots.0.lot_id"))
_TIME = _s("time", "unloading_time", tonnes=_r("lot", "tonnes"), rate_t_per_h=_r("lot", "rate_t_per_h"))
CODE = _r("berth", "berth.code")

GOLD: Sequence[tuple[str, str, list[dict[str, Any]], Any]] = (
    ("keel", "How much water is under the keel of the Marigold at her berth at high water on 2031-05-06?",
     _vessel("Marigold", _SIZE, _BERTH, _s("tide", "tide_table", day="2031-05-06"),
             _s("depth", "depth_at_berth", berth=CODE, level_m=_r("tide", "high.level_m")),
             _s("keel", "under_keel", water_depth_m=_r("depth", "water_depth_m"), draught_m=_r("size", "draught_m"))),
     _r("keel", "clearance_m")),
    ("low_keel", "How much water is left under the Osprey Star at her berth at low water on 2031-05-09?",
     _vessel("Osprey Star", _SIZE, _BERTH, _s("tide", "tide_table", day="2031-05-09"),
             _s("depth", "depth_at_berth", berth=CODE, level_m=_r("tide", "low.level_m")),
             _s("keel", "under_keel", water_depth_m=_r("depth", "water_depth_m"), draught_m=_r("size", "draught_m"))),
     _r("keel", "clearance_m")),
    ("dues", "What are the harbour dues of the Petrel for the time that unloading her lemons takes?",
     _vessel("Petrel", _CARGO, _LOT, _TIME, _SIZE,
             _s("dues", "harbour_dues", gross_tonnage=_r("size", "gross_tonnage"), hours=_r("time", "hours"))),
     _r("dues", "dues")),
    ("duty", "What is the duty on the first lot of the Marigold, in florins?",
     _vessel("Marigold", _CARGO, _LOT,
             _s("duty", "customs_duty", customs_code=_r("lot", "customs_code"), tonnes=_r("lot", "tonnes")),
             _s("money", "convert_money", amount=_r("duty", "duty"), from_currency="crown", to_currency="florin")),
     _r("money", "converted")),
    ("looms", "What is the duty on the second lot of the Osprey Star, in dollars?",
     _vessel("Osprey Star", _CARGO, _s("lot", "lot_details", lot_id=_r("cargo", "lots.1.lot_id")),
             _s("duty", "customs_duty", customs_code=_r("lot", "customs_code"), tonnes=_r("lot", "tonnes")),
             _s("money", "convert_money", amount=_r("duty", "duty"), from_currency="crown", to_currency="dollar")),
     _r("money", "converted")),
    ("stay", "What does a stay of 36 hours at her berth cost the Tamarind, in dollars?",
     _vessel("Tamarind", _SIZE, _BERTH, _s("fee", "berth_fee", berth=CODE, length_m=_r("size", "length_m"), hours=36),
             _s("money", "convert_money", amount=_r("fee", "fee"), from_currency="crown", to_currency="dollar")),
     _r("money", "converted")),
    ("pilot", "What does the second pilot on duty on 2031-06-01 cost for 4 hours, in florins?",
     [_s("duty", "list_pilots", day="2031-06-01"),
      _s("pilot", "pilot_details", pilot_id=_r("duty", "pilots.1.pilot_id")),
      _s("fee", "pilot_fee", hourly_rate=_r("pilot", "hourly_rate"), hours=4),
      _s("money", "convert_money", amount=_r("fee", "fee"), from_currency="crown", to_currency="florin")],
     _r("money", "converted")),
    ("balance", "What is the balance of the account of the owner of the Tamarind, in florins?",
     _vessel("Tamarind", _s("owner", "owner_details", owner_code=_r("ship", "vessel.owner_code")),
             _s("account", "account_balance", account_no=_r("owner", "owner.account_no")),
             _s("money", "convert_money", amount=_r("account", "balance"), from_currency="crown",
                to_currency="florin")),
     _r("money", "converted")),
    ("crane", "How deep is the berth of the Petrel by the chart?",
     _vessel("Petrel", _SIZE, _BERTH, _s("chart", "berth_details", berth=CODE)),
     _r("chart", "depth_m")),
    ("total", "What do 24 hours at her berth, and her dues for them, cost the Marigold together?",
     _vessel("Marigold", _SIZE, _BERTH, _s("fee", "berth_fee", berth=CODE, length_m=_r("size", "length_m"), hours=24),
             _s("dues", "harbour_dues", gross_tonnage=_r("size", "gross_tonnage"), hours=24),
             _s("sum", "sum_charges", charges=[_r("fee", "fee"), _r("dues", "dues")])),
     _r("sum", "total")),
    ("reserve", "Reserve the berth of the Petrel for 12 hours and tell what it costs.",
     _vessel("Petrel", _SIZE, _BERTH, _s("booked", "reserve_berth", berth=CODE, hull_no=HULL, hours=12),
             _s("fee", "berth_fee", berth=CODE, length_m=_r("size", "length_m"), hours=12)),
     [_r("booked", "reservation.number"), _r("fee", "fee")]),
    ("announce", "Announce the Tamarind to the office of her berth and tell how deep the berth is.",
     _vessel("Tamarind", _SIZE, _BERTH,
             _s("notice", "announce_vessel", hull_no=HULL, office=_r("berth", "berth.office")),
             _s("chart", "berth_details", berth=CODE)),
     [_r("notice", "notice.number"), _r("chart", "depth_m")]),
)  # fmt: skip
"""Id, goal, steps and wanted value of every sound plan."""

BREAKERS: Sequence[Breaker] = (
    vague_tool, vague_tool, vague_path, *KINDS["toolname"], *KINDS["argname"], *KINDS["missing"], *KINDS["enum"],
    *KINDS["type"], *KINDS["refpath"], *KINDS["refstep"],
)  # fmt: skip
"""What a tangled plan is broken by; nothing that leaves no trace."""


def values_of(steps: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What every step of a plan returns, up to the first that fails."""
    values: dict[str, Any] = {}
    for step in steps:
        try:
            result = harbour.answer(step["tool"], resolved(step["arguments"], values))
        except LookupError:
            break
        if result["isError"]:
            break
        values[step["id"]] = result["structuredContent"]
    return values


def sound(name: str) -> Sound:
    """One sound plan with all that is needed to break it."""
    goal, steps = next((goal, steps) for key, goal, steps, _ in GOLD if key == name)
    schemas = {tool: listed["inputSchema"] for tool, (listed, _) in harbour.TOOLS.items()}
    return Sound(steps, schemas, values_of(steps), goal)


def broken(name: str, final: Any, seed: int, at_once: Sequence[int] = FAULTS) -> Iterator[dict[str, Any]]:
    """The broken plans of one sound plan: no two alike, and none that ends well as it is."""
    whole, seen = sound(name), set[str]()
    expected = resolved(final, whole.results)
    for attempt in range(4 * VARIANTS):
        rng = random.Random(f"{seed}/{name}/{attempt}")  # noqa: S311 repeatable, not secret
        wanted = at_once[len(seen) % len(at_once)]
        draft, faults = Draft.of(whole), list[Fault]()
        for broken_by in rng.sample(BREAKERS, len(BREAKERS)):
            fault = broken_by(draft, rng) if len(faults) < wanted else None
            if fault is not None:
                faults.append(fault)
        key = json.dumps(draft.steps)
        if len(faults) < wanted or key in seen or len(values_of(draft.steps)) == len(draft.steps):
            continue
        seen.add(key)
        yield {
            "id": f"{name}__{len(seen):02}", "gold": name, "fault": f"{wanted} at once", "faults": faults,
            "task": whole.goal, "steps": draft.steps, "final": final, "expected": expected, "tolerance": 1e-6,
        }  # fmt: skip
        if len(seen) == VARIANTS:
            return


def cases(seed: int = 1, at_once: Sequence[int] = FAULTS) -> dict[str, Any]:
    """The whole case file; `at_once` are the numbers of faults that a plan may have."""
    gold = [
        {"id": name, "task": goal, "steps": steps, "final": final, "tolerance": 1e-6,
         "expected": resolved(final, values_of(steps))}
        for name, goal, steps, final in GOLD
    ]  # fmt: skip
    tangled = [case for name, _, _, final in GOLD for case in broken(name, final, seed, at_once)]
    command = [sys.executable, "-m", "evals.search.harbour"]
    return {"servers": {SERVER: {"command": command}}, "gold": gold, "broken": tangled}


def main() -> None:
    """Write the cases and say how many there are."""
    parser = argparse.ArgumentParser(prog="python -m evals.search.tangled", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    written = cases(asked.seed)
    asked.folder.mkdir(parents=True, exist_ok=True)
    (asked.folder / "chains.json").write_text(json.dumps(written, indent=1))
    print(f"{len(written['gold'])} sound plans, {len(written['broken'])} broken ones")


if __name__ == "__main__":
    main()
