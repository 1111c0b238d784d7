"""One `tools/call`: forwarded as it came, repaired when it fails, explained when it cannot be."""

# pyright: basic
from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import anyio
import pytest

from proxy.calls import names
from proxy.repair.view.step import Evidence
from schemas.catalog import Tool, catalog_of
from schemas.config import Config
from schemas.trial import Lost, Reply
from tests.desks import DIAGNOSIS, REPAIR, Desk, repairs, texts
from tests.fakes import (
    INTEGER,
    STYLES,
    TEXT,
    FaultError,
    Person,
    RefusedError,
    Server,
    Style,
    configured,
    failed,
)
from tests.promises import promise
from tests.scenarios.worlds import files, shop, units, weather

# forwarding


@promise("forwarded-as-it-came", "accepted-is-never-changed")
async def test_a_sound_call_goes_and_comes_back_as_the_same_objects() -> None:
    own = {"content": [{"type": "text", "text": "x", "vendor": None}], "zap": [1, None], "_meta": {"trace": 7}}
    server = Server("odd").tool("echo", lambda **_: Reply(result=own), closed=False)
    desk = Desk(server)
    params = {"name": "odd__echo", "arguments": {"a": [None, 1.0]}, "_meta": {"progressToken": 5}, "vendor": {"x": 1}}
    reply = await desk.calls.call(params, Person())
    assert reply.result is own
    assert desk.world.params == [{**params, "name": "echo"}]
    assert desk.world.params[0]["arguments"] is params["arguments"]
    (record,) = desk.book.calls.values()
    assert (record.outcome, record.arguments) == ("ok", {"a": [None, 1.0]})
    assert desk.book.runs == {}


@promise("accepted-is-never-changed")
async def test_arguments_that_break_the_schema_are_sent_if_the_upstream_takes_them() -> None:
    server = Server("lax").tool("count", lambda n: {"n": n}, n={"description": "How many"}, closed=False)
    server.offers["count"].raw["inputSchema"]["properties"]["n"] = {"type": "integer"}
    server.answer = lambda name, arguments: Reply(result={"content": [], "got": arguments})
    desk = Desk(server)
    assert await desk.result("lax__count", {"n": "seven", "m": None}) == {
        "content": [],
        "got": {"n": "seven", "m": None},
    }


@promise("accepted-is-never-changed")
async def test_no_arguments_at_all_are_forwarded_as_none_at_all() -> None:
    desk = Desk(weather())
    assert (await desk.result("weather__list_places"))["structuredContent"] == {"places": ["Oslo", "Bergen"]}
    assert desk.world.params == [{"name": "list_places"}]


async def test_a_durable_journal_holds_an_effect_before_it_is_sent_and_any_call_before_its_answer() -> None:
    heard: list[tuple[str, str]] = []

    async def between(tool: Tool, params: Mapping[str, Any], answer: Callable[[], Reply]) -> Reply:
        del tool, params
        heard.extend(desk.book.notes)
        return answer()

    desk = Desk(shop(), weather(), config=configured(journal={"durable": True}), between=between)
    await desk.result("weather__list_places")
    await desk.calls.written()
    assert heard == []
    assert desk.book.notes == [("list_places", "ok"), ("", "flushed")]
    desk.book.notes.clear()
    await desk.result("shop__open_cart", {"customer": "Ada"})
    assert heard == [("open_cart", "sent"), ("", "flushed")]
    await desk.calls.written()
    assert desk.book.notes == [*heard, ("open_cart", "ok"), ("", "flushed")]
    assert [record.outcome for record in desk.book.calls.values()] == ["ok", "ok"]


async def test_an_effect_that_is_given_up_before_it_is_sent_is_not_in_the_journal_as_sent() -> None:
    desk = Desk(shop(), config=configured(journal={"durable": True}))

    async def stuck() -> bool:
        await anyio.sleep_forever()
        return True

    desk.book.flush = stuck
    with anyio.move_on_after(0.1):
        await desk.calls.call({"name": "shop__open_cart", "arguments": {"customer": "Ada"}}, Person())
    assert desk.world.sent == []
    assert [record.outcome for record in desk.book.calls.values()] == ["cancelled"]


@promise("silent-failures-are-seen")
async def test_a_silent_failure_of_a_single_call_stays_the_upstreams_own_answer() -> None:
    desk = Desk(weather())
    result = await desk.result("weather__forecast", {"place": "Atlantis"})
    assert result["structuredContent"] == {"error": "unknown place Atlantis"}
    assert "_meta" not in result
    assert len(desk.world.sent) == 1


@promise("off-only-forwards")
async def test_off_forwards_failures_untouched() -> None:
    desk = Desk(shop(), config=configured(repair={"mode": "off"}))
    result = await desk.result("shop__set_delivery", {"cart_id": "c", "speed": "EXPRESS"})
    direct = shop().answer("set_delivery", {"cart_id": "c", "speed": "EXPRESS"}).result
    assert result == direct
    assert len(desk.world.sent) == 1


@promise("off-only-forwards")
async def test_repair_can_be_off_for_one_upstream() -> None:
    config = configured(upstreams={"files": {"command": "f", "repair": "off"}})
    desk = Desk(files(), units(), config=config)
    assert "_meta" not in await desk.result("files__read_file", {"Path": "report.json"})
    assert repairs(await desk.result("units__round_number", {"number": "2.7", "digits": 0}))


# repaired


@promise("repaired-call-says-so")
@pytest.mark.parametrize("style", STYLES[:3])
async def test_a_refused_call_is_repaired_whatever_the_validators_words(style: Style) -> None:
    desk = Desk(shop(style))
    cart = (await desk.result("shop__open_cart", {"customer": "Ada"}))["structuredContent"]["cart"]["id"]
    result = await desk.result("shop__add_to_cart", {"cartId": cart, "sku": "can-05", "quantity": "2"})
    assert result["structuredContent"] == {"total": 24.5}
    assert {repair["op"] for repair in repairs(result)} == {"rename_argument", "coerce_argument"}
    assert all(
        set(repair) == {"op", "step", "before", "after", "rule", "evidence", "confidence"} for repair in repairs(result)
    )
    repair_id = result["_meta"][REPAIR]["repair_id"]
    assert desk.book.runs[repair_id].status == "repaired"
    assert desk.world.done[-1] == ("add_to_cart", {"cart_id": cart, "sku": "can-05", "quantity": 2})
    assert len(desk.world.sent) == 3


@promise("repaired-call-says-so")
async def test_the_upstreams_own_meta_survives_beside_the_note() -> None:
    def round_it(n: int) -> Reply:
        return Reply(result={"content": [{"type": "text", "text": str(n)}], "_meta": {"trace": 1}, "vendor": None})

    desk = Desk(Server("m").tool("round_it", round_it, n=INTEGER))
    result = await desk.result("m__round_it", {"n": "3"})
    assert {key: value for key, value in result.items() if key != "_meta"} == {
        "content": [{"type": "text", "text": "3"}], "vendor": None,
    }  # fmt: skip
    assert result["_meta"]["trace"] == 1
    assert result["_meta"][REPAIR]["repairs"]


@promise("forwarded-as-it-came")
async def test_a_repaired_call_keeps_its_other_params() -> None:
    desk = Desk(shop())
    await desk.reply("shop__get_product", {"SKU": "can-05"}, _meta={"progressToken": 9}, vendor=1)
    assert [params["_meta"] for params in desk.world.params] == [{"progressToken": 9}] * 2
    assert desk.world.params[1]["vendor"] == 1


@promise("wrappers-are-opened")
@pytest.mark.parametrize(
    "arguments",
    [
        '{"path": "report.json"}',
        {"arguments": {"path": "report.json"}},
        {"input": '{"path": "report.json"}'},
        {"params": {"path": "report.json"}},
        [{"path": "report.json"}],
        '```json\n{"path": "report.json"}\n```',
    ],
    ids=repr,
)
async def test_wrapped_arguments_are_opened_once_refused(arguments: Any) -> None:
    desk = Desk(files("jsonschema"))
    result = await desk.result("files__read_file", arguments)
    assert repairs(result)
    assert desk.world.done == [("read_file", {"path": "report.json"})]


# failed


@promise("own-error-plus-diagnosis")
async def test_a_call_that_cannot_be_mended_keeps_its_error_and_gains_a_diagnosis() -> None:
    desk = Desk(shop())
    result = await desk.result("shop__open_cart", {})
    direct = shop().answer("open_cart", {}).result
    assert direct is not None
    assert result["isError"]
    assert result["content"][:1] == direct["content"]
    (note,) = texts(result)[1:]
    assert "customer" in note
    assert "Schema of shop__open_cart" in note
    assert len(desk.world.sent) == 1


@promise("own-error-plus-diagnosis")
@pytest.mark.parametrize("how", ["text", "meta", "off"])
async def test_the_diagnosis_goes_where_the_user_wants_it(how: str) -> None:
    desk = Desk(shop(), config=configured(repair={"suggest": how}))
    result = await desk.result("shop__open_cart", {})
    assert len(result["content"]) == (2 if how == "text" else 1)
    assert (DIAGNOSIS in result.get("_meta", {})) is (how == "meta")


@promise("own-error-plus-diagnosis")
async def test_an_error_that_says_nothing_gets_nothing_added() -> None:
    server = Server("press").tool("print_page", lambda page: failed("out of paper"), "write", page=INTEGER)
    desk = Desk(server)
    assert await desk.result("press__print_page", {"page": 3}) == failed("out of paper").result
    assert len(desk.world.sent) == 1


@promise("rpc-error-keeps-its-data")
@pytest.mark.parametrize(
    ("data", "joined"), [(None, True), ({"field": "customer"}, True), ([1], False), ("why", False), (7, False)]
)
async def test_a_json_rpc_error_keeps_code_message_and_data(data: Any, joined: bool) -> None:
    error = {"code": -32602, "message": "Invalid params: customer is required", "vendor": 1}
    if data is not None:
        error["data"] = data
    server = Server("shop").tool("open_cart", lambda customer: {}, "write", customer=TEXT)
    server.answer = lambda name, arguments: Reply(error=error)
    reply = await Desk(server, config=configured(repair={"suggest": "meta"})).reply("shop__open_cart", {})
    assert reply.error is not None
    assert {key: reply.error[key] for key in ("code", "message", "vendor")} == {
        key: error[key] for key in ("code", "message", "vendor")
    }
    if joined:
        own = {key: value for key, value in reply.error["data"].items() if key != DIAGNOSIS}
        assert own == (data or {})
        assert reply.error["data"][DIAGNOSIS]["problems"][0]["kind"] == "missing_argument"
    else:
        assert reply.error["data"] == data


@promise("modes", "own-error-plus-diagnosis")
async def test_suggest_only_proposes() -> None:
    desk = Desk(shop(), config=configured(repair={"mode": "suggest", "suggest": "meta"}))
    result = await desk.result("shop__get_product", {"SKU": "can-05"})
    assert result["isError"]
    assert len(desk.world.sent) == 1
    told = result["_meta"][DIAGNOSIS]
    assert told["suggestion"] == {"tool": "shop__get_product", "arguments": {"sku": "can-05"}}
    assert told["confidence"] == "lossless"


@promise("guess-only-where-nothing-changes")
async def test_a_guess_is_sent_to_a_tool_that_only_reads_and_suggested_to_any_other() -> None:
    def hold(effect: str) -> Server:
        return Server("desk").tool("hold", lambda room: {"room": room}, effect, room=TEXT)

    def guess(effect: str) -> Desk:
        return Desk(hold(effect).tool("rooms", lambda: {"room": "Linden"}))

    reading, writing = guess("read"), guess("write")
    for desk in (reading, writing):
        await desk.result("desk__rooms")
    assert (await reading.result("desk__hold", {}))["structuredContent"] == {"room": "Linden"}
    refused = await writing.result("desk__hold", {})
    assert refused["isError"]
    assert '"room": "Linden"' in texts(refused)[-1]
    assert [tool for _, tool, _ in writing.world.sent] == ["rooms", "hold"]


@promise("effects-once")
@pytest.mark.parametrize(
    "text", ["request timed out", "500 internal server error", "it broke", "partially done, retry"]
)
async def test_after_an_error_of_unknown_outcome_nothing_else_is_sent(text: str) -> None:
    server = Server("bank").tool("pay", lambda amount, note="": failed(text), "write", optional=["note"],
                                 amount=TEXT, note=TEXT)  # fmt: skip
    desk = Desk(server)
    result = await desk.result("bank__pay", {"amount": "5", "note": None})
    assert result["isError"]
    assert desk.world.done == [("pay", {"amount": "5"})]
    assert desk.world.sent[-1] == ("bank", "pay", {"amount": "5"})
    assert f'sent it again as bank__pay with {{"amount": "5"}}; that failed too: {text}' in texts(result)[-1]


@promise("effects-once", "unknown-outcome-is-said")
@pytest.mark.parametrize("lost", list(Lost))
async def test_a_lost_call_is_answered_as_lost_and_not_sent_again(lost: Lost) -> None:
    def pay(amount: int) -> Any:
        raise FaultError(Reply(lost=lost, message="the server has gone", stderr=("segfault",)), done=True)

    desk = Desk(Server("bank").tool("pay", pay, "write", amount=INTEGER))
    reply = await desk.reply("bank__pay", {"amount": 5})
    assert (reply.lost, reply.message, reply.stderr) == (lost, "the server has gone", ("segfault",))
    assert len(desk.world.sent) == 1
    (record,) = desk.book.calls.values()
    assert record.outcome == lost.value


@promise("budgets-hold")
async def test_a_call_is_sent_at_most_as_often_as_the_user_allows() -> None:
    for limit in (1, 2, 3):

        def never_enough(n: int) -> Any:
            raise RefusedError("n must be one of: 1, 2, 3")

        desk = Desk(Server("s").tool("pick", never_enough, n=INTEGER), config=configured(repair={"calls": limit}))
        await desk.result("s__pick", {"n": "4"})
        assert len(desk.world.sent) <= limit


@promise("nothing-restricting-is-dropped")
@pytest.mark.parametrize("name", ["dry_run", "limit", "confirm", "filter", "if_match", "scope", "only_mine"])
async def test_an_argument_that_could_restrict_is_never_left_out(name: str) -> None:
    desk = Desk(Server("db", "plain").tool("wipe", lambda table: {"wiped": table}, "write", table=TEXT))
    result = await desk.result("db__wipe", {"table": "old", name: True})
    assert result["isError"]
    assert desk.world.done == []


# before the first sending


@promise("before-is-opted-into")
async def test_only_lossless_coercion_happens_before_sending_and_only_on_wish() -> None:
    early = configured(repair={"when": "before"})
    for config, sent in ((Config(), ["2", 2]), (early, [2])):
        desk = Desk(shop(), config=config)
        cart = (await desk.result("shop__open_cart", {"customer": "Ada"}))["structuredContent"]["cart"]["id"]
        result = await desk.result("shop__add_to_cart", {"cart_id": cart, "sku": "can-05", "quantity": "2"})
        assert [arguments["quantity"] for _, tool, arguments in desk.world.sent if tool == "add_to_cart"] == sent
        assert repairs(result)
    guessed = Desk(shop(), config=early)
    await guessed.result("shop__add_to_cart", {"cart_id": "c", "sku": "can-05", "quantity": "about two dozen"})
    assert guessed.world.sent[0][2]["quantity"] == "about two dozen"


@promise("before-is-opted-into", "own-error-plus-diagnosis")
async def test_a_call_that_was_changed_first_and_failed_says_what_was_sent() -> None:
    desk = Desk(shop(), config=configured(repair={"when": "before"}))
    sent = {"cart_id": "none", "sku": "can-05", "quantity": "2"}
    result = await desk.result("shop__add_to_cart", sent)
    assert result["isError"]
    assert (
        'sent this call as shop__add_to_cart with {"cart_id": "none", "sku": "can-05", "quantity": 2}'
        in texts(result)[-1]
    )
    (run,) = desk.book.runs.values()
    assert run.before["steps"][0]["arguments"] == sent
    assert [repair["op"] for repair in run.repairs] == ["coerce_argument"]


@promise("names-resolve-exactly", "repaired-call-says-so")
async def test_a_call_of_two_faults_shows_both_edits_everywhere() -> None:
    desk = Desk(shop())
    result = await desk.result("shop__getProduct", {"Sku": "can-05"})
    assert [repair["op"] for repair in repairs(result)] == ["swap_tool", "rename_argument"]
    (run,) = desk.book.runs.values()
    assert [repair["op"] for repair in run.repairs] == ["swap_tool", "rename_argument"]
    assert (run.before["steps"][0]["tool"], run.after["steps"][0]["tool"]) == ("shop__getProduct", "get_product")


@promise("before-is-opted-into")
async def test_a_sound_call_is_untouched_even_then() -> None:
    desk = Desk(shop(), config=configured(repair={"when": "before"}))
    assert "_meta" not in await desk.result("shop__get_product", {"sku": "can-05"})
    assert len(desk.world.sent) == 1


@promise("names-by-evidence", "guess-only-where-nothing-changes")
@pytest.mark.parametrize(
    ("tool", "sent", "status"),
    [
        ("send_note", "Message", "repaired"),
        ("send_note", "msg", "told"),
        ("send_note", "thread", "told"),
        ("shred_note", "thread", "told"),
    ],
)
async def test_a_grave_call_needs_more_than_that_two_names_are_left_over(tool: str, sent: str, status: str) -> None:
    server = Server("notes").tool(tool, lambda **given: given, "unknown", channel=TEXT, message=TEXT)
    desk = Desk(server)
    result = await desk.result(f"notes__{tool}", {"channel": "#a", sent: "hello"})
    if status == "repaired":
        assert [repair["op"] for repair in repairs(result)] == ["rename_argument"]
    else:
        assert result["isError"]
        assert f'call notes__{tool} with {{"channel": "#a", "message": "hello"}}' in texts(result)[-1]


async def test_a_schema_may_require_an_argument_that_it_does_not_describe() -> None:
    raw = {"name": "search", "inputSchema": {"type": "object", "properties": {}, "required": ["text"]}}
    known = Evidence(catalog_of([Tool("shop", "search", "shop__search", raw)]), single=True)
    assert [tool.name for tool in names.near("get_search", {"query": "rake"}, known)] == ["search"]
