"""Names that only look like what an upstream returned are written as it wrote them."""

# pyright: basic
from __future__ import annotations

import unicodedata
from typing import Any

import pytest

from tests.desks import Desk, done, repairs
from tests.fakes import TEXT, RefusedError, Server, carried_out, step, world
from tests.promises import promise

SHOT = "Bildschirmfoto 2026-01-05 um 9.41.07\u202fnachm..png"
CAFE = unicodedata.normalize("NFD", "Café – menu.txt")
KOREAN = unicodedata.normalize("NFD", "한국어 문서.hwp")


def shelf(*names: str, folder: str = "/srv/", structured: bool = True) -> Server:
    def ouvrir(chemin: str) -> Any:
        if chemin not in {folder + name for name in names}:
            raise RefusedError(f"ENOENT: no such file or directory, open '{chemin}'")
        return {"taille": 3}

    listing: Any = {"noms": list(names)} if structured else "\n".join(f"[FILE] {name}" for name in names)
    server = Server("étagère").tool("ouvrir", ouvrir, chemin=TEXT)
    return server.tool("lister", lambda: listing, structured=structured)


@promise("session-is-evidence")
@pytest.mark.parametrize("structured", [True, False])
@pytest.mark.parametrize(
    ("seen", "sent"),
    [
        (SHOT, SHOT.replace("\u202f", " ")),
        (CAFE, "Café - menu.txt"),
        (KOREAN, "한국어 문서.hwp"),
        ("it’s “done”.md", 'it\'s "done".md'),
        ("a\u00a0b\u3000c", "a b c"),
    ],
)
async def test_a_name_is_written_as_it_was_listed(seen: str, sent: str, structured: bool) -> None:
    desk = Desk(shelf("autre.txt", seen, structured=structured))
    await desk.result("lister", {})
    result = await desk.result("ouvrir", {"chemin": f"/srv/{sent}"})
    assert [(repair["rule"], repair["confidence"]) for repair in repairs(result)] == [("seen_spelling", "evident")]
    assert done(desk.world, "ouvrir") == [{"chemin": f"/srv/{seen}"}]


@promise("session-is-evidence", "abstains")
@pytest.mark.parametrize(
    ("names", "sent"),
    [
        (["a\u00a0b", "a\u202fb"], "a b"),
        (["A\u00a0b"], "a b"),
        (["a\u00a0bc"], "a b"),
        (["autre"], "a b"),
    ],
)
async def test_two_spellings_or_another_name_are_none(names: list[str], sent: str) -> None:
    desk = Desk(shelf(*names))
    await desk.result("lister", {})
    assert (await desk.result("ouvrir", {"chemin": f"/srv/{sent}"}))["isError"]
    assert done(desk.world, "ouvrir") == []


@promise("values-stay-where-they-are", "abstains")
async def test_the_spelling_of_another_upstream_is_not_taken() -> None:
    other = Server("autre").tool("voir", lambda: {"noms": ["a\u00a0b"]})
    desk = Desk(shelf("a\u00a0b"), other)
    await desk.result("voir", {})
    assert (await desk.result("ouvrir", {"chemin": "/srv/a b"}))["isError"]


@promise("effects-once", "abstains")
async def test_nothing_more_is_sent_to_what_may_have_had_its_effect() -> None:
    def jeter(nom: str) -> Any:
        raise RefusedError(f"no such file: '{nom}'")

    desk = Desk(shelf("a\u00a0b").tool("jeter", jeter, "write", nom=TEXT))
    await desk.result("lister", {})
    result = await desk.result("jeter", {"nom": "a b"})
    assert [tool for _, tool, _ in desk.world.sent] == ["lister", "jeter"]
    assert "a\u00a0b" in result["content"][-1]["text"]


async def test_in_a_plan_an_earlier_step_shows_the_spelling() -> None:
    where = world(shelf(CAFE))
    steps = [step("l", "lister"), step("o", "ouvrir", ["l"], chemin="/srv/Café – menu.txt")]
    report = await carried_out(where, {"steps": steps})
    assert report.status == "repaired", report.problems
    assert done(where, "ouvrir") == [{"chemin": f"/srv/{CAFE}"}]


@promise("values-fit-their-schema")
@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("file:///srv/a%20b.txt", "a b.txt"),
        ("file://localhost/srv/a.txt", "a.txt"),
        ("/srv/a.txt\n", "a.txt"),
        ("/srv/a.txt\r\n", "a.txt"),
    ],
)
async def test_the_address_of_a_file_is_its_path_and_a_line_break_is_nothing(sent: str, name: str) -> None:
    desk = Desk(shelf(name))
    result = await desk.result("ouvrir", {"chemin": sent})
    assert [(repair["rule"], repair["confidence"]) for repair in repairs(result)] == [("bare_text", "lossless")]
    assert done(desk.world, "ouvrir") == [{"chemin": f"/srv/{name}"}]


@promise("sound-values-stay", "abstains")
@pytest.mark.parametrize(
    ("argument", "sent"), [("url", "file:///srv/a.txt"), ("text", "two\nlines"), ("text", "https://example.org/a%20b")]
)
async def test_an_address_that_was_asked_for_stays(argument: str, sent: str) -> None:
    def fetch(**given: str) -> Any:
        raise RefusedError(f"cannot read {next(iter(given.values()))}")

    desk = Desk(Server("net").tool("load", fetch, **{argument: TEXT}))
    await desk.result("load", {argument: sent})
    assert desk.world.sent == [("net", "load", {argument: sent})]
