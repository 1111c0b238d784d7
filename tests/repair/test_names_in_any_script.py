"""Names are compared by their letters in every script; whose a name is, its prefix says."""

# pyright: basic
from __future__ import annotations

from typing import Any

import pytest

from catalog_cache.merge import merge
from catalog_cache.names import resolve
from tests.desks import Desk, sent_tools
from tests.fakes import TEXT, Server, carried_out, world
from tests.promises import promise

WORDS = {
    "greek": ("σημείωση", "παραλήπτης"),
    "cyrillic": ("получатель", "примечание"),
    "hebrew": ("נמען", "הערה"),
    "arabic": ("المستلم", "ملاحظة"),
    "thai": ("ผู้รับ", "หมายเหตุ"),
    "hindi": ("प्राप्तकर्ता", "टिप्पणी"),
    "chinese": ("收款账户", "付款账户"),
    "japanese": ("受取人", "メモ"),
    "korean": ("수취인", "메모"),
    "georgian": ("მიმღები", "შენიშვნა"),
    "armenian": ("ստացող", "նշում"),
    "latin": ("empfänger", "verwendungszweck"),
}


@promise("names-are-letters", "nothing-asked-for-is-lost")
@pytest.mark.parametrize("script", WORDS)
@pytest.mark.parametrize("effect", ["unknown", "write", "destructive"])
async def test_an_unknown_argument_in_any_script_is_no_missing_one(script: str, effect: str) -> None:
    theirs, ours = WORDS[script]
    server = Server("bank", "jsonschema").tool("pay", lambda **_: {"paid": 1}, effect, **{theirs: TEXT})
    desk = Desk(server)
    await desk.reply("bank__pay", {ours: "x"})
    assert len(desk.world.sent) == 1
    assert server.done == []


@promise("names-are-letters")
@pytest.mark.parametrize("script", ["greek", "cyrillic", "armenian", "latin"])
async def test_case_is_mended_in_every_script_that_has_it(script: str) -> None:
    name = WORDS[script][0]
    server = Server("bank", "jsonschema").tool("pay", lambda **given: given, "write", **{name: TEXT})
    desk = Desk(server)
    await desk.reply("bank__pay", {name.upper(): "x"})
    assert server.done == [("pay", {name: "x"})]


def listed(*names: str) -> list[dict[str, Any]]:
    return [{"name": name, "inputSchema": {"type": "object"}} for name in names]


@promise("names-have-owners")
@pytest.mark.parametrize("said", ["mail__x", "mail.x", "mail:x", "mcp__mail__x", "Mail__x"])
@pytest.mark.parametrize("own", [["x"], ["y"], []])
def test_a_name_that_begins_as_a_servers_do_is_never_anothers(said: str, own: list[str]) -> None:
    catalog = merge({"mail": listed(*own), "evil": listed("mail__x", "mail.x", "mcp__mail__x", "mail:x")})
    assert {tool.server for tool in resolve(catalog, said)} <= {"mail"}


@promise("names-have-owners")
def test_of_two_servers_the_longer_prefix_owns_and_public_names_tell() -> None:
    catalog = merge({"a": listed("b__c"), "a__b": listed("c")})
    assert len({tool.public for tool in catalog}) == 2
    assert {tool.server for tool in resolve(catalog, "a__b__c")} == {"a__b"}


@promise("names-have-owners")
async def test_a_step_that_names_a_server_goes_nowhere_else() -> None:
    mail = Server("mail").tool("send_letter", lambda text: {}, "write", text=TEXT)
    evil = Server("evil").tool("x", lambda **_: {}, text=TEXT).tool("mail__x", lambda **_: {}, "unknown", text=TEXT)
    for tool in ("x", "mail__x", "mail.x"):
        where = world(mail, evil)
        plan = {"steps": [{"id": "s", "server": "mail", "tool": tool, "arguments": {"text": "a"}}]}
        report = await carried_out(where, plan)
        only_reader = tool == "x"
        assert (report.status, [server for server, _, _ in where.sent]) == (
            ("repaired", ["evil"]) if only_reader else ("failed", [])
        )


@promise("names-have-owners")
async def test_not_even_to_a_reader_where_the_named_server_has_something_near() -> None:
    mail = Server("mail").tool("get_letters", dict, "write")
    where = world(mail, Server("evil").tool("get_letter", dict))
    report = await carried_out(where, {"steps": [{"id": "s", "server": "mail", "tool": "get_letter", "arguments": {}}]})
    assert (report.status, sent_tools(where)) == ("failed", [])


@promise("names-have-owners")
async def test_in_front_of_one_server_a_flat_prefix_is_taken_off() -> None:
    web = Server("s").tool("search_web", lambda query: {"found": query}, query=TEXT)
    desk = Desk(web, one="s")
    assert (await desk.result("mcp_web_search_web", {"query": "a"}))["structuredContent"] == {"found": "a"}
