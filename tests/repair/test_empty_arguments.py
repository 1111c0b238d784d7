"""Empty optional arguments that an upstream refuses are left out, and no others."""

# pyright: basic
from __future__ import annotations

from typing import Any

import pytest

from schemas.trial import Reply
from tests.desks import Desk, done, repairs
from tests.fakes import INTEGER, TEXT, TEXTS, RefusedError, Server
from tests.promises import promise

OBJECT = {"type": "object"}


def archive(effect: str = "read") -> Server:
    def suche(**given: Any) -> Any:
        if "ohne" in given and "nur_diese" in given:
            raise RefusedError("'ohne' und 'nur_diese' schließen einander aus")
        if "spanne" in given and not given["spanne"]:
            raise RefusedError("spanne: no bounds")
        return given

    every = {"ohne": TEXTS, "nur_diese": TEXTS, "marken": TEXTS, "spanne": OBJECT}
    server = Server("magazin").tool("suche", suche, effect, optional=list(every), wort=TEXT, **every)
    limits = {"anzahl": INTEGER, "liste": {**TEXTS, "minItems": 1}, "art": {"enum": ["buch", "heft"]}}
    return server.tool("zeige", lambda **given: given, effect, optional=list(limits), wort=TEXT, **limits)


@promise("nothing-asked-for-is-lost")
@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ({"ohne": [], "nur_diese": []}, {}),
        ({"ohne": ["a"], "nur_diese": []}, {"ohne": ["a"]}),
        ({"ohne": [], "nur_diese": ["b"], "marken": []}, {"nur_diese": ["b"], "marken": []}),
        ({"spanne": {}, "marken": []}, {"marken": []}),
    ],
)
async def test_the_empty_ones_that_a_refusal_names_are_left_out(sent: Any, kept: Any) -> None:
    desk = Desk(archive())
    result = await desk.result("suche", {"wort": "x", **sent})
    assert {repair["confidence"] for repair in repairs(result)} == {"lossless"}
    assert done(desk.world, "suche") == [{"wort": "x", **kept}]


@promise("nothing-asked-for-is-lost", "abstains")
async def test_what_is_not_empty_is_never_left_out() -> None:
    desk = Desk(archive())
    assert (await desk.result("suche", {"wort": "x", "ohne": ["a"], "nur_diese": ["b"]}))["isError"]
    assert desk.world.done == []


@promise("effects-once", "abstains")
async def test_a_write_that_was_refused_in_free_words_is_only_advised() -> None:
    desk = Desk(archive("write"))
    result = await desk.result("suche", {"wort": "x", "ohne": [], "nur_diese": []})
    assert len(desk.world.sent) == 1
    assert '{"wort": "x"}' in result["content"][-1]["text"]


@promise("values-fit-their-schema")
@pytest.mark.parametrize("effect", ["read", "write"])
async def test_an_empty_value_that_its_schema_refuses_is_left_out_where_it_may_be(effect: str) -> None:
    desk = Desk(archive(effect))
    await desk.result("zeige", {"wort": "x", "anzahl": ""})
    await desk.result("zeige", {"wort": "y", "liste": []})
    await desk.result("zeige", {"wort": "z", "art": ""})
    assert done(desk.world, "zeige") == [{"wort": "x"}, {"wort": "y"}, {"wort": "z"}]


@promise("accepted-is-never-changed")
async def test_what_is_accepted_stays_empty() -> None:
    desk = Desk(archive())
    await desk.result("suche", {"wort": "", "marken": [], "ohne": []})
    assert done(desk.world, "suche") == [{"wort": "", "marken": [], "ohne": []}]


@promise("wrappers-are-opened")
@pytest.mark.parametrize("effect", ["read", "unknown", "write"])
@pytest.mark.parametrize("sent", ["", [], "null", "[]", "{}"])
@pytest.mark.parametrize(
    "refusal",
    [
        "Invalid params: arguments must be an object",
        "Invalid request parameters",
        'Invalid params: invalid type: string "", expected a map',
        '[{"code":"invalid_type","expected":"object","received":"string","path":["arguments"],"message":"Invalid"}]',
    ],
)
async def test_an_envelope_that_holds_nothing_becomes_an_empty_object(effect: str, sent: Any, refusal: str) -> None:
    server = Server("magazin").tool("zeige", dict, effect)

    def answer(_name: str, given: Any) -> Reply:
        if not isinstance(given, dict):
            return Reply(error={"code": -32602, "message": refusal})
        return Reply(result={"content": [{"type": "text", "text": "da"}]})

    server.answer = answer  # type: ignore[method-assign]
    desk = Desk(server)
    (repair,) = repairs(await desk.result("zeige", sent))
    assert repair["after"] == {}
    assert [arguments for _, _, arguments in desk.world.sent] == [sent, {}]


@promise("effects-once")
@pytest.mark.parametrize(
    "said",
    [
        "the object is locked",
        'invalid type: string "", expected i64',
        'invalid type: string "", expected a map; 3 entries were deleted before',
        'deleted, then: invalid type: string "", expected a map',
    ],
)
async def test_a_failure_in_other_words_is_no_proof_that_nothing_was_done(said: str) -> None:
    server = Server("magazin").tool("lösche", dict, "destructive")
    server.answer = lambda _name, _given: Reply(error={"code": -32602, "message": said})  # type: ignore[method-assign]
    desk = Desk(server)
    assert (await desk.reply("lösche", "")).error is not None
    assert len(desk.world.sent) == 1
