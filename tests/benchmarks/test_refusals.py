"""Strict servers refuse what typed servers refuse, in words that name the fault."""

from __future__ import annotations

import json
from typing import Any

import pytest

from evals.cases.refusals import STYLES, equal, issues, reply

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "copies": {"type": "integer"},
        "paper": {"type": "string", "enum": ["a4", "letter"]},
        "pages": {"type": "array", "items": {"type": "integer"}},
    },
    "required": ["copies"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("arguments", "kind", "path"),
    [
        ({"copies": "2"}, "type", ("copies",)),
        ({"copies": 2.0}, "type", ("copies",)),
        ({"copies": True}, "type", ("copies",)),
        ({}, "missing", ("copies",)),
        ({"copies": 1, "paper": "A4"}, "enum", ("paper",)),
        ({"copies": 1, "colour": "red"}, "unexpected", ("colour",)),
        ({"copies": 1, "pages": [1, "2"]}, "type", ("pages", 1)),
    ],
)
def test_the_fault_is_found_where_it_is(arguments: dict[str, Any], kind: str, path: tuple[Any, ...]) -> None:
    (found,) = issues(SCHEMA, {}, arguments)
    assert (found.kind, found.path) == (kind, path)


def test_a_sound_call_has_no_fault() -> None:
    assert issues(SCHEMA, {}, {"copies": 2, "pages": [1]}) == []


def test_a_rule_refuses_what_its_schema_lets_pass() -> None:
    rule = {"only": {"copies": 1}}
    assert issues(SCHEMA, rule, {"copies": 1}) == []
    (found,) = issues(SCHEMA, rule, {"copies": 1, "paper": "a4"})
    assert (found.kind, found.path) == ("unexpected", ("paper",))


def test_a_rule_may_accept_what_its_schema_refuses() -> None:
    assert issues(SCHEMA, {"only": {"copies": "one"}}, {"copies": "one"}) == []


def test_nothing_is_accepted_where_the_rule_says_never() -> None:
    assert [issue.kind for issue in issues(SCHEMA, {"never": True}, {"copies": 1})] == ["refused"]


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("arguments", [{"copies": "2"}, {}, {"copies": 1, "colour": 2}, {"copies": 1, "paper": "A4"}])
def test_every_style_says_what_is_wrong(style: Any, arguments: dict[str, Any]) -> None:
    found = issues(SCHEMA, {}, arguments)
    answer = reply("print", found, style)
    assert ("error" in answer) == (style == "rpc")
    assert "error" in answer or answer["result"]["isError"] is True
    said = json.dumps(answer)
    assert str(found[0].path[-1]) in said or repr(found[0].value) in said


def test_a_known_text_is_used_only_where_it_speaks_of_the_fault() -> None:
    found = issues({"type": "object"}, {"only": {}}, {"endTime": ""})
    assert "end time is empty" in json.dumps(reply("print", found, "zod", "end time is empty"))
    assert "start time" not in json.dumps(reply("print", found, "zod", "start time is empty"))


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [(1, 1.0, True), (1, True, False), ([1], [1, 2], False), ({"a": [0]}, {"a": [False]}, False), ({}, {}, True)],
)
def test_values_are_compared_as_json_not_as_python(left: Any, right: Any, same: bool) -> None:
    assert equal(left, right) is same
