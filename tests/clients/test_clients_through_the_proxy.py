"""Widely used clients, each in an environment of its own: what they are told is what they would be told directly.

`uv run pytest tests/clients` runs these; they fetch what they run, and take too long to be among the other tests.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.acceptance.desk import ended

from .conftest import WAYS, Told

REPAIR = "mcp-mend/repair"
THROUGH = pytest.mark.parametrize("way", WAYS)
REPAIRED = {"misspelled argument": "rename_argument", "text for a number": "coerce_argument"}


def without_meta(answer: Any) -> Any:
    if isinstance(answer, list):
        return [without_meta(each) for each in answer]
    return {key: value for key, value in answer.items() if key != "meta"} if isinstance(answer, dict) else answer


@THROUGH
def test_the_tools_are_those_of_the_server(told: Told, way: str) -> None:
    own = told.direct("tools")
    listed = told.through(way, "tools")
    if way != "wrap":
        assert {"run_workflow", "find_tools"} < listed.keys()
        listed = {name.removeprefix("garden__"): tool for name, tool in listed.items() if name.startswith("garden__")}
        listed = {name: {**tool, **({"name": name} if "name" in tool else {})} for name, tool in listed.items()}
    assert listed == own
    assert len(own) == 5


@THROUGH
@pytest.mark.parametrize(
    "question", ["sound", "refused", "photo", "resource", "prompt", "together", "progress", "after it"]
)
def test_what_needs_no_repair_is_told_as_it_is_directly(told: Told, way: str, question: str) -> None:
    direct = told.direct(question)
    assert "raised" not in direct
    assert without_meta(told.through(way, question)) == without_meta(direct)
    assert REPAIR not in json.dumps(told.through(way, question))


@THROUGH
@pytest.mark.parametrize("question", REPAIRED)
def test_a_repaired_call_is_told_as_a_sound_one_and_how_where_the_client_shows_it(
    told: Told, way: str, question: str
) -> None:
    assert told.direct(question)["error"]
    answer = told.through(way, question)
    assert without_meta(answer) == without_meta(told.direct("sound"))
    if told.client.shows_meta:
        assert [repair["op"] for repair in answer["meta"][REPAIR]["repairs"]] == [REPAIRED[question]]


@THROUGH
def test_a_misspelled_tool_is_found(told: Told, way: str) -> None:
    assert "measured" not in json.dumps(told.direct("misspelled tool"))
    answer = told.through(way, "misspelled tool")
    assert "measured" in json.dumps(answer)
    if told.client.shows_meta:
        assert [repair["op"] for repair in answer["meta"][REPAIR]["repairs"]] == ["swap_tool"]


@THROUGH
@pytest.mark.parametrize(
    ("question", "help_"), [("argument left out", "plant"), ("unknown tool", "nearest: ")], ids=["argument", "tool"]
)
def test_what_cannot_be_repaired_reaches_the_client_with_its_help(
    told: Told, way: str, question: str, help_: str
) -> None:
    direct, answer = told.direct(question), told.through(way, question)
    assert answer.get("error") or answer.get("raised")
    assert help_ in json.dumps(answer)
    assert len(json.dumps(without_meta(answer))) > len(json.dumps(without_meta(direct)))


@THROUGH
def test_a_call_is_cancelled_at_its_server(told: Told, way: str) -> None:
    assert told.through(way, "cancelled") == "cancelled"
    watching = [line["watching"] for line in told.desk.noted() if "watching" in line]
    assert watching.count(False) == watching.count(True) == 1 + len(WAYS)


def test_nothing_is_left_running(told: Told) -> None:
    pids = told.desk.shop_processes()
    assert len(pids) > len(WAYS)
    assert ended(pids)
    assert told.desk.effects() == []
