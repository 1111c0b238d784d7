"""Where a call may have an effect, nothing that was said is lost on the way to it, in any language."""

from __future__ import annotations

from typing import Any

import pytest

from tests.desks import Desk
from tests.fakes import BOOLEAN, INTEGER, NUMBER, TEXT, FaultError, Server, carried_out, failed, ref, step, world
from tests.promises import promise

EFFECTS = ("destructive", "unknown")
WORDS = {"type": "array", "items": TEXT}


async def sent(effect: str, schema: Any, arguments: Any) -> list[Any]:
    desk = Desk(Server("s").tool("act", lambda **given: given, effect, optional=[*schema], **schema))
    await desk.result("s__act", arguments)
    return [each for _, each in desk.world.done]


@promise("names-by-evidence", "guess-only-where-nothing-changes")
@pytest.mark.parametrize("effect", EFFECTS)
@pytest.mark.parametrize(
    ("declared", "kind", "said", "value"),
    [
        ("no_dry_run", BOOLEAN, "dry_run", True),
        ("ohne_sicherung", BOOLEAN, "sicherung", True),
        ("не_уведомлять", BOOLEAN, "уведомлять", True),
        ("लौटाएँ_नहीं", BOOLEAN, "लौटाएँ", True),
        ("discount_amount", NUMBER, "amount", 5),
        ("parent_id", INTEGER, "id", 5),
        ("nachname", TEXT, "nach", "Berlin"),
        ("refund", INTEGER, "ref", 4711),
        ("gonderilmesin_mektup", BOOLEAN, "gonderilsin_mektup", True),
        ("notify", BOOLEAN, "!notify", True),
        ("notify", BOOLEAN, "-notify", True),
    ],
)
async def test_a_name_becomes_no_other_name(effect: str, declared: str, kind: Any, said: str, value: Any) -> None:
    assert await sent(effect, {declared: kind}, {said: value}) == []


@promise("names-by-evidence")
@pytest.mark.parametrize("said", ["startDate", "start-date", "START_DATE", "date_start"])
async def test_a_name_written_another_way_is_the_same_name(said: str) -> None:
    assert await sent("destructive", {"start_date": TEXT}, {said: "x"}) == [{"start_date": "x"}]


@promise("values-fit-their-schema", "guess-only-where-nothing-changes")
@pytest.mark.parametrize("effect", EFFECTS)
@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"enum": ["B", "C"]}, "B-"),
        ({"enum": ["AB", "C"]}, "A/B"),
        ({"enum": ["admin", "guest"]}, "!admin"),
        ({"enum": ["resign", "stay"]}, "re-sign"),
        ({"enum": ["price", "name"]}, "-price"),
        ({"enum": ["mW", "kW"]}, "MW"),
        ({"enum": ["有効", "無効"]}, "有効？"),
        ({"enum": ["admin", "guest"]}, {"not": "admin"}),
        (INTEGER, {"increment": 1}),
        (INTEGER, "item 42"),
        (INTEGER, "2026 - 42"),
        (NUMBER, "1e400"),
        ({"type": "string", "pattern": r"^\d+$"}, "<18"),
        (WORDS, False),
        (WORDS, "田中、佐藤"),
        (WORDS, "none"),
        (WORDS, {"except": "a"}),
        (TEXT, False),
        (TEXT, {"en": "Hello"}),
    ],
)
async def test_a_value_loses_no_sign_and_no_word(effect: str, schema: Any, value: Any) -> None:
    assert await sent(effect, {"v": schema}, {"v": value}) == []


@promise("missing-is-filled-by-evidence")
@pytest.mark.parametrize("effect", EFFECTS)
@pytest.mark.parametrize(
    "asked", [{"const": True}, {"enum": ["Я СОГЛАСЕН"]}, {"type": "boolean", "default": True}, {"const": "LÖSCHEN"}]
)
async def test_nobody_consents_for_the_caller(effect: str, asked: Any) -> None:
    desk = Desk(Server("s").tool("act", lambda **given: given, effect, user=TEXT, confirm=asked))
    await desk.result("s__act", {"user": "a"})
    assert desk.world.done == []


@promise("values-fit-their-schema")
@pytest.mark.parametrize("effect", EFFECTS)
@pytest.mark.parametrize("key", ["dry_run", "falls_genehmigt", "undo", "もし"])
async def test_what_stands_under_an_unknown_key_is_not_taken_out_of_it(effect: str, key: str) -> None:
    desk = Desk(Server("s").tool("act", lambda **given: given, effect, to=TEXT, amount=NUMBER))
    await desk.result("s__act", {"to": "DE1", key: {"amount": 5}})
    assert desk.world.done == []


@promise("names-resolve-exactly")
@pytest.mark.parametrize("effect", EFFECTS)
@pytest.mark.parametrize(
    "name",
    ["undo.transfer", "dry_run/transfer", "s.preview:transfer", "!transfer", "transfer(dry_run=true)", "tranfser",
     "trans_fer"],
)  # fmt: skip
async def test_a_tool_is_called_by_its_name_and_nothing_more(effect: str, name: str) -> None:
    desk = Desk(Server("s").tool("transfer", lambda **given: given, effect, to=TEXT))
    await desk.reply(name, {"to": "a"})
    assert desk.world.done == []


@promise("names-resolve-exactly")
@pytest.mark.parametrize("name", ["functions.transfer", "mcp__bank__transfer", "s/transfer", "Transfer", "transfer()"])
async def test_a_tool_is_called_by_any_spelling_of_its_name(name: str) -> None:
    desk = Desk(Server("s").tool("transfer", lambda **given: given, "unknown", to=TEXT))
    await desk.reply(name, {"to": "a"})
    assert desk.world.done == [("transfer", {"to": "a"})]


@promise("effects-once")
@pytest.mark.parametrize("said", ["customer not found", "Service not available", "Method not found"])
async def test_a_result_that_misses_something_proves_nothing(said: str) -> None:
    def run(**_: Any) -> Any:
        raise FaultError(failed(said), done=True)

    tool = said.split()[0].lower()
    desk = Desk(Server("s").tool(tool, run, "unknown", optional=["note"], closed=False, to=TEXT, note=TEXT))
    await desk.result(f"s__{tool}", {"to": "a", "Note": "x"})
    assert len(desk.world.done) == 1


@promise("references-are-repaired", "guess-only-where-nothing-changes")
@pytest.mark.parametrize(
    ("result", "argument", "path"),
    [
        ({"invoice": {"id": "I1"}}, "order_id", "order.id"),
        ({"payee": {"iban": "X"}}, "iban", "payer.iban"),
        ({"送金先": {"口座": "X"}}, "口座", "送金元.口座"),
        ({"users": [{"id": "u1", "name": "Ann"}]}, "user_id", "users[?name=='Bob'].id"),
    ],
)
async def test_a_reference_leads_to_nothing_else(result: Any, argument: str, path: str) -> None:
    server = (
        Server("s").tool("look", lambda: result).tool("act", lambda **given: given, "destructive", **{argument: TEXT})
    )
    where = world(server)
    await carried_out(where, {"steps": [step("a", "look"), step("b", "act", **{argument: ref("a", path)})]})
    assert [name for name, _ in where.done] == ["look"]


@promise("forwarded-as-it-came")
async def test_a_text_that_names_a_step_by_chance_stays_a_text() -> None:
    server = Server("s").tool("report", lambda: {"pdf": "https://x/token=abc"})
    server.tool("save", lambda **given: given, "unknown", filename=TEXT)
    where = world(server)
    await carried_out(where, {"steps": [step("report", "report"), step("s", "save", filename="report.pdf")]})
    assert where.done[-1] == ("save", {"filename": "report.pdf"})


@promise("effects-once")
@pytest.mark.parametrize(
    "more",
    [{"when": False}, {"if": "x"}, {"skip": True}, {"dry_run": True}, {"for_each": "x"}, {"map": ["x"]},
     {"after": {"step": "b"}}, {"after": True}, {"after": ["b", {"id": "c"}]},
     {"after": [], "depends_on": ["b"]}, {"params": {"dry_run": True}}, {"wenn": False}],
)  # fmt: skip
async def test_a_step_that_says_what_nobody_can_follow_is_not_run(more: Any) -> None:
    where = world(Server("s").tool("act", lambda **given: given, "destructive", to=TEXT))
    report = await carried_out(where, {"steps": [{**step("a", "act", to="x"), **more}]})
    assert (report.status, where.done) == ("failed", [])


@promise("effects-once")
async def test_what_is_said_beside_the_arguments_of_a_function_is_not_passed_over() -> None:
    where = world(Server("s").tool("act", lambda **given: given, "destructive", to=TEXT))
    call = {"name": "act", "arguments": {"to": "x"}, "dry_run": True}
    report = await carried_out(where, {"steps": [{"id": "a", "type": "function", "function": call}]})
    assert (report.status, where.done) == ("failed", [])


@promise("forwarded-as-it-came")
@pytest.mark.parametrize("more", [{"after": []}, {"depends_on": []}, {"after": None}, {"index": 0}, {"thought": "so"}])
async def test_a_step_that_says_nothing_more_is_run(more: Any) -> None:
    where = world(Server("s").tool("act", lambda **given: given, "destructive", to=TEXT))
    report = await carried_out(where, {"steps": [{**step("a", "act", to="x"), **more}]})
    assert (report.status, where.done) == ("succeeded", [("act", {"to": "x"})])


@promise("names-resolve-exactly")
@pytest.mark.parametrize("name", ["!deploy", "transfer(x)", "undo.it", '""', "-", "送る！"])
async def test_a_tool_is_called_by_its_own_name_whatever_stands_in_it(name: str) -> None:
    for said in (name, f"s__{name}", f"s/{name}"):
        where = world(Server("s").tool(name, lambda **given: given, "unknown", to=TEXT))
        await carried_out(where, {"steps": [step("a", said, to="x")]})
        assert where.done == [(name, {"to": "x"})]
