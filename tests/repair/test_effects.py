"""What a reply means, and what may be sent after it."""

# pyright: basic
from __future__ import annotations

from typing import Any

import pytest

from proxy.repair.diagnose import situation, static_problems
from proxy.repair.effects import may_send, verdict_of
from proxy.repair.order import has_effect, verbs
from proxy.repair.refusal import error_text, read
from proxy.repair.situation import Evidence
from schemas.catalog import Effect, Tool, catalog_of
from schemas.edit import Confidence
from schemas.plan import Plan, Step
from schemas.trial import Lost, Reply, StepRun, Verdict
from tests.fakes import failed, succeeded
from tests.promises import promise

SCHEMA = {
    "type": "object",
    "properties": {"room": {"type": "string"}, "nights": {"type": "integer"}},
    "required": ["room", "nights"],
}


def tool(effect: Effect, name: str = "book") -> Tool:
    return Tool("inn", name, f"inn__{name}", {"name": name, "inputSchema": SCHEMA}, override=effect)


def judged(reply: Reply, arguments: dict[str, Any]) -> Verdict:
    book = tool(Effect.WRITE)
    step = Step("s", "book", arguments, "inn")
    problems = static_problems(situation(Plan((step,)), step, Evidence(catalog_of([book]))))
    reading = read(error_text(reply), arguments, book.properties) if reply.refused else read("", arguments)
    return verdict_of(reply, problems, reading, has_output_schema=False)


@promise("effects-once")
@pytest.mark.parametrize(
    ("reply", "arguments", "verdict"),
    [
        (succeeded({"booked": 1}), {"room": "a", "nights": 1}, Verdict.OK),
        (succeeded({"error": "no room"}), {"room": "a", "nights": 1}, Verdict.SILENT),
        (Reply(lost=Lost.NOT_SENT), {"room": "a", "nights": 1}, Verdict.NOT_SENT),
        (Reply(lost=Lost.TIMED_OUT), {"room": "a", "nights": 1}, Verdict.UNKNOWN),
        (Reply(lost=Lost.BROKEN), {"room": "a", "nights": 1}, Verdict.UNKNOWN),
        # refused before anything ran
        (Reply(error={"code": -32602, "message": "bad"}), {"room": "a", "nights": 1}, Verdict.NOT_EXECUTED),
        (Reply(error={"code": -32601, "message": "what?"}), {"room": "a", "nights": 1}, Verdict.NOT_EXECUTED),
        (failed("nights must be an integer"), {"room": "a", "nights": "2"}, Verdict.NOT_EXECUTED),
        (failed("Missing required parameter: nights"), {"room": "a"}, Verdict.NOT_EXECUTED),
        (failed("Unknown tool: book"), {"room": "a", "nights": 1}, Verdict.NOT_EXECUTED),
        # a normal error that speaks of what was sent
        (failed("there is no room called 'attic'"), {"room": "attic", "nights": 1}, Verdict.REFUSED),
        (failed("room must be one of: blue, red"), {"room": "attic", "nights": 1}, Verdict.REFUSED),
        # anything else may have happened
        (failed("it went wrong"), {"room": "a", "nights": 1}, Verdict.FAILED),
        (failed("booking 'attic' timed out"), {"room": "attic", "nights": 1}, Verdict.FAILED),
        (failed("502 Bad Gateway"), {"room": "a", "nights": 1}, Verdict.FAILED),
        (failed("room 'attic' was partially booked"), {"room": "attic", "nights": 1}, Verdict.FAILED),
        (Reply(error={"code": -32603, "message": "Internal error"}), {"room": "a", "nights": 1}, Verdict.FAILED),
        (Reply(error={"code": -32000, "message": "overloaded"}), {"room": "a", "nights": 1}, Verdict.FAILED),
    ],
)
def test_what_a_reply_means(reply: Reply, arguments: dict[str, Any], verdict: Verdict) -> None:
    assert judged(reply, arguments) is verdict


def sending(verdict: Verdict, room: str = "a", effect: Effect = Effect.WRITE, text: str = "") -> StepRun:
    reply = succeeded({"error": text}) if verdict is Verdict.SILENT else failed(text)
    return StepRun("s", "inn", "book", {"room": room, "nights": 1}, verdict, reply, effect=effect)


SAME, OTHER = {"room": "a", "nights": 1}, {"room": "b", "nights": 1}
LOSSLESS, EVIDENT, GUESS = Confidence.LOSSLESS, Confidence.EVIDENT, Confidence.GUESS


@promise("effects-once")
@pytest.mark.parametrize(
    ("effect", "history", "arguments", "sure", "allowed"),
    [
        (Effect.WRITE, [], OTHER, GUESS, True),
        # nothing can have happened: anything may be sent
        (Effect.WRITE, [Verdict.NOT_EXECUTED], OTHER, GUESS, True),
        (Effect.DESTRUCTIVE, [Verdict.NOT_EXECUTED], OTHER, EVIDENT, True),
        (Effect.WRITE, [Verdict.NOT_SENT], SAME, None, True),
        (Effect.WRITE, [Verdict.NOT_EXECUTED], SAME, None, True),
        # refused: once more, with evidence, where nothing is destroyed
        (Effect.WRITE, [Verdict.REFUSED], OTHER, EVIDENT, True),
        (Effect.UNKNOWN, [Verdict.REFUSED], OTHER, LOSSLESS, True),
        (Effect.WRITE, [Verdict.REFUSED], OTHER, GUESS, False),
        (Effect.DESTRUCTIVE, [Verdict.REFUSED], OTHER, LOSSLESS, False),
        (Effect.WRITE, [Verdict.REFUSED, Verdict.REFUSED], OTHER, LOSSLESS, False),
        (Effect.WRITE, [Verdict.REFUSED, Verdict.NOT_EXECUTED], OTHER, LOSSLESS, False),
        (Effect.WRITE, [Verdict.REFUSED], SAME, None, False),
        # anything else: nothing more
        (Effect.WRITE, [Verdict.FAILED], OTHER, LOSSLESS, False),
        (Effect.WRITE, [Verdict.UNKNOWN], OTHER, LOSSLESS, False),
        (Effect.WRITE, [Verdict.UNKNOWN], SAME, None, False),
        (Effect.WRITE, [Verdict.UNKNOWN, Verdict.NOT_EXECUTED], OTHER, LOSSLESS, False),
        (Effect.WRITE, [Verdict.OK], OTHER, LOSSLESS, False),
        (Effect.WRITE, [Verdict.OK], SAME, None, False),
        # idempotent: the identical call, never another
        (Effect.IDEMPOTENT, [Verdict.UNKNOWN], SAME, None, True),
        (Effect.IDEMPOTENT, [Verdict.FAILED], SAME, None, True),
        (Effect.IDEMPOTENT, [Verdict.UNKNOWN], OTHER, LOSSLESS, False),
        (Effect.IDEMPOTENT, [Verdict.OK], SAME, None, False),
        # reading: always
        (Effect.READ, [Verdict.UNKNOWN], OTHER, GUESS, True),
        (Effect.READ, [Verdict.OK], OTHER, GUESS, True),
    ],
)  # fmt: skip
def test_what_may_be_sent_next(
    effect: Effect, history: list[Verdict], arguments: dict[str, Any], sure: Confidence | None, allowed: bool
) -> None:
    sent = [sending(verdict, "a", effect) for verdict in history]
    why = may_send(sent, tool(effect), arguments, sure)
    assert (why == "") is allowed, why


@promise("effects-once", "silent-failures-are-seen")
@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("no room called 'a'", True),
        ("it went wrong", False),
        ("timed out while booking 'a'", False),
        ("room 'a': connection lost", False),
    ],
)
def test_after_a_silent_failure_another_call_is_sent_only_if_it_reads_as_a_refusal(text: str, allowed: bool) -> None:
    why = may_send([sending(Verdict.SILENT, text=text)], tool(Effect.WRITE), OTHER, EVIDENT)
    assert (why == "") is allowed


@promise("effects-once")
def test_two_deletions_are_two_effects() -> None:
    first = sending(Verdict.FAILED, effect=Effect.IDEMPOTENT)
    assert may_send([first], tool(Effect.IDEMPOTENT), OTHER, LOSSLESS)


@promise("order-is-kept")
@pytest.mark.parametrize(
    ("hints", "effect"),
    [
        (None, Effect.UNKNOWN),
        ({}, Effect.UNKNOWN),
        ({"title": "Book"}, Effect.UNKNOWN),
        ({"readOnlyHint": True}, Effect.READ),
        ({"readOnlyHint": True, "destructiveHint": True}, Effect.READ),
        ({"readOnlyHint": False}, Effect.DESTRUCTIVE),
        ({"idempotentHint": True}, Effect.DESTRUCTIVE),
        ({"destructiveHint": False}, Effect.WRITE),
        ({"destructiveHint": False, "idempotentHint": True}, Effect.IDEMPOTENT),
        ("yes", Effect.UNKNOWN),
    ],
)
def test_missing_hints_take_the_defaults_of_the_specification(hints: Any, effect: Effect) -> None:
    raw = {"name": "book"} if hints is None else {"name": "book", "annotations": hints}
    assert Tool("inn", "book", "inn__book", raw).effect is effect


@promise("order-is-kept")
@pytest.mark.parametrize("name", ["create_event", "sendMail", "orders.cancel", "rm", "resend_invoice", "bulk-update"])
def test_verbs_of_effect_are_seen_in_names(name: str) -> None:
    assert verbs(name)
    assert has_effect(Tool("s", name, name, {"name": name}), name)


@promise("order-is-kept")
@pytest.mark.parametrize("name", ["get_event", "list_orders", "search", "convert_time", "weather", "address_of"])
def test_names_without_such_verbs_are_taken_for_reading(name: str) -> None:
    assert not has_effect(Tool("s", name, name, {"name": name}), name)
