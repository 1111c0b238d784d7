"""What a reply means, and what may be sent after it."""

# pyright: basic
from __future__ import annotations

from typing import Any

import pytest

from proxy.repair.read.refusal import error_text, read
from proxy.repair.search.effects import may_send, verdict_of
from proxy.repair.view.opposites import verbs
from schemas.catalog import Effect, Tool
from schemas.edit import Confidence
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
    reading = read(error_text(reply), arguments, book.properties) if reply.refused else read("", arguments)
    return verdict_of(reply, book, arguments, reading)[0]


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
        (Reply(error={"code": -32601, "message": "Method not found"}), {"room": "a"}, Verdict.NOT_EXECUTED),
        (failed("data/nights must be integer"), {"room": "a", "nights": "2"}, Verdict.NOT_EXECUTED),
        (
            failed("ValueError: Input validation error: '2' is not of type 'integer'"),
            {"room": "a", "nights": "2"},
            Verdict.NOT_EXECUTED,
        ),
        # words that prove nothing: free, of another text, or contradicted by the schema
        (Reply(error={"code": -32602, "message": "bad"}), {"room": "a", "nights": 1}, Verdict.FAILED),
        (Reply(error={"code": -32601, "message": "what?"}), {"room": "a", "nights": 1}, Verdict.FAILED),
        (failed("nights must be an integer"), {"room": "a", "nights": "2"}, Verdict.REFUSED),
        (failed("Booked. data/nights must be integer"), {"room": "a", "nights": "2"}, Verdict.REFUSED),
        (failed("data/nights must be integer"), {"room": "a", "nights": 2}, Verdict.REFUSED),
        (failed("ValueError: '2' is not of type 'integer'"), {"room": "a", "nights": "2"}, Verdict.REFUSED),
        (
            failed("BookedError: ok. Input validation error: '2' is not of type 'integer'"),
            {"room": "a", "nights": "2"},
            Verdict.REFUSED,
        ),
        (
            failed("Output validation error: '2' is not of type 'integer'"),
            {"room": "a", "nights": "2"},
            Verdict.REFUSED,
        ),
        (failed("Missing required parameter: nights"), {"room": "a"}, Verdict.NOT_EXECUTED),
        (failed("Unknown tool: book"), {"room": "a", "nights": 1}, Verdict.NOT_EXECUTED),
        # a normal error that speaks of what was sent
        (failed("there is no room called 'attic'"), {"room": "attic", "nights": 1}, Verdict.REFUSED),
        (failed("room must be one of: blue, red"), {"room": "attic", "nights": 1}, Verdict.REFUSED),
        # anything else may have happened
        (failed("it went wrong"), {"room": "a", "nights": 1}, Verdict.FAILED),
        (failed("booking 'attic' timed out"), {"room": "attic", "nights": 1}, Verdict.REFUSED),
        (failed("502 Bad Gateway"), {"room": "a", "nights": 1}, Verdict.FAILED),
        (failed("room 'attic' was partially booked"), {"room": "attic", "nights": 1}, Verdict.REFUSED),
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
        (Effect.WRITE, [], OTHER, EVIDENT, True),
        # no guess where something may change
        (Effect.WRITE, [], OTHER, GUESS, False),
        (Effect.UNKNOWN, [Verdict.NOT_EXECUTED], OTHER, GUESS, False),
        # nothing can have happened: anything sure may be sent
        (Effect.DESTRUCTIVE, [Verdict.NOT_EXECUTED], OTHER, EVIDENT, True),
        (Effect.WRITE, [Verdict.NOT_SENT], SAME, None, True),
        (Effect.WRITE, [Verdict.NOT_EXECUTED], SAME, None, True),
        # refused in words that prove nothing: nothing more
        (Effect.WRITE, [Verdict.REFUSED], OTHER, EVIDENT, False),
        (Effect.UNKNOWN, [Verdict.REFUSED], OTHER, LOSSLESS, False),
        (Effect.DESTRUCTIVE, [Verdict.REFUSED], OTHER, LOSSLESS, False),
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
@pytest.mark.parametrize("text", ["no room called 'a'", "it went wrong", "'2' is not of type 'integer'"])
def test_after_a_silent_failure_nothing_more_is_sent_to_what_may_change_something(text: str) -> None:
    assert may_send([sending(Verdict.SILENT, text=text)], tool(Effect.WRITE), OTHER, EVIDENT)


@promise("effects-once")
@pytest.mark.parametrize(
    ("refused", "next_one", "allowed"),
    [
        ({"room": "a", "nights": "2"}, {"room": "a", "nights": 2}, True),
        ({"room": "a", "Nights": 2}, {"room": "a", "nights": 2}, True),
        # the edit concerns another argument than the one refused
        ({"room": "a", "nights": "2"}, {"room": "b", "nights": 2}, False),
        ({"room": "a", "nights": "2"}, {"room": "b", "nights": "2"}, False),
    ],
)
def test_after_a_proof_only_what_was_refused_may_change(
    refused: dict[str, Any], next_one: dict[str, Any], allowed: bool
) -> None:
    said = "data must have required property 'nights'" if "Nights" in refused else "data/nights must be integer"
    verdict, blamed = verdict_of(failed(said), tool(Effect.WRITE), refused, read(said, refused))
    run = StepRun("s", "inn", "book", refused, verdict, failed(said), effect=Effect.WRITE, blamed=blamed)
    assert verdict is Verdict.NOT_EXECUTED
    assert (may_send([run], tool(Effect.WRITE), next_one, LOSSLESS) == "") is allowed


@promise("effects-once")
def test_three_and_three_point_nought_are_one_call() -> None:
    lost = StepRun("s", "inn", "book", {"room": "a", "nights": 3}, Verdict.UNKNOWN)
    assert may_send([lost], tool(Effect.IDEMPOTENT), {"room": "a", "nights": 3.0}, None) == ""


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
