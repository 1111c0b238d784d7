"""The laws of sending, each as a property: whatever is thrown at a call, no repair of it does harm."""

# pyright: basic
from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog_cache.effects import judged, proposal
from proxy.repair.read.proof import blamed
from proxy.repair.search.laws import objection, unknown_arguments
from proxy.repair.view.coerce import Target, coerce
from proxy.repair.view.step import Evidence
from schemas.catalog import EXACT, Effect, Tool, catalog_of
from schemas.edit import CoerceArgument, Confidence, Proposal, SetArgument
from schemas.plan import Plan, Step
from schemas.problem import WrongType
from schemas.trial import Reply
from tests.desks import Desk
from tests.fakes import INTEGER, TEXT, Offer, Server, carried_out, failed, ref, step, succeeded, world
from tests.promises import promise

# unknown effect is an effect


def published(name: str, description: str = "", **properties: Any) -> Tool:
    schema = {"type": "object", "properties": properties}
    return Tool("s", name, f"s__{name}", {"name": name, "description": description, "inputSchema": schema})


def effect_of(*tools: Tool) -> Effect:
    return next(judged(tools)).effect


@promise("unknown-effect-is-an-effect")
@pytest.mark.parametrize(
    ("name", "description"),
    [
        ("get_weather", "Get the weather of a place."),
        ("listOrders", "List all orders of a customer."),
        ("search", "Searches the catalogue for words."),
        ("convert_mass", "Convert mass between units."),
        ("body_surface", "Calculates the body surface from height and weight."),
        ("find-files", "This tool finds files by name."),
        ("list_rooms", "List the rooms of a house. Supports pagination. Returns a list of names."),
    ],
)
def test_a_tool_reads_where_name_and_main_clause_begin_with_looking_or_computing(name: str, description: str) -> None:
    assert effect_of(published(name, description)) is Effect.READ


@promise("unknown-effect-is-an-effect")
@pytest.mark.parametrize(
    ("name", "description"),
    [
        # silence
        ("get_weather", ""),
        ("weather", "The weather of a place."),
        # something else is said, or done besides
        ("failover_cluster", "Get the standby ready."),
        ("mint_token", "Returns a fresh token."),
        ("rollback", "Calculates the last good state and rolls back to it."),
        ("get_or_create_user", "Get a user, or create one."),
        ("get_messages", "Get the messages and mark them as read."),
        ("fetch_job", "Fetch the next job and lease it."),
        ("list_house", "List a house for sale."),
        ("search_replace", "Search for a text in a file."),
        ("find_user", "Find a user. Will delete duplicates."),
        ("get_feed", "Get the news of a feed. Downloads every picture to the cache."),
        ("find_notes", "Find notes.\nReindexes the store first."),
        # other languages
        ("obtener_clima", "Obtiene el clima de un lugar."),
        ("löschen", "Get rid of a record."),
        ("получить_заказ", "Получить заказ по номеру."),
        ("天気を取得", "天気を取得します。"),
        ("ανάκτηση", "Get the file."),
    ],
)
def test_silence_other_languages_and_anything_done_besides_leave_it_unknown(name: str, description: str) -> None:
    assert effect_of(published(name, description)) is Effect.UNKNOWN


@promise("unknown-effect-is-an-effect")
@pytest.mark.parametrize("argument", ["sql", "command", "action", "save_path", "overwrite", "method"])
def test_an_argument_that_says_what_is_done_leaves_it_unknown(argument: str) -> None:
    assert effect_of(published("get_rows", "Get the rows of a table.", **{argument: TEXT})) is Effect.UNKNOWN


@promise("unknown-effect-is-an-effect")
def test_a_computation_over_files_addresses_or_content_is_unknown() -> None:
    assert effect_of(published("convert_image", "Convert an image.", path=TEXT)) is Effect.UNKNOWN
    assert effect_of(published("convert_amount", "Convert an amount.", amount=INTEGER)) is Effect.READ


@promise("unknown-effect-is-an-effect")
def test_a_sentence_that_several_tools_share_describes_their_server() -> None:
    shared = "Get the most out of your data."
    assert effect_of(published("get_all", shared), published("purge_all", shared)) is Effect.UNKNOWN


@promise("unknown-effect-is-an-effect")
def test_to_a_person_a_class_is_proposed_only_where_something_points_to_one() -> None:
    told = {name: proposal(published(name)) for name in ("show_log", "delete_log", "add_line", "löschen", "xyz")}
    assert {name: found and found[0] for name, found in told.items()} == {
        "show_log": Effect.READ, "delete_log": Effect.DESTRUCTIVE, "add_line": Effect.WRITE,
        "löschen": None, "xyz": None,
    }  # fmt: skip


# nothing asked for is lost

NAMES = st.sampled_from(
    ["amount", "to", "note", "Amount", "recipient", "memo", "betrag", "σημείωση", "จำนวน", "dry_run"]
)
VALUES = st.one_of(st.integers(0, 99), st.text(max_size=6), st.booleans(), st.none(), st.just([]), st.just("12"))
CALLS = st.dictionaries(NAMES, st.one_of(VALUES, st.dictionaries(NAMES, VALUES, max_size=2)), max_size=4)
PAY = {
    "type": "object",
    "properties": {"amount": INTEGER, "to": TEXT, "note": TEXT},
    "required": ["amount", "to"],
}


def lax(check: Callable[[dict[str, Any]], str], effect: str = "unknown") -> Server:
    """A server that ignores what it does not know, and refuses by `check` before it does anything."""
    server = Server("bank").tool("pay", lambda **_: {"paid": True}, effect, closed=False, optional=["note"])
    server.offers["pay"].raw["inputSchema"] = PAY

    def answer(name: str, arguments: Any) -> Reply:
        wrong = check(arguments if isinstance(arguments, dict) else {})
        if wrong:
            return Reply(error={"code": -32602, "message": wrong})
        server.done.append((name, arguments))
        return succeeded({"paid": True})

    server.answer = answer  # type: ignore[method-assign]
    return server


def serde(arguments: dict[str, Any]) -> str:
    for name, kind in (("amount", int), ("to", str)):
        if name not in arguments:
            return f"failed to deserialize parameters: missing field `{name}`"
        if not isinstance(arguments[name], kind):
            shown = json.dumps(arguments[name], ensure_ascii=False)
            return (
                f"Invalid params: {name}: invalid type: string {shown}, expected {'i64' if kind is int else 'a string'}"
            )
    return ""


def leaves(value: Any) -> list[str]:
    if isinstance(value, str) and value[:1] in "[{":
        value = json.loads(value)
    if isinstance(value, dict):
        return [leaf for inner in value.values() for leaf in leaves(inner)]
    if isinstance(value, list):
        return [leaf for inner in value for leaf in leaves(inner)]
    return [] if value is None or value == "" else [json.dumps(value, ensure_ascii=False).strip('"')]


@promise("nothing-asked-for-is-lost")
@settings(deadline=None, max_examples=150)
@given(CALLS)
def test_a_repaired_call_holds_everything_that_was_asked_for_and_nothing_that_would_be_ignored(sent: Any) -> None:
    server = lax(serde)
    desk = Desk(server)
    anyio.run(desk.reply, "bank__pay", sent)
    for _, _, arguments in desk.world.sent[1:]:
        assert unknown_arguments(desk.world.tool("pay"), arguments) == []
        assert not [leaf for leaf in leaves(sent) if leaf not in leaves(arguments)]
    assert len(server.done) <= 1


@promise("nothing-asked-for-is-lost")
async def test_what_a_repair_taught_drops_no_argument_that_this_refusal_does_not_name() -> None:
    def strict(arguments: dict[str, Any]) -> str:
        if "reasoning" in arguments and arguments.get("q") == "a":
            return "find() got an unexpected keyword argument 'reasoning'"
        return "" if isinstance(arguments.get("q"), str) else "find() missing 1 required positional argument: 'q'"

    server = Server("lib").tool("find", lambda **given: given, "read", closed=False, q=TEXT)
    server.answer = lambda _name, given: failed(strict(given)) if strict(given) else succeeded(given)  # type: ignore[method-assign]
    desk = Desk(server)
    assert "q" in (await desk.result("lib__find", {"q": "a", "reasoning": "to see what is there"}))["structuredContent"]
    await desk.reply("lib__find", {"Q": "b", "reasoning": "to see what is there"})
    assert all("reasoning" in arguments for _, _, arguments in desk.world.sent[2:])


# numbers are exact


@promise("numbers-are-exact")
@given(st.floats(min_value=EXACT, max_value=1e300) | st.floats(min_value=-1e300, max_value=-EXACT))
def test_a_float_that_has_lost_digits_never_becomes_an_integer(number: float) -> None:
    target = Target({"type": "integer"}, {"type": "integer"})
    for written in (number, repr(number), f"{number:.1f}", f" {number:.17e} ", [number]):
        assert coerce(written, target) == []


@promise("numbers-are-exact")
@given(st.integers(-(10**30), 10**30))
def test_digits_become_exactly_the_integer_that_they_write(number: int) -> None:
    (option,) = coerce(str(number), Target({"type": "integer"}, {"type": "integer"}))
    assert option.value == number
    assert isinstance(option.value, int)


# effects once

AFTERWARDS = st.sampled_from(
    [
        "MCP error -32602: Output validation error: '{v}' is not of type 'integer'",
        "Paid. amount must be an integer",
        "Issue #17 created, but amount '{v}' could not be applied",
        "MCP error -32602: timed out, order partially placed (amount)",
        "amount must be an integer",
        "1 validation error for Receipt\namount\n  No int [type=int_type, input_value='{v}', input_type=str]",
        "Bezahlt, aber amount '{v}' ist keine Zahl",
        "Paiement effectué ; amount: valeur '{v}' invalide",
        "Оплачено, но поле amount неверно: '{v}'",
        "支払い済み。amount '{v}' が無効です",
        "تم الدفع، لكن amount '{v}' غير صالح",
        "Missing required argument: memo",
        '{{"error": "amount", "charged": true}}',
        "data/amount must be integer, charged 12",
        "Unknown tool: receipt_printer",
        "Internal error",
    ]
)
FAULTS = st.sampled_from(
    [{"amount": "12", "to": "a"}, {"Amount": 12, "to": "a"}, {"amount": 12, "To": "a"}, {"amount": 12.0, "to": "a"},
     {"amount": 12, "to": "a", "memo": "x"}, {"params": {"amount": 12, "to": "a"}}, {"amount": "twelve", "to": "a"}]
)  # fmt: skip


@promise("effects-once")
@settings(deadline=None, max_examples=200)
@given(AFTERWARDS, FAULTS, st.sampled_from(["unknown", "write", "destructive"]), st.booleans(), st.booleans())
def test_a_text_that_comes_after_the_effect_never_doubles_it(
    text: str, sent: dict[str, Any], effect: str, as_error: bool, planned: bool
) -> None:
    words = text.format(v=sent.get("amount", ""))
    server = Server("bank").tool("pay", lambda **_: None, effect, closed=False)
    server.offers["pay"] = Offer({**server.offers["pay"].raw, "inputSchema": PAY}, lambda **_: None)
    paid: list[Any] = []

    def answer(name: str, arguments: Any) -> Reply:
        paid.append(arguments)
        return Reply(error={"code": -32602, "message": words}) if as_error else failed(words)

    server.answer = answer  # type: ignore[method-assign]
    if planned:
        plan = {"goal": "pay 12 to a", "steps": [{"id": "p", "tool": "pay", "arguments": sent}]}
        anyio.run(carried_out, world(server), plan)
    else:
        anyio.run(Desk(server).reply, "bank__pay", sent)
    assert len(paid) == 1


@promise("effects-once")
@pytest.mark.parametrize("effect", ["unknown", "write", "destructive", "idempotent"])
async def test_a_proof_that_nothing_ran_lets_the_mended_call_out_whatever_the_tool(effect: str) -> None:
    server = lax(serde, effect)
    desk = Desk(server)
    await desk.reply("bank__pay", {"amount": "12", "to": "a"})
    assert server.done == [("pay", {"amount": 12, "to": "a"})]


@promise("effects-once", "foreign-text-is-data")
@settings(deadline=None)
@given(st.text(max_size=300), st.dictionaries(st.sampled_from(["amount", "to", "x"]), VALUES))
def test_no_text_proves_anything_about_sound_arguments(text: str, more: dict[str, Any]) -> None:
    tool = Tool("s", "pay", "s__pay", {"name": "pay", "inputSchema": PAY})
    sound = {**{name: value for name, value in more.items() if name == "x"}, "amount": 3, "to": "b"}
    assert blamed(failed(text), tool, sound) == frozenset()


# values stay where they are

SECRET = st.text("abcdefghjkmnpqrstuvwxyz0123456789-", min_size=6, max_size=20)
ASKING = st.sampled_from(
    ["api_key missing", "Missing required argument: api_key", "'api_key' is a required property",
     "Use the api_key that bank__login returned", "api_key 'None' is not valid, did you mean the one of bank?"]
)  # fmt: skip


def two_servers(secret: str, asking: str, given_to: list[Any]) -> tuple[Server, Server]:
    bank = Server("bank").tool(
        "login", lambda user="": {"api_key": secret, "iban": f"DE{secret}"}, optional=["user"], user=TEXT
    )
    other = Server("other").tool("search", lambda **_: {}, "read", closed=False, query=TEXT, api_key=TEXT)

    def answer(name: str, arguments: Any) -> Reply:
        given_to.append(arguments)
        return failed(asking)

    other.answer = answer  # type: ignore[method-assign]
    return bank, other


@promise("values-stay-where-they-are")
@settings(deadline=None, max_examples=60)
@given(SECRET, ASKING, st.sampled_from([{"query": "x"}, {"query": "x", "api_key": ""}, {"query": "x", "apiKey": None}]))
def test_what_one_server_returned_never_goes_to_another_that_asks_for_it(
    secret: str, asking: str, arguments: dict[str, Any]
) -> None:
    given_to: list[Any] = []
    desk = Desk(*two_servers(secret, asking, given_to))

    async def talk() -> None:
        await desk.reply("bank__login", {})
        await desk.reply("other__search", arguments)

    anyio.run(talk)
    given_in_plan: list[Any] = []
    steps = [step("l", "login"), {"id": "s", "tool": "search", "arguments": arguments}]
    anyio.run(carried_out, world(*two_servers(secret, asking, given_in_plan)), {"goal": "search x", "steps": steps})
    assert not [call for call in (*given_to, *given_in_plan) if secret in json.dumps(call, ensure_ascii=False)]


@promise("values-stay-where-they-are")
@pytest.mark.parametrize(("wanted", "carried"), [(INTEGER, True), (TEXT, False), ({"enum": ["kg", "lb"]}, True)])
async def test_a_broken_reference_is_pointed_anew_across_servers_only_for_what_gives_nothing_away(
    wanted: dict[str, Any], carried: bool
) -> None:
    value = {"integer": 7, "string": "s3cr3t"}.get(str(wanted.get("type")), "kg")
    one = Server("one").tool("give", lambda: {"found": {"value": value}})
    two = Server("two").tool("take", lambda value: {"took": value}, value=wanted)
    where = world(one, two)
    plan = {"steps": [step("g", "give"), step("t", "take", value=ref("g", "value"))]}
    report = await carried_out(where, plan)
    assert [tool for _, tool, _ in where.sent] == (["give", "take"] if carried else ["give"])
    assert (report.status == "repaired") is carried


@promise("values-stay-where-they-are")
async def test_a_reference_that_the_plan_wrote_carries_whatever_it_points_at() -> None:
    one = Server("one").tool("give", lambda: {"value": "s3cr3t"})
    where = world(one, Server("two").tool("take", lambda value: {"took": value}, value=TEXT))
    plan = {"steps": [step("g", "give"), step("t", "take", Value=ref("g", "value"))]}
    report = await carried_out(where, plan)
    assert report.status == "repaired", report.problems
    assert where.sent[-1] == ("two", "take", {"value": "s3cr3t"})


@promise("effects-once", "unknown-effect-is-an-effect")
async def test_nothing_is_added_to_a_plan_that_does_not_surely_read() -> None:
    made = Server("ids").tool("next_number", lambda: {"number": 4}, "unknown")
    taken = made.tool("use_number", lambda number: {"used": number}, "read", number=INTEGER)
    where = world(taken)
    report = await carried_out(where, {"steps": [step("u", "use_number", number=ref("n", "number"))]})
    assert (report.status, where.sent) == ("failed", [])


@promise("nothing-asked-for-is-lost")
@pytest.mark.parametrize("change", [SetArgument, CoerceArgument])
def test_a_number_is_not_guessed_out_of_words_that_an_error_text_calls_wrong(change: Any) -> None:
    reads = Tool("s", "get_note", "s__get_note", {
        "name": "get_note", "inputSchema": {"type": "object", "properties": {"note": {}}},
        "annotations": {"readOnlyHint": True},
    })  # fmt: skip
    plan = Plan((Step("a", "get_note", {"note": "window 240"}, "s"),))
    edit = change("a", ("note",), 240)
    problem = WrongType(step="a", at=("note",), value="window 240", message="")
    guess = Proposal(problem, (edit,), "number_with_words", "", Confidence.GUESS, 0.9)
    evidence = Evidence(catalog_of([reads]))
    assert objection(plan, plan, (guess,), evidence)
    assert not objection(plan, plan, (replace(guess, confidence=Confidence.EVIDENT),), evidence)
