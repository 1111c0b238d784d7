"""Several wrappers are opened together or not at all, and a client's own bookkeeping goes where it is refused."""

# pyright: basic
from __future__ import annotations

from typing import Any

import pytest

from tests.desks import Desk, done, repairs
from tests.fakes import INTEGER, STYLES, TEXT, Server, Style
from tests.promises import promise


def rathaus(effect: str, style: Style = "zod", **options: Any) -> Server:
    wanted = {"akte": TEXT, "amt": TEXT, "seite": INTEGER}
    return Server("rathaus", style).tool("blättern", lambda **given: given, effect, **options, **wanted)


SOUND = {"akte": "7/26", "amt": "Bau", "seite": 3}


@promise("wrappers-are-opened")
@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("closed", [True, False])
@pytest.mark.parametrize(
    "sent",
    [
        {"path": {"akte": "7/26"}, "body": {"amt": "Bau", "seite": 3}},
        {"путь": {"akte": "7/26", "seite": 3}, "тело": {"amt": "Bau"}},
        {"query": {"seite": "3"}, "headers": {"amt": "Bau"}, "akte": "7/26"},
    ],
)
async def test_several_wrappers_are_opened_together(sent: Any, closed: bool, style: Style) -> None:
    desk = Desk(rathaus("read", style, closed=closed))
    await desk.result("blättern", sent)
    assert done(desk.world, "blättern") == [SOUND]


@promise("wrappers-are-opened", "effects-once")
@pytest.mark.parametrize(
    "sent", [{"path": {"akte": "7/26"}, "body": {"amt": "Bau", "seite": 3}}, {"input": SOUND}, {"blättern": SOUND}]
)
async def test_on_a_write_they_are_opened_where_the_refusal_is_proven(sent: Any) -> None:
    desk = Desk(rathaus("write", "pydantic"))
    await desk.result("blättern", sent)
    assert done(desk.world, "blättern") == [SOUND]


@promise("effects-once", "abstains")
@pytest.mark.parametrize(
    "sent",
    [
        {"preview": SOUND},
        {"проверить": SOUND},
        {"dry_run": {"akte": "7/26"}, "b": {"amt": "Bau", "seite": 3}},
        {"input": {"simulate": SOUND}},
    ],
)
async def test_on_a_write_a_wrapper_that_may_say_what_to_do_is_shown_and_not_opened(sent: Any) -> None:
    desk = Desk(rathaus("write", "pydantic"))
    reply = await desk.reply("blättern", sent)
    assert reply.refused
    assert desk.world.done == []


@promise("effects-once", "abstains")
@pytest.mark.parametrize(("key", "opened"), [("prüfen", False), ("🙂", False), ("absenden", True), ("antrag", False)])
async def test_of_the_words_of_a_tool_only_the_last_says_what_it_does(key: str, opened: bool) -> None:
    server = Server("amt", "pydantic").tool("antrag_prüfen_und_absenden", lambda **given: given, "write", akte=TEXT)
    desk = Desk(server)
    reply = await desk.reply("antrag_prüfen_und_absenden", {key: {"akte": "7/26"}})
    assert reply.refused is not opened
    assert done(desk.world, "antrag_prüfen_und_absenden") == [{"akte": "7/26"}] * opened


@promise("nothing-asked-for-is-lost", "abstains")
@pytest.mark.parametrize("effect", ["read", "write"])
@pytest.mark.parametrize(
    "sent",
    [
        {"path": {"akte": "7/26"}, "body": {"amt": "Bau", "seite": 3, "eile": True}},
        {"path": {"akte": "7/26", "seite": 4}, "body": {"amt": "Bau", "seite": 3}},
        {"path": {"akte": "7/26"}, "body": ["Bau", 3]},
    ],
)
async def test_a_wrapper_that_holds_more_or_says_two_things_keeps_all_of_them(sent: Any, effect: str) -> None:
    desk = Desk(rathaus(effect, closed=False))
    await desk.reply("blättern", sent)
    assert desk.world.done == []


@promise("nothing-restricting-is-dropped")
@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("key", ["toolCallId", "request_id", "traceId", "tool_call_name"])
async def test_bookkeeping_that_a_read_refuses_is_left_out(key: str, style: Style) -> None:
    desk = Desk(rathaus("read", style))
    result = await desk.result("blättern", {**SOUND, key: "c-81"})
    assert [repair["op"] for repair in repairs(result)] == ["drop_argument"]
    assert done(desk.world, "blättern") == [SOUND]


@promise("nothing-restricting-is-dropped", "abstains")
@pytest.mark.parametrize(
    ("effect", "key"), [("write", "toolCallId"), ("unknown", "request_id"), ("read", "limit"), ("read", "dry_run")]
)
async def test_elsewhere_and_whatever_may_restrict_a_call_is_not_left_out(effect: str, key: str) -> None:
    desk = Desk(rathaus(effect))
    reply = await desk.reply("blättern", {**SOUND, key: "c-81"})
    assert reply.refused
    assert desk.world.done == []
    if effect != "read":
        assert "Suggestion" in str(reply.error or reply.result)


@promise("accepted-is-never-changed")
async def test_bookkeeping_that_is_accepted_stays() -> None:
    desk = Desk(rathaus("read", closed=False))
    desk.world.servers["rathaus"].offers["blättern"].raw["inputSchema"].pop("additionalProperties", None)
    await desk.result("blättern", {**SOUND, "toolCallId": "c-81"})
    assert done(desk.world, "blättern") == [{**SOUND, "toolCallId": "c-81"}]
