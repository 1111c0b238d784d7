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

_NUMBER = {"type": "number"}
_DAY = {"type": "string", "format": "date"}
_MONEY = {"type": "string", "enum": list(RATES)}
_NAME = {"type": "string"}
_READ, _WRITE = {"readOnlyHint": True}, {"readOnlyHint": False, "destructiveHint": False}


def _tool(
    name: str, about: str, run: Run, hints: Mapping[str, bool] = _READ, /, **arguments: Mapping[str, Any]
) -> None:
    """Offer a tool. Each argument is required, and has a schema or else a table of this harbour that must know it."""
    tables = {key: table for key, table in arguments.items() if "type" not in table}

    def checked(**given: Any) -> dict[str, Any]:
        for key, table in tables.items():
            if given[key] not in table:
                raise LookupError(f"there is no {key} '{given[key]}'")
        return run(**given)

    properties = {key: _NAME if key in tables else dict(schema) for key, schema in arguments.items()}
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    listed = {"name": name, "description": about, "annotations": dict(hints)}
    TOOLS[name] = ({**listed, "inputSchema": {**schema, "additionalProperties": False}}, checked)


def _of(row: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: row[key] for key in keys}


def _crowns(name: str, amount: float) -> dict[str, Any]:
    return {name: round(amount, 2), "currency": "crown"}


def _number(kind: str, *parts: object) -> str:
    return f"{kind}-{zlib.crc32(repr(parts).encode()) % 90000 + 10000}"


def find_vessel(name: str) -> dict[str, Any]:
    for hull, vessel in VESSELS.items():
        if vessel["name"].lower() == name.lower():
            return {"vessel": {"hull_no": hull, **_of(vessel, "name", "call_sign", "owner_code", "kind")}}
    raise LookupError(f"no vessel is called '{name}'")


def find_berth(length_m: float, draught_m: float) -> dict[str, Any]:
    for key, berth in sorted(BERTHS.items(), key=lambda pair: pair[1]["length_m"]):
        if berth["length_m"] >= length_m and berth["depth_m"] > draught_m:
            return {"berth": {"code": key, "quay": berth["quay"], "office": f"{berth['quay'].upper()}-OFFICE"}}
    raise LookupError(f"no berth takes a vessel with length_m '{length_m}' and draught_m '{draught_m}'")


def tide_table(day: str) -> dict[str, Any]:
    shift = sum(map(int, day.split("-"))) % 7 / 10
    high, low = ({"time": time, "level_m": round(at + shift, 2)} for time, at in (("05:40", 1.9), ("11:55", 0.3)))
    return {"day": day, "high": high, "low": low}


def _lots(hull_no: str) -> dict[str, Any]:
    return {key: lot for key, lot in LOTS.items() if lot["hull_no"] == hull_no}


# fmt: off
_tool("find_vessel", "Find a vessel by its name.", find_vessel, name=_NAME)
_tool("vessel_particulars", "Tell a vessel's measures.",
      lambda hull_no: {"hull_no": hull_no,
                       **_of(VESSELS[hull_no], "length_m", "beam_m", "draught_m", "gross_tonnage")}, hull_no=VESSELS)
_tool("vessel_position", "Tell where a vessel is.",
      lambda hull_no: {"hull_no": hull_no, "distance_nm": VESSELS[hull_no]["beam_m"] * 2,
                       "speed_kn": VESSELS[hull_no]["draught_m"] + 4}, hull_no=VESSELS)
_tool("vessel_history", "List a vessel's last calls at this harbour.",
      lambda hull_no: {"hull_no": hull_no, "calls": [{"berth": "N2", "day": "2031-02-03"},
                                                     {"berth": "S4", "day": "2031-04-21"}]}, hull_no=VESSELS)
_tool("vessel_certificates", "List a vessel's certificates.",
      lambda hull_no: {"certificates": [{"kind": "load line", "until": "2033-01-31"}]}, hull_no=VESSELS)
_tool("cargo_manifest", "Tell what a vessel carries, lot by lot.",
      lambda hull_no: {"lots": [{"lot_id": key, "goods": lot["goods"]} for key, lot in _lots(hull_no).items()],
                       "sheet_no": _number("SH", hull_no)}, hull_no=VESSELS)
_tool("cargo_summary", "Sum up what a vessel carries.",
      lambda hull_no: {"total_tonnes": sum(lot["tonnes"] for lot in _lots(hull_no).values())}, hull_no=VESSELS)
_tool("cargo_stowage", "Tell how a vessel's cargo is stowed.",
      lambda hull_no: {"holds": [{"hold": 1, "share": 0.6}, {"hold": 2, "share": 0.4}]}, hull_no=VESSELS)
_tool("lot_details", "Tell everything about one lot of cargo.",
      lambda lot_id: {"lot_id": lot_id,
                      **_of(LOTS[lot_id], "goods", "tonnes", "rate_t_per_h", "customs_code")}, lot_id=LOTS)
_tool("lot_status", "Tell how far a lot has been cleared.",
      lambda lot_id: {"lot_id": lot_id, "status": "declared"}, lot_id=LOTS)

_tool("list_berths", "List the berths of a quay.",
      lambda quay: {"berths": [{"berth": key, "length_m": each["length_m"]} for key, each in BERTHS.items()
                               if each["quay"] == quay]}, quay={"type": "string", "enum": ["north", "south"]})
_tool("find_berth", "Find the smallest berth for a vessel of these measures.", find_berth,
      length_m=_NUMBER, draught_m=_NUMBER)
_tool("berth_details", "Tell a berth's measures.",
      lambda berth: {"berth": berth, **_of(BERTHS[berth], "quay", "length_m", "depth_m", "crane_t")}, berth=BERTHS)
_tool("berth_schedule", "Tell when a berth is free.",
      lambda berth: {"berth": berth, "free_from": f"{int(BERTHS[berth]['depth_m']) + 4:02}:30",
                     "free_hours": int(BERTHS[berth]["crane_t"] / 2)}, berth=BERTHS)
_tool("berth_tariff", "Tell what a berth costs.",
      lambda berth: {"berth": berth, "per_meter_hour": BERTHS[berth]["rate"], "currency": "crown"}, berth=BERTHS)
_tool("tide_table", "Tell the water levels of a day.", tide_table, day=_DAY)
_tool("tide_currents", "Tell the currents of a day.",
      lambda day: {"day": day, "flood_kn": 1.4, "ebb_kn": 1.8}, day=_DAY)
_tool("depth_at_berth", "Tell how deep the water at a berth is at a level of the tide.",
      lambda berth, level_m: {"berth": berth, "water_depth_m": round(BERTHS[berth]["depth_m"] + level_m, 3)},
      berth=BERTHS, level_m=_NUMBER)
_tool("under_keel", "Tell how much water there is under a keel.",
      lambda water_depth_m, draught_m: {"clearance_m": round(water_depth_m - draught_m, 3)},
      water_depth_m=_NUMBER, draught_m=_NUMBER)

_tool("list_pilots", "List the pilots on duty on a day.",
      lambda day: {"day": day, "pilots": [{"pilot_id": key, "name": each["name"]} for key, each in PILOTS.items()]},
      day=_DAY)
_tool("pilot_details", "Tell a pilot's grade, rate and limits.",
      lambda pilot_id: {"pilot_id": pilot_id, **PILOTS[pilot_id]}, pilot_id=PILOTS)
_tool("pilot_roster", "Tell when a pilot is on duty.",
      lambda pilot_id: {"pilot_id": pilot_id, "shifts": [{"day": "2031-05-06", "hours": 8}]}, pilot_id=PILOTS)
_tool("pilot_record", "Tell which vessels a pilot has brought in.",
      lambda pilot_id: {"pilot_id": pilot_id, "brought_in": 214}, pilot_id=PILOTS)
_tool("owner_details", "Tell who owns vessels of this code.",
      lambda owner_code: {"owner": {"code": owner_code, **OWNERS[owner_code]}}, owner_code=OWNERS)
_tool("owner_fleet", "List the vessels of an owner.",
      lambda owner_code: {"fleet": [key for key, each in VESSELS.items() if each["owner_code"] == owner_code]},
      owner_code=OWNERS)
_tool("account_balance", "Tell the balance of an account.",
      lambda account_no: {"account_no": account_no, "currency": "crown", **ACCOUNTS[account_no]}, account_no=ACCOUNTS)

_tool("unloading_time", "Tell how long unloading takes, with an hour for rigging.",
      lambda tonnes, rate_t_per_h: {"hours": round(tonnes / rate_t_per_h + 1, 3)},
      tonnes=_NUMBER, rate_t_per_h=_NUMBER)
_tool("harbour_dues", "Work out harbour dues.",
      lambda gross_tonnage, hours: _crowns("dues", gross_tonnage * 0.21 + hours * 13.5),
      gross_tonnage=_NUMBER, hours=_NUMBER)
_tool("berth_fee", "Work out what a berth costs for a stay.",
      lambda berth, length_m, hours: _crowns("fee", BERTHS[berth]["rate"] * length_m * hours),
      berth=BERTHS, length_m=_NUMBER, hours=_NUMBER)
_tool("pilot_fee", "Work out what a pilot costs.",
      lambda hourly_rate, hours: _crowns("fee", hourly_rate * hours + 60), hourly_rate=_NUMBER, hours=_NUMBER)
_tool("customs_duty", "Work out the duty on goods.",
      lambda customs_code, tonnes: _crowns("duty", DUTY[customs_code] * tonnes), customs_code=DUTY, tonnes=_NUMBER)
_tool("convert_money", "Exchange an amount of money.",
      lambda amount, from_currency, to_currency: {
          "converted": round(amount / RATES[from_currency] * RATES[to_currency], 2), "currency": to_currency},
      amount=_NUMBER, from_currency=_MONEY, to_currency=_MONEY)
_tool("sum_charges", "Add charges up.",
      lambda charges: {"total": round(sum(charges), 2)}, charges={"type": "array", "items": _NUMBER})

_tool("reserve_berth", "Reserve a berth for a vessel.",
      lambda berth, hull_no, hours: {"reservation": {"number": _number("RB", berth, hull_no), "berth": berth,
                                                     "hours": hours}},
      _WRITE, berth=BERTHS, hull_no=VESSELS, hours=_NUMBER)
_tool("announce_vessel", "Announce a vessel to an office of the harbour.",
      lambda hull_no, office: {"notice": {"number": _number("NT", hull_no, office), "office": office}},
      _WRITE, hull_no=VESSELS, office=_NAME)
# fmt: on


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
