"""Quotes that came with a text, and arithmetic that stands for its result."""

# pyright: basic
from __future__ import annotations

from typing import Any

import pytest

from proxy.repair.view.scalars import read_number
from tests.desks import Desk, done, repairs
from tests.fakes import NUMBER, TEXT, TEXTS, RefusedError, Server, carried_out, step, world
from tests.promises import promise

# quotes


def towns() -> Server:
    def reise(**given: Any) -> Any:
        for town in [*given.get("orte", []), given.get("ziel", "Ulm")]:
            if town not in ("Ulm", "Jena", "Bad Urach"):
                raise RefusedError(f"unknown town: {town}")
        return given

    return Server("bahn").tool("reise", reise, optional=["orte", "ziel", "notiz"], orte=TEXTS, ziel=TEXT, notiz=TEXT)


@promise("values-fit-their-schema")
@pytest.mark.parametrize(
    ("sent", "wanted"),
    [
        ({"ziel": '"Ulm"'}, {"ziel": "Ulm"}),
        ({"ziel": "'Bad Urach' "}, {"ziel": "Bad Urach"}),
        ({"ziel": '\\"Jena\\"'}, {"ziel": "Jena"}),
        ({"orte": ["Ulm", '"Jena"']}, {"orte": ["Ulm", "Jena"]}),
        ({"orte": ["'Ulm'", "`Jena`"], "notiz": '"leise"'}, {"orte": ["Ulm", "Jena"], "notiz": '"leise"'}),
    ],
)
async def test_quotes_go_from_all_that_stand_together(sent: Any, wanted: Any) -> None:
    desk = Desk(towns())
    result = await desk.result("reise", sent)
    assert {repair["rule"] for repair in repairs(result)} == {"bare_text"}
    assert done(desk.world, "reise") == [wanted]


@promise("sound-values-stay", "abstains")
@pytest.mark.parametrize("town", ['Ulm"', '"', '""', "'Ulm\"", "O'Hara's"])
async def test_a_text_that_is_not_enclosed_keeps_its_quotes(town: str) -> None:
    desk = Desk(towns())
    assert (await desk.result("reise", {"ziel": town}))["isError"]
    assert desk.world.done == []


# arithmetic


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2 * 3.5", 7),
        ("2*3.5", 7),
        ("0.1 + 0.2", 0.3),
        ("(2 + 3) * 4", 20),
        ("10 - 4", 6),
        ("7 / 2 - 1", 2.5),
        ("1 / 4 + 0.75", 1),
        ("3 × 4", 12),
        ("-2 * -3", 6),
        # dates, ranges, telephones, versions, and what is no arithmetic
        ("2026-03-05", None),
        ("2026 - 03 - 05", None),
        ("3 - 7", None),
        ("555-1234", None),
        ("3/4/2026", None),
        ("1.2.3 * 2", None),
        ("2 ** 100", None),
        ("2 // 3", None),
        ("1 / 0", None),
        ("(2 + 3", None),
        ("2 3", None),
        ("2(3)", None),
        ("{{a.x}} - 3", None),
        ("9" * 90 + " * 9", None),
    ],
)
def test_literal_arithmetic_is_computed_exactly(text: str, value: float | None) -> None:
    found = read_number(text)
    assert (found.value if found is not None and found.rule == "arithmetic" else None) == value


@promise("values-fit-their-schema")
async def test_the_result_is_sent_for_the_arithmetic_where_nothing_is_changed_by_it() -> None:
    desk = Desk(Server("kasse").tool("zeige", lambda betrag: betrag, "read", betrag=NUMBER))
    result = await desk.result("zeige", {"betrag": "2 * 3.5"})
    assert [(repair["rule"], repair["confidence"]) for repair in repairs(result)] == [("rewrite_value", "evident")]
    assert done(desk.world, "zeige") == [{"betrag": 7}]
    desk = Desk(Server("kasse").tool("buche", lambda betrag: betrag, "write", betrag=NUMBER))
    await desk.result("buche", {"betrag": "2026 - 42"})
    assert done(desk.world, "buche") == []


@promise("literals-stay-literal", "abstains")
@pytest.mark.parametrize("text", ["{{a.wert}} - 3", "{{a.wert}} * {{a.wert}}", "2 * {{a.wert}}"])
async def test_arithmetic_over_references_is_never_half_evaluated(text: str) -> None:
    server = Server("kasse").tool("lies", lambda: {"wert": 7}).tool("buche", lambda betrag: betrag, betrag=NUMBER)
    where = world(server)
    await carried_out(where, {"steps": [step("a", "lies"), step("b", "buche", betrag=text)]})
    assert done(where, "buche") == []
