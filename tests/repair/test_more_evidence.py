"""Repairs by what an upstream's words, the goal, or an earlier success say."""

# pyright: basic
from __future__ import annotations

from typing import Any

import pytest

from proxy.calls.forward import Calls
from proxy.repair.read.dialects import read_submission
from proxy.store.memory import Memories
from schemas.config import Config
from tests.fakes import (
    BOOLEAN,
    INTEGER,
    TEXT,
    Book,
    Person,
    RefusedError,
    Server,
    carried_out,
    ref,
    step,
    world,
)
from tests.promises import promise
from tests.scenarios.worlds import calendar, shop, tickets, units

# what a refusal says


def picky(check: Any, **properties: Any) -> Server:
    """A server whose own check is stricter than its schema."""

    def act(**given: Any) -> Any:
        wrong = check(given)
        if wrong:
            raise RefusedError(wrong)
        return {"took": given}

    return Server("picky").tool("act", act, "read", closed=False, optional=list(properties), **properties)


@promise("refusals-are-read")
@pytest.mark.parametrize(
    ("properties", "sent", "check", "meant"),
    [
        # a list of accepted values that the schema does not have
        (
            {"colour": TEXT},
            {"colour": "Dark-Red"},
            lambda g: "" if g["colour"] in ("dark_red", "blue") else "colour must be one of: dark_red, blue",
            {"colour": "dark_red"},
        ),
        # one suggestion
        (
            {"colour": TEXT},
            {"colour": "gray"},
            lambda g: "" if g["colour"] == "grey" else f"unknown colour '{g['colour']}', did you mean 'grey'?",
            {"colour": "grey"},
        ),
        # a type that the schema leaves open
        (
            {"members": {"description": "who"}},
            {"members": '["Ada", "Eve"]'},
            lambda g: "" if isinstance(g["members"], list) else "members must be a list",
            {"members": ["Ada", "Eve"]},
        ),
        (
            {"members": {}},
            {"members": "Ada"},
            lambda g: "" if isinstance(g["members"], list) else "Invalid params: members: expected array",
            {"members": ["Ada"]},
        ),
        # the empty text for an optional
        (
            {"title": TEXT, "deadline": TEXT},
            {"title": "x", "deadline": ""},
            lambda g: 'deadline: cannot parse ""' if g.get("deadline") == "" else "",
            {"title": "x"},
        ),
        # an integral float
        (
            {"count": INTEGER, "note": TEXT},
            {"count": 3.0, "note": "x"},
            lambda g: "" if isinstance(g["count"], int) else "count must be an integer, got 3.0",
            {"count": 3, "note": "x"},
        ),
    ],
)
async def test_a_refusal_that_says_how_is_followed_once(
    properties: dict[str, Any], sent: dict[str, Any], check: Any, meant: dict[str, Any]
) -> None:
    where = world(picky(check, **properties))
    report = await carried_out(where, {"steps": [step("a", "act", **sent)]})
    assert report.status == "repaired", report.problems
    assert where.done == [("act", meant)]
    assert len(where.sent) == 2


@promise("abstains")
async def test_what_a_refusal_lists_is_mended_before_a_value_that_may_be_made_up() -> None:
    def check(given: dict[str, Any]) -> str:
        listed = ["crown", "florin"]
        return "" if given["currency"] in listed else f"{given['currency']!r} is not one of {listed} (currency)"

    where = world(picky(check, currency={}).tool("bill", lambda: {"amount": 5, "currency": "crown"}, "read"))
    steps = [step("b", "bill"), step("a", "act", currency="florin currency")]
    report = await carried_out(where, {"goal": "What do I pay, in florins?", "steps": steps})
    assert ("act", {"currency": "crown"}) not in where.done
    assert report.status == "repaired", report.problems
    assert ("act", {"currency": "florin"}) in where.done


@promise("wrappers-are-opened")
async def test_arguments_that_ran_into_one_text_are_separated() -> None:
    where = world(tickets("jsonschema"))
    report = await carried_out(
        where, {"steps": [step("t", "assign_ticket", ticket_id="T-1</ticket_id> <user_id>u-9</user_id>")]}
    )
    assert report.status == "repaired", report.problems
    assert where.sent == [("tickets", "assign_ticket", {"ticket_id": "T-1", "user_id": "u-9"})]


@promise("abstains", "effects-once")
async def test_a_refusal_that_only_says_no_is_not_argued_with() -> None:
    where = world(picky(lambda given: f"'{given['colour']}' is not for sale on Sundays", colour=TEXT))
    report = await carried_out(where, {"goal": "paint it 'blue'", "steps": [step("a", "act", colour="red")]})
    assert report.status == "failed"
    assert where.sent == [("picky", "act", {"colour": "red"})]


# what the goal says


@promise("missing-is-filled-by-evidence")
@pytest.mark.parametrize(
    ("goal", "name", "schema", "wanted"),
    [
        ("Show 5 results", "results", INTEGER, 5),
        ("Set the level to 40 of 100", "level", INTEGER, 40),
        ("Search for title 'Leaf rake'", "title", TEXT, "Leaf rake"),
        ("Convert it to inches", "to_unit", {"type": "string", "enum": ["inch", "meter"]}, "inch"),
        ("Use the express service", "service", {"type": "string", "enum": ["express", "standard"]}, "express"),
        (
            "What time is it in Kolkata?",
            "timezone",
            {"type": "string", "description": "IANA time zone name"},
            "Asia/Kolkata",
        ),
        ("She is no smoker", "smoker", BOOLEAN, False),
        ("He is a smoker", "smoker", BOOLEAN, True),
    ],
)
async def test_what_the_goal_says_beside_the_name_fills_a_read(goal: str, name: str, schema: Any, wanted: Any) -> None:
    server = Server("s").tool("look", lambda **given: given, **{name: schema})  # pyright: ignore
    where = world(server)
    report = await carried_out(where, {"goal": goal, "steps": [step("a", "look")]})
    assert report.status == "repaired", report.problems
    assert where.sent == [("s", "look", {name: wanted})]


@promise("missing-is-filled-by-evidence", "abstains")
@pytest.mark.parametrize(
    ("goal", "name", "schema"),
    [
        ("", "results", INTEGER),
        ("Compare 3 and 7", "amount", INTEGER),
        ("It cost $10000", "order_id", INTEGER),
        ("Either inch or meter will do", "unit", {"type": "string", "enum": ["inch", "meter"]}),
        ("Hello there", "smoker", BOOLEAN),
    ],
)
async def test_a_goal_that_does_not_single_out_a_value_fills_nothing(goal: str, name: str, schema: Any) -> None:
    where = world(Server("s").tool("look", lambda **given: given, **{name: schema}))  # pyright: ignore
    report = await carried_out(where, {"goal": goal, "steps": [step("a", "look")]})
    assert report.status == "failed"
    assert where.sent == []
    assert [problem.kind for problem in report.problems] == ["missing_argument"]


@promise("missing-is-filled-by-evidence")
async def test_two_arguments_of_one_list_read_both_items() -> None:
    pair = Server("s").tool("pair", lambda: {"cities": [{"name": "Oslo"}, {"name": "Bergen"}]})
    pair.tool("distance", lambda origin, goal: {"km": 463}, origin=TEXT, goal=TEXT)
    where = world(pair)
    steps = [step("p", "pair"), step("d", "distance", origin=ref("p", "cities.0.name"))]
    report = await carried_out(where, {"steps": steps})
    assert report.status == "repaired", report.problems
    assert where.sent[-1][2] == {"origin": "Oslo", "goal": "Bergen"}


# what worked before


@promise("repeatable")
async def test_a_repair_that_worked_is_tried_first_the_next_time_and_forgotten_with_the_schema() -> None:
    def take(**given: Any) -> Any:
        return {"took": given}

    lessons = Memories(None)
    server = Server("s").tool("note_down", take, subject=TEXT, remark=TEXT)
    calls = Calls(Config(), world(server), Book(), memories=lessons)
    first = await calls.call({"name": "s__note_down", "arguments": {"subjekt": "a", "remark": "b"}}, Person())
    assert first.result is not None
    assert lessons.lessons
    known = dict(lessons.lessons)
    again = await calls.call({"name": "s__note_down", "arguments": {"subjekt": "c", "remark": "d"}}, Person())
    assert again.result is not None
    assert again.result["structuredContent"] == {"took": {"subject": "c", "remark": "d"}}
    assert set(lessons.lessons) == set(known)
    changed = Server("s").tool("note_down", take, optional=["subjekts"], subjekts=TEXT, remark=TEXT)
    other = Calls(Config(), world(changed), Book(), memories=lessons)
    reply = await other.call({"name": "s__note_down", "arguments": {"subjekt": "c", "remark": "d"}}, Person())
    assert reply.result is not None
    assert reply.result["structuredContent"] == {"took": {"subjekts": "c", "remark": "d"}}


# more ways to write a plan


@promise("dialects-are-spelling")
@pytest.mark.parametrize("outer", ["plan", "workflow"])
def test_a_plan_inside_a_plan_is_opened(outer: str) -> None:
    inner = {"goal": "g", "steps": [{"id": "a", "tool": "t"}], "output": {"$ref": "a"}}
    submitted = read_submission({outer: inner})
    assert submitted.faults == ()
    assert submitted.plan is not None
    assert (submitted.plan.goal, submitted.plan.output) == ("g", {"$ref": "a"})


@promise("dialects-are-spelling")
def test_steps_without_ids_are_numbered_and_one_dependency_may_stand_alone() -> None:
    submitted = read_submission([{"tool": "t"}, {"tool": "u", "after": "s1"}, {"tool": "v", "requires": ["$s2"]}])
    assert submitted.plan is not None
    assert [(each.id, each.after) for each in submitted.plan.steps] == [("s1", ()), ("s2", ("s1",)), ("s3", ("s2",))]


@promise("wrappers-are-opened")
async def test_arguments_that_are_no_json_at_all_are_told_and_not_sent() -> None:
    where = world(shop())
    written = {"id": "a", "tool": "get_product", "arguments": "the watering can, please"}
    report = await carried_out(where, {"steps": [written]})
    assert report.status == "failed"
    assert where.sent == []
    assert "wrong_type" in [problem.kind for problem in report.problems]


# our own faults


@promise("report-fields", "effects-once")
async def test_a_fault_of_our_own_is_a_failed_report_that_keeps_what_was_sent() -> None:
    class Breaking(Person):
        async def progress(self, done: float, total: float | None, message: str) -> None:
            raise RuntimeError("the wire to the client is cut")

    where = world(shop())
    report = await carried_out(where, {"steps": [step("c", "open_cart", customer="Ada")]}, client=Breaking())
    assert report.status == "failed"
    assert "fault" in [problem.kind for problem in report.problems]
    assert report.steps[0].ok
    assert len(where.done) == 1


@promise("values-fit-their-schema")
async def test_dates_and_lists_of_a_call_are_coerced_together() -> None:
    where = world(calendar())
    sent = {"title": 7, "start_date": "March 12th, 2031", "guests": "ada@example.org"}
    report = await carried_out(where, {"steps": [step("e", "create_event", **sent)]})
    assert report.status == "repaired", report.problems
    assert where.done == [("create_event", {"title": "7", "start_date": "2031-03-12", "guests": ["ada@example.org"]})]


@promise("values-fit-their-schema", "references-are-repaired")
async def test_a_referenced_value_is_written_in_the_type_that_is_wanted() -> None:
    server = Server("s").tool("count_all", lambda: {"count": "12"}).tool("take", lambda n: {"n": n}, "write", n=INTEGER)
    where = world(server, units())
    report = await carried_out(where, {"steps": [step("c", "count_all"), step("t", "take", n=ref("c", "count"))]})
    assert report.status == "repaired", report.problems
    assert where.sent[-1] == ("s", "take", {"n": 12})
