"""A step that is gone: what a reference asks for, and what stands elsewhere in the plan, tell which one it was."""

# pyright: basic
from __future__ import annotations

from typing import Any

import pytest

from tests.desks import done, ops
from tests.fakes import BOOLEAN, NUMBER, TEXT, Server, carried_out, ref, step, world
from tests.promises import promise

HALLS = {"enum": ["nord", "süd", "west"]}
SHELVES = {"nord": ["A1", "A2"], "süd": ["B1"], "west": []}


def warehouse() -> Server:
    def auflisten(halle: str | None = None) -> Any:
        return SHELVES if halle is None else {halle: SHELVES[halle]}

    server = Server("lager").tool("regale_auflisten", auflisten, optional=["halle"], halle=HALLS)
    server.tool("wege_messen", lambda von, nach: {"meter": 12}, von=TEXT, nach=TEXT)
    server.tool("regal_prüfen", lambda regal: {"voll": regal == "A2"}, regal=TEXT)
    return server.tool("bestand", lambda: {"stück": 3})


@promise("missing-producers-are-added")
async def test_a_lost_look_up_is_the_tool_that_knows_the_key_which_its_reader_asks_for() -> None:
    where = world(warehouse())
    steps = [step("p", "regal_prüfen", regal=ref("liste", "nord.1"))]
    report = await carried_out(where, {"goal": "Ist das zweite Regal der Nordhalle voll?", "steps": steps})
    assert report.status == "repaired", report.problems
    assert ops(report) == ["add_step"]
    assert report.output == {"voll": True}


@promise("missing-producers-are-added", "abstains")
@pytest.mark.parametrize("path", ["nord.7", "ost.1"])
async def test_a_look_up_that_holds_nothing_there_is_not_what_was_lost(path: str) -> None:
    where = world(warehouse())
    report = await carried_out(
        where, {"goal": "Prüfe ein Regal", "steps": [step("p", "regal_prüfen", regal=ref("l", path))]}
    )
    assert report.status == "failed"
    assert done(where, "regal_prüfen") == []


@promise("missing-producers-are-added", "abstains")
async def test_two_look_ups_that_know_the_key_and_tell_different_things_are_none() -> None:
    server = warehouse().tool(
        "regale_sperren_zeigen", lambda halle=None: {"nord": ["X", "Y"]}, optional=["halle"], halle=HALLS
    )
    steps = [step("p", "regal_prüfen", regal=ref("l", "nord.1"))]
    report = await carried_out(world(server), {"goal": "Prüfe ein Regal", "steps": steps})
    assert report.status == "failed"


@promise("missing-producers-are-added", "abstains")
async def test_a_supplied_step_that_leaves_a_text_of_the_goal_unused_is_not_claimed() -> None:
    cards = {"type": "array", "items": {"type": "object", "required": ["titel"], "properties": {"titel": TEXT}}}
    server = Server("karten").tool(
        "alle_zeigen", lambda: {"karten": [{"titel": "Hafen"}, {"titel": "Moor"}]},
        returns={"type": "object", "required": ["karten"], "properties": {"karten": cards}},
    )  # fmt: skip
    titles = {"type": "array", "items": TEXT}
    server.tool("karten_öffnen", lambda titel: {"maßstab": len(titel[0])}, titel=titles)
    steps = [step("k", "karten_öffnen", titel=[ref("neu", "karten.0.titel")])]
    goal = "Lege die Karte 'Gletscher' an und sage ihren Maßstab."
    report = await carried_out(world(server), {"goal": goal, "steps": steps})
    assert report.status == "failed"
    assert report.uncovered == ["Gletscher"]


def climate() -> Server:
    """What a room feels like; `trocken` and `feucht` are two sides of one thing, as its description says."""
    about: Any = {
        "temp": {**NUMBER, "description": "Lufttemperatur in Celsius"},
        "rf": {**NUMBER, "description": "relative Feuchte in Prozent"},
        "feucht": {**BOOLEAN, "description": "true: feuchter Raum"},
    }
    server = Server("klima").tool(
        "taupunkt", lambda temp, rf, feucht: {"result": temp - rf / 10 + feucht}, about="Taupunkt",
        returns={"type": "object", "properties": {"result": NUMBER}}, **about,
    )  # fmt: skip
    dry = {**BOOLEAN, "description": "true: trockener Raum, false: feucht"}
    return server.tool(
        "behagen", lambda temp, taupunkt, trocken: {"grad": temp + taupunkt}, about="Wie sich ein Raum anfühlt",
        temp=NUMBER, taupunkt=NUMBER, trocken=dry,
    )  # fmt: skip


GOAL = "Wie fühlt sich ein Raum mit Feuchte 40 bei 21 Grad an, über 3 Stunden?"


@promise("missing-producers-are-added")
async def test_what_a_lost_step_was_given_stands_in_its_reader_and_in_the_goal() -> None:
    where = world(climate())
    steps = [step("b", "behagen", temp=21, taupunkt=ref("t", "result"), trocken=True)]
    report = await carried_out(where, {"goal": GOAL, "steps": steps})
    assert report.status == "repaired", report.problems
    assert done(where, "taupunkt") == [{"temp": 21, "rf": 40, "feucht": False}]
    assert report.output == {"grad": 38}


@promise("missing-producers-are-added", "values-stay-where-they-are")
async def test_what_another_server_was_given_is_given_to_none_else() -> None:
    result = {"type": "object", "properties": {"result": NUMBER}}
    klima = Server("klima").tool("taupunkt", lambda raum: {"result": 1}, about="Taupunkt", returns=result, raum=TEXT)
    haus = Server("haus").tool("behagen", lambda raum, taupunkt: {"grad": taupunkt}, raum=TEXT, taupunkt=NUMBER)
    where = world(klima, haus)
    steps = [step("b", "behagen", raum="r-1", taupunkt=ref("t", "result"))]
    report = await carried_out(where, {"goal": GOAL, "steps": steps})
    assert report.status == "failed"
    assert where.sent == []
