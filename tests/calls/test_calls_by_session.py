"""What single calls take from the person, the session and the names of tools; and the tools of the proxy itself."""

# pyright: basic
from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import anyio
import pytest
from jsonschema import Draft202012Validator

from proxy.settings.state import read_state, way
from schemas.catalog import Effect
from schemas.trial import Reply
from tests.desks import DIAGNOSIS, Desk, repairs, texts
from tests.fakes import (
    TEXT,
    Person,
    RefusedError,
    Server,
    configured,
)
from tests.promises import promise
from tests.scenarios.worlds import calendar, files, shop, tickets, units

# the person


def two_rooms() -> Server:
    def hold(room: str, note: str = "") -> Any:
        return {"held": room, **({"note": note} if note else {})}

    rooms = {"rooms": [{"name": "Linden North"}, {"name": "Linden Norte"}]}
    return (
        Server("desk")
        .tool("hold", hold, "write", optional=["note"], note=TEXT, room={"enum": ["Linden North", "Linden Norte"]})
        .tool("rooms", lambda: rooms)
    )


@promise("person-may-choose")
async def test_the_person_is_asked_only_where_the_user_allows_it() -> None:
    def choose(message: str, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        assert "desk__hold" in message
        options = schema["properties"]["call"]["enum"]
        return {"call": next(option for option in options if "North" in option)}

    for allowed in (True, False):
        desk, client = Desk(two_rooms(), config=configured(repair={"ask": allowed})), Person(chooses=choose)
        await desk.result("desk__rooms", {}, client)
        result = await desk.result("desk__hold", {"room": "Linden Norh"}, client)
        assert len(client.asked) == allowed
        assert ("Linden North" in str(result.get("structuredContent"))) is allowed


@promise("person-may-choose", "never-rendered-raw")
async def test_the_person_sees_what_is_hidden_in_a_choice_and_it_is_sent_as_it_is() -> None:
    def choose(_: str, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        options = schema["properties"]["call"]["enum"]
        assert all(option.isprintable() for option in options), options
        return {"call": next(option for option in options if "North" in option)}

    desk, client = Desk(two_rooms(), config=configured(repair={"ask": True})), Person(chooses=choose)
    await desk.result("desk__rooms", {}, client)
    note = "not \u202ehtroN"
    result = await desk.result("desk__hold", {"room": "Linden Norh", "note": note}, client)
    assert result["structuredContent"] == {"held": "Linden North", "note": note}


@promise("person-may-choose")
@pytest.mark.parametrize("answer", [None, {}, {"call": "none of these"}, {"call": '{"room": "Cellar"}'}, {"call": 4}])
async def test_a_person_who_does_not_choose_gets_the_upstreams_own_error(answer: Any) -> None:
    desk, client = Desk(two_rooms(), config=configured(repair={"ask": True})), Person(chooses=lambda *_: answer)
    await desk.result("desk__rooms", {}, client)
    result = await desk.result("desk__hold", {"room": "Linden Norh"}, client)
    assert texts(result)[0].startswith("Input validation error: 'Linden Norh' is not one of")
    assert desk.world.done == [("rooms", {})]


def tide() -> Server:
    """A tool of which nothing says what it does, and whose refusal proves nothing: only a reading one is sent again."""

    def rise(hours: Any) -> Any:
        if not isinstance(hours, int):
            raise RefusedError("hours must be an integer")
        return {"rises": hours}

    return Server("sea").tool("flut", rise, "unknown", hours={"description": "How many."})


@promise("person-may-choose", "effects-are-the-persons-to-say")
@pytest.mark.parametrize(("answer", "sent"), [("yes", 2), ("no", 1), (None, 1), (3, 1)])
async def test_whether_a_tool_only_reads_is_asked_once_and_kept(
    answer: Any, sent: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MCP_MEND_HOME", str(tmp_path))
    config = configured(repair={"ask": True}, upstreams={"sea": {"command": "sea"}})
    desk = Desk(tide(), config=config)
    client = Person(chooses=lambda *_: {"only_reads": answer})
    await desk.result("sea__flut", {"hours": "7"}, client)
    assert len(desk.world.sent) == sent
    asked = [schema for schema in client.asked if "only_reads" in schema["properties"]]
    await desk.result("sea__flut", {"hours": "8"}, client)
    assert [schema for schema in client.asked if "only_reads" in schema["properties"]] == asked
    assert len(asked) == 1
    kept = {"yes": {"flut": Effect.READ}, "no": {"flut": Effect.UNKNOWN}}.get(answer, {})
    assert read_state().choices.get(way(config.upstreams["sea"]), {}) == kept


@promise("effects-are-the-persons-to-say")
async def test_nobody_is_asked_about_a_tool_whose_effect_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MCP_MEND_HOME", str(tmp_path))
    server = Server("sea").tool("flut", lambda **_: 1, "write", hours={"type": "integer"})
    desk, client = Desk(server, config=configured(repair={"ask": True})), Person(chooses=lambda *_: None)
    await desk.result("sea__flut", {"hours": "many"}, client)
    assert [schema for schema in client.asked if "only_reads" in schema["properties"]] == []


# session evidence


@promise("session-is-evidence")
async def test_a_near_value_of_the_same_session_mends_a_read() -> None:
    desk, ada, grace = Desk(files()), Person("ada"), Person("grace")
    await desk.result("files__list_files", {"folder": "notes"}, ada)
    found = await desk.result("files__read_file", {"path": "notes/toddo.md"}, ada)
    assert repairs(found)[0]["rule"] == "session_value"
    assert repairs(found)[0]["confidence"] == "guess"
    assert desk.world.done[-1] == ("read_file", {"path": "notes/todo.md"})
    other = await desk.result("files__read_file", {"path": "notes/toddo.md"}, grace)
    assert other["isError"]
    assert "notes/todo.md" not in str(other)


@promise("session-is-evidence", "guess-only-where-nothing-changes")
async def test_the_same_value_is_only_suggested_where_something_would_be_deleted() -> None:
    desk = Desk(files())
    server = desk.world.servers["files"]

    def delete_file(path: str) -> Any:
        if path != "notes/todo.md":
            raise RefusedError(f"ENOENT: no such file or directory, unlink '{path}'")
        return "deleted"

    server.tool("delete_file", delete_file, "destructive", path=TEXT)
    desk.world.__post_init__()
    await desk.result("files__list_files", {"folder": "notes"})
    result = await desk.result("files__delete_file", {"path": "notes/toddo.md"})
    assert result["isError"]
    assert "notes/todo.md" in texts(result)[-1]
    assert desk.world.done == [("list_files", {"folder": "notes"})]


class Passing(Person):
    """A client of which no second request can be told to be its own."""

    @property
    def lasts(self) -> bool:
        return False


@promise("session-is-evidence")
async def test_a_session_is_not_pushed_out_by_requests_that_stand_alone_or_by_sessions_used_less() -> None:
    desk, ada = Desk(files()), Person("ada")
    await desk.result("files__list_files", {"folder": "notes"}, ada)
    for number in range(250):
        await desk.result("files__list_files", {"folder": "notes"}, Passing(f"alone {number}"))
        await desk.result("files__list_files", {"folder": "drafts"}, Person(f"session {number}"))
        if number % 100 == 99:
            await desk.result("files__read_file", {"path": "notes/todo.md"}, ada)
    assert repairs(await desk.result("files__read_file", {"path": "notes/toddo.md"}, ada))
    alone = await desk.result("files__read_file", {"path": "notes/toddo.md"}, Passing("alone 249"))
    assert alone["isError"]


@promise("session-is-evidence")
async def test_sessions_can_be_forgotten() -> None:
    desk = Desk(files(), config=configured(repair={"session_results": 0}))
    await desk.result("files__list_files", {"folder": "notes"})
    assert (await desk.result("files__read_file", {"path": "notes/toddo.md"}))["isError"]


# names


@promise("names-resolve-exactly")
@pytest.mark.parametrize("name", ["get_product", "shop.get_product", "shop:get_product", "mcp__shop__get_product"])
async def test_accepted_spellings_are_forwarded_without_a_word(name: str) -> None:
    desk = Desk(shop(), units())
    assert "_meta" not in await desk.result(name, {"sku": "can-05"})


@promise("names-resolve-exactly")
@pytest.mark.parametrize(
    "name",
    ["getProduct", "shop-get-product", "functions.get_product", "get_product<|channel|>x", "Get Product"],
)  # fmt: skip
async def test_debris_and_case_resolve_to_the_one_tool_and_say_so(name: str) -> None:
    desk = Desk(shop(), units())
    result = await desk.result(name, {"sku": "can-05"})
    (repair,) = repairs(result)
    assert (repair["op"], repair["confidence"]) == ("swap_tool", "lossless")
    assert len(desk.world.sent) == 1


@promise("names-resolve-exactly")
@pytest.mark.parametrize("name", ["fetch_product", "product", "get_products", "get_profit", "", "cancel"])
async def test_a_name_that_is_only_near_is_answered_with_the_nearest_tools(name: str) -> None:
    desk = Desk(shop(), units(), config=configured(repair={"suggest": "meta"}))
    reply = await desk.reply(name, {"sku": "can-05"})
    assert reply.error is not None
    assert reply.error["code"] == -32602
    assert f"Unknown tool: {name}" in reply.error["message"]
    told = reply.error["data"][DIAGNOSIS]
    assert told["problems"][0]["kind"] == "unknown_tool"
    assert all(set(tool) == {"name", "description", "inputSchema"} for tool in told["nearest"])
    if "product" in name:
        assert "shop__get_product" in [tool["name"] for tool in told["nearest"]]
    assert desk.world.sent == []
    assert [record.outcome for record in desk.book.calls.values()] == ["unknown_tool"]


@promise("names-resolve-exactly")
@pytest.mark.parametrize("name", ["get_produkt", "shop__get_prodcut", "mcp__shop__get_pruduct"])
@pytest.mark.parametrize("one", [None, "shop"])
async def test_a_typing_error_is_corrected_and_said(name: str, one: str | None) -> None:
    desk = Desk(shop(), units(), one=one)
    result = await desk.result(name, {"sku": "can-05"})
    (repair,) = repairs(result)
    assert (repair["op"], repair["rule"], repair["confidence"]) == ("swap_tool", "misspelled_tool", "evident")
    assert desk.world.sent[-1] == ("shop", "get_product", {"sku": "can-05"})


@promise("names-resolve-exactly", "modes")
async def test_a_typing_error_is_only_told_where_nothing_may_be_repaired() -> None:
    desk = Desk(shop(), config=configured(repair={"mode": "suggest"}))
    reply = await desk.reply("get_produkt", {"sku": "can-05"})
    assert reply.error is not None
    assert "shop__get_product" in reply.error["message"]
    assert desk.world.sent == []


@promise("names-resolve-exactly")
async def test_a_prefix_of_the_clients_own_is_taken_off_in_front_of_one_upstream() -> None:
    desk = Desk(shop(), units(), one="shop")
    (repair,) = repairs(await desk.result("mcp__my_store__get_product", {"sku": "can-05"}))
    assert repair["rule"] == "exact_name"
    assert (await Desk(shop(), units()).reply("mcp__my_store__get_product", {"sku": "can-05"})).error is not None


@promise("names-resolve-exactly")
async def test_in_front_of_one_upstream_its_own_names_count_and_are_told() -> None:
    desk = Desk(shop(), units(), one="shop", config=configured(repair={"suggest": "meta"}))
    assert "_meta" not in await desk.result("get_product", {"sku": "can-05"})
    reply = await desk.reply("get_item", {"sku": "can-05"})
    assert reply.error is not None
    names = [tool["name"] for tool in reply.error["data"][DIAGNOSIS]["nearest"]]
    assert "get_product" in names
    assert not any("__" in name for name in names)
    assert (await desk.reply("list_units")).error is not None
    assert desk.calls.own_tools() == []


@promise("names-resolve-exactly", "own-error-plus-diagnosis")
async def test_in_front_of_one_upstream_a_diagnosis_speaks_its_names() -> None:
    result = await Desk(shop(), one="shop").result("open_cart", {})
    assert "shop__" not in "\n".join(texts(result))


# the proxy's own tools


class OldPerson(Person):
    """A client of a protocol version without structured content."""

    @property
    def structured(self) -> bool:
        return False


@promise("report-fields")
async def test_run_workflow_answers_with_its_report_as_structure_and_a_summary_in_words() -> None:
    desk = Desk(shop(), tickets())
    steps = [{"id": "p", "tool": "get_product", "arguments": {"SKU": "can-05"}}]
    result = await desk.result("run_workflow", {"steps": steps})
    assert result["structuredContent"]["status"] == "repaired"
    assert result["isError"] is False
    first, output, repaired = texts(result)[0].splitlines()
    assert first == "repaired: Every step succeeded."
    assert json.loads(output.removeprefix("output: ")) == result["structuredContent"]["output"]
    assert repaired.startswith("repaired p: rename_argument")
    old = await desk.result("run_workflow", {"steps": steps}, OldPerson())
    assert json.loads(texts(old)[0])["status"] == "repaired"
    assert "structuredContent" not in old
    failed_one = await desk.result("run_workflow", {"steps": []})
    assert failed_one["isError"] is True
    assert failed_one["structuredContent"]["status"] == "failed"


@promise("names-resolve-exactly")
async def test_find_tools_returns_the_nearest_with_their_schemas() -> None:
    desk = Desk(shop(), calendar(), units())
    found = (await desk.result("find_tools", {"query": "convert length", "limit": 2}))["structuredContent"]["tools"]
    assert found[0]["name"] == "units__convert_length"
    assert found[0]["inputSchema"] == desk.world.tool("convert_length").schema
    assert len(found) <= 2
    assert (await desk.reply("find_tools", {"limit": 2})).error is not None


@promise("report-fields")
def test_own_tools_have_small_schemas_without_references() -> None:
    for tool in Desk(shop()).calls.own_tools():
        for schema in (tool[key] for key in ("inputSchema", "outputSchema") if key in tool):
            assert len(json.dumps(schema)) < 4096
            assert not {"$ref", "$defs", "anyOf"} & set(keys_of(schema))
            assert all("items" in part for part in parts_of(schema) if part.get("type") == "array")


@promise("report-fields")
async def test_a_report_fits_the_schema_that_is_told_of_it() -> None:
    desk = Desk(shop(), tickets())
    (tool,) = (tool for tool in desk.calls.own_tools() if tool["name"] == "run_workflow")
    for steps in ([], [{"id": "p", "tool": "get_product", "arguments": {"SKU": "can-05"}}]):
        report = (await desk.result("run_workflow", {"steps": steps}))["structuredContent"]
        Draft202012Validator(tool["outputSchema"]).validate(report)


def parts_of(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        yield schema
    for inner in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from parts_of(inner)


def keys_of(schema: Any) -> Iterator[str]:
    return (key for part in parts_of(schema) for key in part)


@promise("off-only-forwards")
async def test_own_tools_can_be_hidden() -> None:
    desk = Desk(shop(), config=configured(workflow={"expose": False}))
    assert desk.calls.own_tools() == []
    assert (await desk.reply("run_workflow", {"steps": []})).error is not None


@promise("cancelling-stops")
async def test_a_cancelled_call_is_cancelled_upstream_and_not_repaired() -> None:
    started = anyio.Event()

    async def between(tool: Any, params: Any, answer: Callable[[], Reply]) -> Reply:
        started.set()
        await anyio.sleep_forever()
        return answer()

    desk = Desk(shop(), between=between)
    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(desk.reply, "shop__get_product", {"SKU": "can-05"})
            await started.wait()
            group.cancel_scope.cancel()
    assert len(desk.world.sent) == 1
