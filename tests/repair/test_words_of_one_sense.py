"""Names that say the same by other words, values in the wrong place, and what is never left out."""

# pyright: basic
from __future__ import annotations

from typing import Any

import pytest

from proxy.repair.view.tool_fit import tool_likeness
from proxy.repair.view.words import likeness
from tests.desks import done, ops, sent_tools
from tests.fakes import BOOLEAN, INTEGER, TEXT, TEXTS, RefusedError, Server, carried_out, configured, ref, step, world
from tests.promises import promise


def desk(style: Any = "jsonschema") -> Server:
    """Tickets that can be opened, looked at and cancelled."""
    kept: dict[int, dict[str, Any]] = {}

    def open_ticket(title: str, priority: int, **more: Any) -> Any:
        kept[len(kept) + 1] = {"title": title, "priority": priority, **more}
        return {"id": len(kept), "title": title}

    def cancel_ticket(ticket_id: int) -> Any:
        kept.pop(ticket_id)
        return {"cancelled": ticket_id}

    def get_ticket(ticket_id: int) -> Any:
        return kept[ticket_id]

    return (
        Server("desk", style)
        .tool("open_ticket", open_ticket, "write", optional=["description", "urgent", "tags"],
              title=TEXT, priority=INTEGER, description=TEXT, urgent=BOOLEAN, tags=TEXTS)
        .tool("cancel_ticket", cancel_ticket, "write", ticket_id=INTEGER)
        .tool("get_ticket", get_ticket, ticket_id=INTEGER)
    )  # fmt: skip


@promise("names-by-evidence")
@pytest.mark.parametrize(
    ("said", "meant"),
    [("folder", "directory"), ("dir_name", "folder_name"), ("qty", "amount"), ("insurance_fare", "insurance_cost")],
)
def test_words_of_one_sense_are_alike(said: str, meant: str) -> None:
    assert likeness(said, meant) >= 0.8


@promise("names-by-evidence")
@pytest.mark.parametrize(("said", "other"), [("stop", "start"), ("source", "destination"), ("city", "car")])
def test_other_words_are_not(said: str, other: str) -> None:
    assert likeness(said, other) < 0.5


@promise("swaps-within-policy")
async def test_a_tool_called_by_a_word_of_the_same_sense_is_found_where_guesses_are_trusted() -> None:
    steps = [step("o", "open_ticket", title="Leak", priority=2), step("c", "revoke_ticket", ticket_id=ref("o", "id"))]
    for policy, called in (("cautious", ["open_ticket"]), ("trusting", ["open_ticket", "cancel_ticket"])):
        where = world(desk())
        await carried_out(where, {"steps": steps}, config=configured(effects={"policy": policy}))
        assert sent_tools(where) == called


@promise("swaps-within-policy")
async def test_a_look_never_stands_in_for_a_change() -> None:
    where = world(desk())
    steps = [step("o", "open_ticket", title="Leak", priority=2), step("c", "delete_ticket", ticket_id=ref("o", "id"))]
    report = await carried_out(where, {"steps": steps})
    assert report.status == "failed"
    assert "get_ticket" not in sent_tools(where)


@promise("swaps-within-policy")
async def test_a_misspelled_argument_does_not_hide_the_tool_that_was_meant() -> None:
    where = world(desk())
    report = await carried_out(where, {"steps": [step("g", "ticket_get", tiket_id=1)]})
    assert sent_tools(where) == ["get_ticket"], report.problems


@promise("values-fit-their-schema")
@pytest.mark.parametrize("key", ["options", "config", "params", "ticket"])
async def test_arguments_are_taken_out_of_any_key_that_the_tool_does_not_know(key: str) -> None:
    where = world(desk())
    plan = {"steps": [step("o", "open_ticket", title="Leak", **{key: {"priority": 2, "urgent": True}})]}
    report = await carried_out(where, plan)
    assert report.status == "repaired", report.problems
    assert done(where, "open_ticket") == [{"title": "Leak", "priority": 2, "urgent": True}]


@promise("values-fit-their-schema")
async def test_two_values_that_fit_only_where_the_other_stands_are_exchanged() -> None:
    where = world(desk())
    report = await carried_out(where, {"steps": [step("o", "open_ticket", title=4, priority="Leak in the cellar")]})
    assert report.status == "repaired", report.problems
    assert ops(report) == ["set_argument"] * len(report.repairs)
    assert done(where, "open_ticket") == [{"title": "Leak in the cellar", "priority": 4}]


@promise("refusals-are-read")
async def test_texts_in_each_others_place_are_exchanged_after_a_refusal_that_blames_one() -> None:
    lines: dict[str, str] = {}

    def touch(file_name: str) -> Any:
        lines[file_name] = ""
        return {}

    def write(content: str, file_name: str) -> Any:
        if file_name not in lines:
            raise RefusedError(f"cannot write to '{file_name}': no such file")
        lines[file_name] = content
        return {}

    server = Server("files").tool("touch", touch, "read", file_name=TEXT)
    where = world(server.tool("write", write, "read", content=TEXT, file_name=TEXT))
    steps = [step("t", "touch", file_name="a.txt"), step("w", "write", content="a.txt", file_name="Good morning")]
    report = await carried_out(where, {"steps": steps})
    assert report.status == "repaired", report.problems
    assert lines == {"a.txt": "Good morning"}


@promise("values-fit-their-schema")
@pytest.mark.parametrize("name", ["urgent", "tags", "description"])
async def test_a_null_for_an_optional_argument_is_left_out_after_its_refusal(name: str) -> None:
    where = world(desk())
    report = await carried_out(where, {"steps": [step("o", "open_ticket", title="Leak", priority=1, **{name: None})]})
    assert report.status == "repaired", report.problems
    assert done(where, "open_ticket") == [{"title": "Leak", "priority": 1}]


@promise("names-by-evidence")
async def test_what_the_goal_says_is_never_left_out() -> None:
    where = world(desk())
    remark = "the water comes through the wall of the cellar"
    steps = [step("o", "open_ticket", title="Leak", priority=2, note=remark)]
    report = await carried_out(where, {"goal": f"Open a ticket that says {remark}.", "steps": steps})
    assert report.status == "failed"
    assert done(where, "open_ticket") == []


@promise("references-are-repaired")
async def test_a_text_that_only_looks_like_a_reference_is_sent_as_it_is() -> None:
    where = world(desk())
    steps = [
        step("o", "open_ticket", title="Leak", priority=2),
        step("p", "open_ticket", title="o.txt", priority=3),
    ]
    report = await carried_out(where, {"steps": steps})
    assert report.status == "succeeded"
    assert done(where, "open_ticket")[1] == {"title": "o.txt", "priority": 3}


@pytest.mark.parametrize(
    ("said", "name", "alike"),
    [
        ("text_file_read", "read_text_file", True),
        ("kg_to_lb_convert", "convert_lb_to_kg", False),
        ("convert_kg_to_lb", "convert_lb_to_kg", False),
        ("convertLbToKg", "convert_lb_to_kg", True),
    ],
)
def test_the_order_of_words_counts_where_it_says_a_direction(said: str, name: str, alike: bool) -> None:
    assert (tool_likeness(said, name) >= 0.85) is alike
