"""A small real MCP server without a memory: the office of an invented harbour, strict about its arguments.

Usage: python -m evals.search.harbour. Many of its tools are near to one another in name and arguments and differ
in what they return, so that only a result can tell which of two was meant. What it reserves or sends it forgets; the
number that it answers with follows from the arguments alone.
"""

# ruff: noqa: D103  what a tool does stands in its description

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import anyio
import jsonschema
from mcp import types
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

VESSELS: dict[str, dict[str, Any]] = {
    "HN-4412": {"name": "Marigold", "call_sign": "5LQX2", "owner_code": "OW-18", "length_m": 141.5, "beam_m": 21.8,
                "draught_m": 7.9, "gross_tonnage": 9120, "kind": "bulk"},
    "HN-2087": {"name": "Petrel", "call_sign": "V7AB9", "owner_code": "OW-31", "length_m": 88.2, "beam_m": 14.1,
                "draught_m": 5.2, "gross_tonnage": 2980, "kind": "reefer"},
    "HN-7730": {"name": "Osprey Star", "call_sign": "9HVK4", "owner_code": "OW-18", "length_m": 176.0, "beam_m": 28.4,
                "draught_m": 9.6, "gross_tonnage": 18240, "kind": "container"},
    "HN-5199": {"name": "Tamarind", "call_sign": "C6XY7", "owner_code": "OW-44", "length_m": 112.7, "beam_m": 17.0,
                "draught_m": 6.4, "gross_tonnage": 5410, "kind": "tanker"},
}  # fmt: skip
BERTHS: dict[str, dict[str, Any]] = {
    "N1": {"quay": "north", "length_m": 95.0, "depth_m": 6.1, "crane_t": 20, "rate": 0.42},
    "N2": {"quay": "north", "length_m": 150.0, "depth_m": 8.8, "crane_t": 40, "rate": 0.58},
    "S1": {"quay": "south", "length_m": 120.0, "depth_m": 7.2, "crane_t": 25, "rate": 0.47},
    "S4": {"quay": "south", "length_m": 190.0, "depth_m": 10.9, "crane_t": 65, "rate": 0.83},
}
LOTS: dict[str, dict[str, Any]] = {
    "L-310": {"hull_no": "HN-4412", "goods": "barley", "tonnes": 4200, "rate_t_per_h": 350, "customs_code": "1003"},
    "L-311": {"hull_no": "HN-4412", "goods": "malt", "tonnes": 900, "rate_t_per_h": 180, "customs_code": "1107"},
    "L-402": {"hull_no": "HN-2087", "goods": "lemons", "tonnes": 640, "rate_t_per_h": 80, "customs_code": "0805"},
    "L-518": {"hull_no": "HN-7730", "goods": "tiles", "tonnes": 3100, "rate_t_per_h": 155, "customs_code": "6907"},
    "L-519": {"hull_no": "HN-7730", "goods": "looms", "tonnes": 450, "rate_t_per_h": 45, "customs_code": "8446"},
    "L-640": {
        "hull_no": "HN-5199",
        "goods": "linseed oil",
        "tonnes": 2600,
        "rate_t_per_h": 260,
        "customs_code": "1515",
    },
}
DUTY = {"1003": 3.1, "1107": 4.75, "0805": 11.2, "6907": 6.4, "8446": 2.05, "1515": 5.3}
PILOTS: dict[str, dict[str, Any]] = {
    "PI-07": {"name": "Runa Holm", "grade": 2, "hourly_rate": 145, "max_draught_m": 7.5, "licence": "K-2291"},
    "PI-12": {"name": "Teo Brand", "grade": 1, "hourly_rate": 190, "max_draught_m": 12.0, "licence": "K-1840"},
    "PI-15": {"name": "Ines Vik", "grade": 3, "hourly_rate": 120, "max_draught_m": 6.0, "licence": "K-3377"},
}
OWNERS: dict[str, dict[str, Any]] = {
    "OW-18": {"name": "Brackwater Lines", "city": "Skagby", "account_no": "AC-9001"},
    "OW-31": {"name": "Northern Fruit", "city": "Ostre", "account_no": "AC-7315"},
    "OW-44": {"name": "Silt and Sons", "city": "Maren", "account_no": "AC-4402"},
}
ACCOUNTS = {
    "AC-9001": {"balance": 18250.0, "terms_days": 30},
    "AC-7315": {"balance": 2400.5, "terms_days": 14},
    "AC-4402": {"balance": 910.75, "terms_days": 45},
}
RATES = {"crown": 1.0, "florin": 0.135, "dollar": 0.094}
"""What one crown is worth."""

Run = Callable[..., dict[str, Any]]
TOOLS: dict[str, tuple[dict[str, Any], Run]] = {}
"""Name to the tool as it is listed, and what it does."""

_TEXT = {"type": "string"}
_NUMBER = {"type": "number"}
_DAY = {"type": "string", "format": "date"}
_MONEY = {"type": "string", "enum": list(RATES)}
_READ, _WRITE = {"readOnlyHint": True}, {"readOnlyHint": False, "destructiveHint": False}


def tool(about: str, hints: Mapping[str, bool] = _READ, /, **properties: Any) -> Callable[[Run], Run]:
    """Offer a function as a tool; every argument is required."""

    def offered(run: Run) -> Run:
        schema = {"type": "object", "properties": properties, "required": list(properties)}
        listed = {"name": run.__name__, "description": about, "annotations": dict(hints)}
        TOOLS[run.__name__] = ({**listed, "inputSchema": {**schema, "additionalProperties": False}}, run)
        return run

    return offered


def _known(table: Mapping[str, Any], name: str, value: str) -> Any:
    if value not in table:
        raise LookupError(f"there is no {name} '{value}'")
    return table[value]


def _number(kind: str, *parts: object) -> str:
    return f"{kind}-{zlib.crc32(repr(parts).encode()) % 90000 + 10000}"


# vessels


@tool("Find a vessel by its name.", name=_TEXT)
def find_vessel(name: str) -> dict[str, Any]:
    for hull, vessel in VESSELS.items():
        if vessel["name"].lower() == name.lower():
            return {"vessel": {"hull_no": hull, **{k: vessel[k] for k in ("name", "call_sign", "owner_code", "kind")}}}
    raise LookupError(f"no vessel is called '{name}'")


@tool("Tell a vessel's measures.", hull_no=_TEXT)
def vessel_particulars(hull_no: str) -> dict[str, Any]:
    vessel = _known(VESSELS, "hull_no", hull_no)
    return {"hull_no": hull_no, **{k: vessel[k] for k in ("length_m", "beam_m", "draught_m", "gross_tonnage")}}


@tool("Tell where a vessel is.", hull_no=_TEXT)
def vessel_position(hull_no: str) -> dict[str, Any]:
    vessel = _known(VESSELS, "hull_no", hull_no)
    return {"hull_no": hull_no, "distance_nm": vessel["beam_m"] * 2, "speed_kn": vessel["draught_m"] + 4}


@tool("List a vessel's last calls at this harbour.", hull_no=_TEXT)
def vessel_history(hull_no: str) -> dict[str, Any]:
    _known(VESSELS, "hull_no", hull_no)
    return {"hull_no": hull_no, "calls": [{"berth": "N2", "day": "2031-02-03"}, {"berth": "S4", "day": "2031-04-21"}]}


@tool("List a vessel's certificates.", hull_no=_TEXT)
def vessel_certificates(hull_no: str) -> dict[str, Any]:
    _known(VESSELS, "hull_no", hull_no)
    return {"certificates": [{"kind": "load line", "until": "2033-01-31"}]}


@tool("Tell what a vessel carries, lot by lot.", hull_no=_TEXT)
def cargo_manifest(hull_no: str) -> dict[str, Any]:
    _known(VESSELS, "hull_no", hull_no)
    lots = [{"lot_id": key, "goods": lot["goods"]} for key, lot in LOTS.items() if lot["hull_no"] == hull_no]
    return {"lots": lots, "sheet_no": _number("SH", hull_no)}


@tool("Sum up what a vessel carries.", hull_no=_TEXT)
def cargo_summary(hull_no: str) -> dict[str, Any]:
    _known(VESSELS, "hull_no", hull_no)
    return {"total_tonnes": sum(lot["tonnes"] for lot in LOTS.values() if lot["hull_no"] == hull_no)}


@tool("Tell how a vessel's cargo is stowed.", hull_no=_TEXT)
def cargo_stowage(hull_no: str) -> dict[str, Any]:
    _known(VESSELS, "hull_no", hull_no)
    return {"holds": [{"hold": 1, "share": 0.6}, {"hold": 2, "share": 0.4}]}


@tool("Tell everything about one lot of cargo.", lot_id=_TEXT)
def lot_details(lot_id: str) -> dict[str, Any]:
    lot = _known(LOTS, "lot_id", lot_id)
    return {"lot_id": lot_id, **{k: lot[k] for k in ("goods", "tonnes", "rate_t_per_h", "customs_code")}}


@tool("Tell how far a lot has been cleared.", lot_id=_TEXT)
def lot_status(lot_id: str) -> dict[str, Any]:
    _known(LOTS, "lot_id", lot_id)
    return {"lot_id": lot_id, "status": "declared"}


# berths and tides


@tool("List the berths of a quay.", quay={"type": "string", "enum": ["north", "south"]})
def list_berths(quay: str) -> dict[str, Any]:
    return {"berths": [{"berth": key, "length_m": b["length_m"]} for key, b in BERTHS.items() if b["quay"] == quay]}


@tool("Find the smallest berth for a vessel of these measures.", length_m=_NUMBER, draught_m=_NUMBER)
def find_berth(length_m: float, draught_m: float) -> dict[str, Any]:
    for key, berth in sorted(BERTHS.items(), key=lambda pair: pair[1]["length_m"]):
        if berth["length_m"] >= length_m and berth["depth_m"] > draught_m:
            return {"berth": {"code": key, "quay": berth["quay"], "office": f"{berth['quay'].upper()}-OFFICE"}}
    raise LookupError(f"no berth takes a vessel with length_m '{length_m}' and draught_m '{draught_m}'")


@tool("Tell a berth's measures.", berth=_TEXT)
def berth_details(berth: str) -> dict[str, Any]:
    found = _known(BERTHS, "berth", berth)
    return {"berth": berth, **{k: found[k] for k in ("quay", "length_m", "depth_m", "crane_t")}}


@tool("Tell when a berth is free.", berth=_TEXT)
def berth_schedule(berth: str) -> dict[str, Any]:
    found = _known(BERTHS, "berth", berth)
    return {"berth": berth, "free_from": f"{int(found['depth_m']) + 4:02}:30", "free_hours": int(found["crane_t"] / 2)}


@tool("Tell what a berth costs.", berth=_TEXT)
def berth_tariff(berth: str) -> dict[str, Any]:
    return {"berth": berth, "per_meter_hour": _known(BERTHS, "berth", berth)["rate"], "currency": "crown"}


@tool("Tell the water levels of a day.", day=_DAY)
def tide_table(day: str) -> dict[str, Any]:
    shift = sum(map(int, day.split("-"))) % 7 / 10
    return {"day": day, "high": {"time": "05:40", "level_m": round(1.9 + shift, 2)},
            "low": {"time": "11:55", "level_m": round(0.3 + shift, 2)}}  # fmt: skip


@tool("Tell the currents of a day.", day=_DAY)
def tide_currents(day: str) -> dict[str, Any]:
    return {"day": day, "flood_kn": 1.4, "ebb_kn": 1.8}


@tool("Tell how deep the water at a berth is at a level of the tide.", berth=_TEXT, level_m=_NUMBER)
def depth_at_berth(berth: str, level_m: float) -> dict[str, Any]:
    return {"berth": berth, "water_depth_m": round(_known(BERTHS, "berth", berth)["depth_m"] + level_m, 3)}


@tool("Tell how much water there is under a keel.", water_depth_m=_NUMBER, draught_m=_NUMBER)
def under_keel(water_depth_m: float, draught_m: float) -> dict[str, Any]:
    return {"clearance_m": round(water_depth_m - draught_m, 3)}


# pilots and owners


@tool("List the pilots on duty on a day.", day=_DAY)
def list_pilots(day: str) -> dict[str, Any]:
    return {"day": day, "pilots": [{"pilot_id": key, "name": pilot["name"]} for key, pilot in PILOTS.items()]}


@tool("Tell a pilot's grade, rate and limits.", pilot_id=_TEXT)
def pilot_details(pilot_id: str) -> dict[str, Any]:
    return {"pilot_id": pilot_id, **_known(PILOTS, "pilot_id", pilot_id)}


@tool("Tell when a pilot is on duty.", pilot_id=_TEXT)
def pilot_roster(pilot_id: str) -> dict[str, Any]:
    _known(PILOTS, "pilot_id", pilot_id)
    return {"pilot_id": pilot_id, "shifts": [{"day": "2031-05-06", "hours": 8}]}


@tool("Tell which vessels a pilot has brought in.", pilot_id=_TEXT)
def pilot_record(pilot_id: str) -> dict[str, Any]:
    _known(PILOTS, "pilot_id", pilot_id)
    return {"pilot_id": pilot_id, "brought_in": 214}


@tool("Tell who owns vessels of this code.", owner_code=_TEXT)
def owner_details(owner_code: str) -> dict[str, Any]:
    return {"owner": {"code": owner_code, **_known(OWNERS, "owner_code", owner_code)}}


@tool("List the vessels of an owner.", owner_code=_TEXT)
def owner_fleet(owner_code: str) -> dict[str, Any]:
    _known(OWNERS, "owner_code", owner_code)
    return {"fleet": [key for key, vessel in VESSELS.items() if vessel["owner_code"] == owner_code]}


@tool("Tell the balance of an account.", account_no=_TEXT)
def account_balance(account_no: str) -> dict[str, Any]:
    return {"account_no": account_no, "currency": "crown", **_known(ACCOUNTS, "account_no", account_no)}


# charges


@tool("Tell how long unloading takes, with an hour for rigging.", tonnes=_NUMBER, rate_t_per_h=_NUMBER)
def unloading_time(tonnes: float, rate_t_per_h: float) -> dict[str, Any]:
    return {"hours": round(tonnes / rate_t_per_h + 1, 3)}


@tool("Work out harbour dues.", gross_tonnage=_NUMBER, hours=_NUMBER)
def harbour_dues(gross_tonnage: float, hours: float) -> dict[str, Any]:
    return {"dues": round(gross_tonnage * 0.21 + hours * 13.5, 2), "currency": "crown"}


@tool("Work out what a berth costs for a stay.", berth=_TEXT, length_m=_NUMBER, hours=_NUMBER)
def berth_fee(berth: str, length_m: float, hours: float) -> dict[str, Any]:
    return {"fee": round(_known(BERTHS, "berth", berth)["rate"] * length_m * hours, 2), "currency": "crown"}


@tool("Work out what a pilot costs.", hourly_rate=_NUMBER, hours=_NUMBER)
def pilot_fee(hourly_rate: float, hours: float) -> dict[str, Any]:
    return {"fee": round(hourly_rate * hours + 60, 2), "currency": "crown"}


@tool("Work out the duty on goods.", customs_code=_TEXT, tonnes=_NUMBER)
def customs_duty(customs_code: str, tonnes: float) -> dict[str, Any]:
    return {"duty": round(_known(DUTY, "customs_code", customs_code) * tonnes, 2), "currency": "crown"}


@tool("Exchange an amount of money.", amount=_NUMBER, from_currency=_MONEY, to_currency=_MONEY)
def convert_money(amount: float, from_currency: str, to_currency: str) -> dict[str, Any]:
    return {"converted": round(amount / RATES[from_currency] * RATES[to_currency], 2), "currency": to_currency}


@tool("Add charges up.", charges={"type": "array", "items": _NUMBER})
def sum_charges(charges: list[float]) -> dict[str, Any]:
    return {"total": round(sum(charges), 2)}


# effects


@tool("Reserve a berth for a vessel.", _WRITE, berth=_TEXT, hull_no=_TEXT, hours=_NUMBER)
def reserve_berth(berth: str, hull_no: str, hours: float) -> dict[str, Any]:
    _known(BERTHS, "berth", berth)
    _known(VESSELS, "hull_no", hull_no)
    return {"reservation": {"number": _number("RB", berth, hull_no), "berth": berth, "hours": hours}}


@tool("Announce a vessel to an office of the harbour.", _WRITE, hull_no=_TEXT, office=_TEXT)
def announce_vessel(hull_no: str, office: str) -> dict[str, Any]:
    _known(VESSELS, "hull_no", hull_no)
    return {"notice": {"number": _number("NT", hull_no, office), "office": office}}


def answer(name: str, arguments: Any) -> dict[str, Any]:
    """Validate, then do what the tool says; every refusal is an error result."""
    offered = TOOLS.get(name)
    if offered is None:
        return _result(f"Unknown tool: {name}", failed=True)
    listed, run = offered
    error = next(iter(jsonschema.Draft202012Validator(listed["inputSchema"]).iter_errors(arguments)), None)
    if error is not None:
        place = f" ({'.'.join(map(str, error.absolute_path))})" if error.absolute_path else ""
        return _result(f"Input validation error: {error.message}{place}", failed=True)
    try:
        return _result(run(**arguments))
    except LookupError as refusal:
        return _result(str(refusal.args[0]), failed=True)


def _result(value: Any, *, failed: bool = False) -> dict[str, Any]:
    text = value if isinstance(value, str) else json.dumps(value)
    result: dict[str, Any] = {"content": [{"type": "text", "text": text}], "isError": failed}
    return result if isinstance(value, str) else {**result, "structuredContent": value}


async def main() -> None:
    """Serve on stdio until the client leaves."""

    async def list_tools(_ctx: Any, _params: Any) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[types.Tool.model_validate(listed) for listed, _ in TOOLS.values()])

    async def call_tool(_ctx: Any, params: Any) -> types.CallToolResult:
        return types.CallToolResult.model_validate(answer(params.name, params.arguments or {}))

    server: Server[Any] = Server("harbour", version="1", on_list_tools=list_tools, on_call_tool=call_tool)
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


if __name__ == "__main__":
    anyio.run(main)
