"""Where no list of words knows a name or a habit of writing, nothing is changed that could do something else."""

# pyright: basic
from __future__ import annotations

from typing import Any

import pytest

from proxy.repair.rules.rename_argument import contrasted
from tests.desks import Desk
from tests.fakes import BOOLEAN, INTEGER, NUMBER, TEXT, TEXTS, Server
from tests.promises import promise

WORD: dict[str, Any] = {"type": "string", "enum": ["asc", "desc"]}


@promise("abstains")
@pytest.mark.parametrize("effect", ["read", "write", "unknown"])
@pytest.mark.parametrize(
    ("sent", "declared"),
    [
        ("od_konta", "do_konta"),
        ("fecha_inicial", "fecha_final"),
        ("起点", "终点"),
        ("дата_от", "дата_до"),
        ("gelen_hesap", "giden_hesap"),
        ("von_konto", "nach_konto"),
        ("min_ár", "max_ár"),
        ("order_id", "customer_id"),
        ("도시", "도서"),
        ("wlacz_swiatlo", "wylacz_swiatlo"),
    ],
)
async def test_the_counterpart_of_a_name_is_not_taken_for_it(sent: str, declared: str, effect: Any) -> None:
    properties: Any = {declared: TEXT, "z": INTEGER}
    desk = Desk(Server("s").tool("t", lambda **given: given, effect, **properties))
    assert (await desk.result("s__t", {sent: "a", "z": 3}))["isError"]
    assert desk.world.done == []


@pytest.mark.parametrize(
    ("sent", "declared"),
    [("city", "location"), ("user", "user_id"), ("stadt", "ort"), ("都市名", "都市"), ("q", "query")],
)
def test_other_names_for_a_thing_are_no_counterparts(sent: str, declared: str) -> None:
    assert not contrasted(sent, declared)


@promise("nothing-restricting-is-dropped")
@pytest.mark.parametrize("effect", ["read", "write"])
@pytest.mark.parametrize(
    "extra", ["試運転", "prueba", "nur_vorschau", "фильтр", "límite", "версия", "só_ativos", "hint"]
)
async def test_an_argument_in_any_language_is_not_left_out(extra: str, effect: Any) -> None:
    desk = Desk(Server("s", "pydantic").tool("t", lambda **given: given, effect, id=TEXT))
    assert (await desk.result("s__t", {"id": "3", extra: "x"}))["isError"]
    assert desk.world.done == []


@promise("nothing-restricting-is-dropped")
@pytest.mark.parametrize("extra", [{"justification": "left"}, {"explanation": True}, {"reasoning": "high"}])
async def test_a_setting_under_a_name_for_thoughts_is_not_left_out(extra: dict[str, Any]) -> None:
    desk = Desk(Server("s", "pydantic").tool("t", lambda **given: given, "read", id=TEXT))
    assert (await desk.result("s__t", {"id": "3", **extra}))["isError"]
    assert desk.world.done == []


@pytest.mark.parametrize("extra", [{"reasoning": "to see it"}, {"toolCallId": "c1"}, {"фильтр": None}, {"メモ": ""}])
async def test_what_asks_for_nothing_is_left_out_of_a_read(extra: dict[str, Any]) -> None:
    desk = Desk(Server("s", "pydantic").tool("t", lambda **given: given, "read", id=TEXT))
    await desk.result("s__t", {"id": "3", **extra})
    assert desk.world.done == [("t", {"id": "3"})]


@promise("abstains")
@pytest.mark.parametrize(
    ("schema", "written", "read"),
    [
        (TEXTS, "Smith, Ann", ["Smith", "Ann"]),
        (BOOLEAN, "no", False),
        (NUMBER, "1.500", 1.5),
        (NUMBER, "1,500", 1500),
        (INTEGER, "010", 10),
        (INTEGER, "about 5", 5),
        (INTEGER, "(5)", 5),
        (WORD, "dsc", "desc"),
        (TEXT, 7.0, "7.0"),
    ],
)
async def test_a_habit_of_writing_is_followed_for_reads_alone(schema: Any, written: Any, read: Any) -> None:
    for effect in ("read", "write", "unknown"):
        desk = Desk(Server("s").tool("t", lambda **given: given, effect, v=schema))
        await desk.result("s__t", {"v": written})
        assert desk.world.done == ([("t", {"v": read})] if effect == "read" else [])


@promise("values-fit-their-schema")
@pytest.mark.parametrize(
    ("schema", "written", "read"),
    [
        (INTEGER, "18,250", 18250),
        (NUMBER, "2,000,000", 2000000),
        (NUMBER, "1.5", 1.5),
        (INTEGER, "two", 2),
        (INTEGER, "58 units", 58),
        (TEXTS, "a", ["a"]),
        (BOOLEAN, "true", True),
        (TEXT, 7, "7"),
    ],
)
async def test_what_everyone_reads_alike_is_sent_everywhere(schema: Any, written: Any, read: Any) -> None:
    for effect in ("read", "write", "unknown"):
        desk = Desk(Server("s").tool("t", lambda **given: given, effect, v=schema))
        await desk.result("s__t", {"v": written})
        assert desk.world.done == [("t", {"v": read})]
