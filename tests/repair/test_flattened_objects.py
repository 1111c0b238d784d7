"""Objects without the key that says what they are, and objects whose keys were written flat."""

# pyright: basic
from __future__ import annotations

from typing import Any

import pytest

from proxy.repair.view.choices import tagged
from tests.desks import Desk, done, repairs
from tests.fakes import BOOLEAN, INTEGER, NUMBER, TEXT, Server
from tests.promises import promise


def kind(name: str, *optional: str, closed: bool = True, **properties: Any) -> dict[str, Any]:
    """One alternative of a union, told by its `art`."""
    return {
        "type": "object",
        "properties": {"art": {"const": name}, **properties},
        "required": ["art", *(key for key in properties if key not in optional)],
        **({"additionalProperties": False} if closed else {}),
    }


PLACE = {"oneOf": [kind("stadt", ort=TEXT), kind("punkt", lat=NUMBER, lon=NUMBER), kind("hier")]}


def weather(effect: str = "read", **options: Any) -> Server:
    return Server("wetter", **options).tool("vorhersage", lambda **given: given, effect, stelle=PLACE)


@promise("values-fit-their-schema")
@pytest.mark.parametrize("effect", ["read", "write"])
@pytest.mark.parametrize(
    ("sent", "wanted"),
    [
        ({"ort": "Jena"}, {"art": "stadt", "ort": "Jena"}),
        ({"lat": 50.9, "lon": 11.6}, {"art": "punkt", "lat": 50.9, "lon": 11.6}),
    ],
)
async def test_the_one_alternative_that_fits_is_named(effect: str, sent: Any, wanted: Any) -> None:
    desk = Desk(weather(effect, style="jsonschema"))
    result = await desk.result("vorhersage", {"stelle": sent})
    assert [repair["confidence"] for repair in repairs(result)] == ["lossless"]
    assert done(desk.world, "vorhersage") == [{"stelle": wanted}]


@promise("values-fit-their-schema", "abstains")
@pytest.mark.parametrize(
    "sent", [{}, {"lat": 50.9}, {"ort": "Jena", "lat": 1}, {"land": "DE"}, {"art": "dorf", "ort": "x"}]
)
async def test_what_fits_no_alternative_or_says_nothing_stays(sent: Any) -> None:
    desk = Desk(weather())
    result = await desk.result("vorhersage", {"stelle": sent})
    assert result["isError"]
    assert desk.world.done == []


@pytest.mark.parametrize(
    ("value", "options", "wanted"),
    [
        ({"x": 1}, [kind("a", x=INTEGER), kind("b", x=INTEGER)], None),
        ({"x": 1}, [kind("a", x=INTEGER), kind("b", x=TEXT)], {"art": "a", "x": 1}),
        ({"x": 1}, [kind("a", "y", x=INTEGER, y=TEXT), kind("b", y=TEXT)], {"art": "a", "x": 1}),
        ({"x": 1}, [kind("a", x=INTEGER)], None),
        ({"x": 1}, [kind("a", x=INTEGER, closed=False), kind("b", closed=False)], {"art": "a", "x": 1}),
        ([{"x": 1}], [kind("a", x=INTEGER), kind("b", y=INTEGER)], None),
    ],
)
def test_two_that_fit_are_none(value: Any, options: list[Any], wanted: Any) -> None:
    for keyword in ("oneOf", "anyOf"):
        assert tagged(value, {keyword: options}, {}) == wanted
    enums = [
        {**one, "properties": {**one["properties"], "art": {"enum": [one["properties"]["art"]["const"]]}}}
        for one in options
    ]
    assert (
        tagged(
            value,
            {"oneOf": [{"$ref": f"#/$defs/{i}"} for i in range(len(enums))]},
            {"$defs": {str(i): one for i, one in enumerate(enums)}},
        )
        == wanted
    )


async def test_items_of_a_list_are_told_apart_one_by_one() -> None:
    block = {"anyOf": [kind("text", inhalt=TEXT), kind("bild", quelle=TEXT)]}
    desk = Desk(Server("seite").tool("zeigen", lambda **given: given, blocks={"type": "array", "items": block}))
    await desk.result("zeigen", {"blocks": [{"inhalt": "a"}, {"quelle": "b.png"}]})
    assert done(desk.world, "zeigen") == [
        {"blocks": [{"art": "text", "inhalt": "a"}, {"art": "bild", "quelle": "b.png"}]}
    ]


# keys written flat


LINE = {
    "type": "object",
    "properties": {"артикул": TEXT, "кол": INTEGER, "срочно": BOOLEAN},
    "required": ["артикул", "кол"],
    "additionalProperties": False,
}


def orders(effect: str = "write", closed: bool = False, **more: Any) -> Server:
    lines = {"type": "array", "items": LINE}
    return Server("склад").tool(
        "заказать",
        lambda **given: given,
        effect,
        optional=list(more),
        closed=closed,
        клиент=TEXT,
        позиции=lines,
        **more,
    )


@promise("wrappers-are-opened")
@pytest.mark.parametrize(
    ("flat", "sure"),
    [({"артикул": "A-7", "кол": 2}, "lossless"), ({"артикул": "A-7", "кол": 2, "срочно": True}, "evident")],
)
async def test_flat_keys_become_the_one_item_of_the_list(flat: Any, sure: str) -> None:
    desk = Desk(orders())
    result = await desk.result("заказать", {"клиент": "Вера", **flat})
    assert [repair["confidence"] for repair in repairs(result)] == [sure]
    assert done(desk.world, "заказать") == [{"клиент": "Вера", "позиции": [flat]}]


@promise("nothing-asked-for-is-lost", "abstains")
@pytest.mark.parametrize(
    "flat",
    [
        {"артикул": "A-7"},
        {"артикул": "A-7", "кол": 2, "цвет": "red"},
        {"цвет": "red", "кол": 2},
        {"артикул": "A-7", "кол": {}},
    ],
)
async def test_flat_keys_that_make_no_whole_item_stay(flat: Any) -> None:
    desk = Desk(orders("read", closed=True))
    assert (await desk.result("заказать", {"клиент": "Вера", **flat}))["isError"]
    assert desk.world.done == []


@promise("abstains")
async def test_flat_keys_with_two_homes_stay() -> None:
    desk = Desk(orders(замены={"type": "array", "items": LINE}))
    assert (await desk.result("заказать", {"клиент": "Вера", "артикул": "A-7", "кол": 2}))["isError"]
    assert desk.world.done == []


@promise("wrappers-are-opened")
async def test_flat_keys_become_the_object_that_is_missing_beside_what_is_known() -> None:
    address = {"type": "object", "properties": {"rue": TEXT, "ville": TEXT}, "required": ["rue", "ville"]}
    desk = Desk(Server("poste").tool("tarif", lambda **given: given, poids=NUMBER, anschrift=address, closed=False))
    await desk.result("tarif", {"poids": 2, "rue": "du Bac", "ville": "Lyon"})
    assert done(desk.world, "tarif") == [{"poids": 2, "anschrift": {"rue": "du Bac", "ville": "Lyon"}}]


@promise("own-error-plus-diagnosis")
async def test_a_flat_alternative_of_a_union_is_suggested_where_nothing_proves_the_refusal() -> None:
    server = Server("notiz").tool("anhang", lambda **given: given, "write", stelle=PLACE, text=TEXT, closed=False)
    server.offers["anhang"].raw["inputSchema"]["required"] = ["stelle", "text"]
    desk = Desk(server, between=_vague)
    result = await desk.result("anhang", {"ort": "Jena", "text": "Regen"})
    assert desk.world.done == []
    assert '"stelle": {"art": "stadt", "ort": "Jena"}' in result["content"][-1]["text"]


async def _vague(tool: Any, params: Any, answer: Any) -> Any:
    from tests.fakes import failed

    reply = answer()
    return failed("stelle could not be understood") if reply.refused else reply
