"""What error texts say about arguments, and which results are failures in disguise."""

# pyright: basic
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.repair.read.refusal import error_text, read, silent_failure
from schemas.trial import Reply
from tests.fakes import INTEGER, STYLES, TEXT, TEXTS, Server, Style, failed
from tests.promises import promise

PYDANTIC = """2 validation errors for call[book_table]
guests
  Input should be a valid integer, unable to parse string as an integer [type=int_parsing, input_value='four', input_type=str]
    For further information visit https://errors.pydantic.dev/2.11/v/int_parsing
evening
  Missing required argument [type=missing_argument, input_value={'guests': 'four'}, input_type=dict]
    For further information visit https://errors.pydantic.dev/2.11/v/missing_argument"""  # noqa: E501  as it is printed

ZOD = """MCP error -32602: Invalid arguments for tool book_table: [
  {"code": "invalid_type", "expected": "array", "received": "string", "path": ["courses"], "message": "Expected array"},
  {"code": "invalid_type", "expected": "string", "received": "undefined", "path": ["evening"], "message": "Required"},
  {"code": "unrecognized_keys", "keys": ["tipp"], "path": [], "message": "Unrecognized key(s) in object: 'tipp'"}
]"""

SITTINGS = {"allowed": {("evening",): ("lunch", "dinner")}}


@promise("refusals-are-read")
def test_pydantic_names_what_is_missing_and_the_type_it_wants() -> None:
    found = read(PYDANTIC, {"guests": "four"}, ["guests", "evening"])
    assert found.missing == ("evening",)
    assert found.wanted == {("guests",): "integer"}
    assert ("guests",) in found.quoted


@promise("refusals-are-read")
def test_zod_names_types_missing_and_unknown_arguments() -> None:
    found = read(ZOD, {"courses": "soup", "tipp": 3}, ["courses", "evening", "tip"])
    assert found.missing == ("evening",)
    assert found.unexpected == ("tipp",)
    assert found.wanted == {("courses",): "array"}


ZOD_LINES = """MCP error -32602: Input validation error: Invalid arguments for tool book_table: Invalid input: expected array, received string at courses
Invalid input: expected string, received undefined at evening
Invalid option: expected one of "window"|"terrace" at table
Invalid input: expected string, received undefined at people[0].firstName"""  # noqa: E501  as it is printed


@promise("refusals-are-read")
def test_zod_is_read_line_by_line_too() -> None:
    sent = {"courses": "soup", "table": "Window", "people": [{"first_name": "Ada"}]}
    found = read(ZOD_LINES, sent, ["courses", "evening", "table", "people"])
    assert found.missing == ("evening",)
    assert found.wanted == {("courses",): "array"}
    assert found.allowed == {("table",): ("window", "terrace")}
    assert "people" in found.named


@promise("refusals-are-read")
@pytest.mark.parametrize(
    ("text", "arguments", "said"),
    [
        ("'evening' is a required property", {}, {"missing": ("evening",)}),
        ("missing 1 required positional argument: 'evening'", {}, {"missing": ("evening",)}),
        ("Missing required parameter: evening", {}, {"missing": ("evening",)}),
        ("evening is required", {}, {"missing": ("evening",)}),
        ("You must provide a evening", {}, {"missing": ("evening",)}),
        ("got an unexpected keyword argument 'tipp'", {"tipp": 1}, {"unexpected": ("tipp",)}),
        ("Additional properties are not allowed ('tipp' was unexpected)", {"tipp": 1}, {"unexpected": ("tipp",)}),
        ("unknown parameter: tipp", {"tipp": 1}, {"unexpected": ("tipp",)}),
        ("guests must be an integer", {"guests": "4"}, {"wanted": {("guests",): "integer"}}),
        ("size must be an integer", {"size": "4", "table": "x"}, {"wanted": {("size",): "integer"}}),
        ("Error: ms should be a number", {"ms": "4"}, {"wanted": {("ms",): "number"}}),
        ("invalid type for courses: expected a list", {"courses": "x"}, {"wanted": {("courses",): "array"}}),
        ("evening must be one of: lunch, dinner", {"evening": "late"}, SITTINGS),
        ("'late' is not one of ['lunch', 'dinner']", {"evening": "late"}, SITTINGS),
        ("No such sitting 'late'. Options are: lunch, dinner.", {"evening": "late"}, SITTINGS),
        ("no table called 'Corner'", {"table": "Corner"}, {"quoted": (("table",),)}),
        ("deadline: cannot parse \"\"", {"deadline": ""}, {"quoted": (("deadline",),)}),
        ("Unknown tool: book_tables", {}, {"unknown_tool": True}),
    ],
)  # fmt: skip
def test_hand_written_refusals(text: str, arguments: dict[str, Any], said: Mapping[str, Any]) -> None:
    found = read(text, arguments, ["guests", "evening", "courses", "table", "deadline"])
    assert {name: getattr(found, name) for name in said} == said


@promise("refusals-are-read")
@pytest.mark.parametrize("text", ["", "it did not work", "Sorry.", "the kitchen is closed on Mondays", "{}", "\x00"])
def test_a_text_that_says_nothing_of_arguments_gives_no_reading(text: str) -> None:
    found = read(text, {"guests": 4, "evening": "lunch"}, ["guests", "evening"])
    assert not found.speaks_of_arguments
    assert not found.unknown_tool


@promise("refusals-are-read")
def test_a_name_that_was_sent_is_not_missing_and_one_that_was_not_is_not_unexpected() -> None:
    found = read("guests is required; unknown parameter: evening", {"guests": None}, ["guests", "evening"])
    assert (found.missing, found.unexpected) == ((), ())


@promise("refusals-are-read")
@pytest.mark.parametrize("style", STYLES)
def test_every_style_of_validator_tells_the_wrong_argument(style: Style) -> None:
    server = Server("diner", style).tool("book", lambda **_: {}, "write", guests=INTEGER, courses=TEXTS, evening=TEXT)
    sound = {"guests": 4, "courses": ["soup"], "evening": "lunch"}

    def about(arguments: dict[str, Any]) -> Any:
        return read(error_text(server.answer("book", arguments)), arguments, sound)

    assert about({"courses": ["soup"], "evening": "lunch"}).missing == ("guests",)
    assert about({**sound, "tipp": 2}).unexpected == ("tipp",)
    wrong = about({**sound, "guests": "forty"})
    assert "guests" in wrong.named or ("guests",) in {*wrong.wanted, *wrong.quoted}
    assert server.done == []


@promise("refusals-are-read")
def test_the_data_of_a_json_rpc_error_is_part_of_its_text() -> None:
    assert "guests" in error_text(Reply(error={"code": -32602, "message": "bad", "data": {"field": "guests"}}))
    assert error_text(failed("no such table")) == "no such table"


@promise("refusals-are-read")
@given(
    st.text(max_size=200),
    st.dictionaries(st.text(max_size=8), st.one_of(st.none(), st.integers(), st.text(max_size=9)), max_size=3),
)
def test_any_text_is_read_without_fault_and_names_only_known_arguments(text: str, sent: dict[str, Any]) -> None:
    found = read(text, sent, ["guests"])
    assert {*found.named, *found.missing, *found.unexpected} <= {*sent, "guests"}
    assert set(found.missing).isdisjoint(sent)


@promise("silent-failures-are-seen")
@pytest.mark.parametrize(
    "value",
    [
        {"error": "no such station"},
        {"success": False, "error": "no such station"},
        {"ok": False, "message": "no such station"},
        {"status": "error", "message": "station is closed"},
        {"error": {"code": 404, "message": "no such station"}},
        {"errors": ["no such station"], "data": None},
        "Error: no such station",
        "API Error: quota used up",
        "Exception: division by zero",
        {"result": "Error: no such station"},
    ],
    ids=repr,
)
def test_success_with_an_error_inside_is_a_failure(value: Any) -> None:
    assert silent_failure(value, has_output_schema=False)


@promise("silent-failures-are-seen")
@pytest.mark.parametrize(
    "value",
    [
        [],
        {},
        "",
        None,
        0,
        False,
        {"results": []},
        {"results": [], "count": 0},
        {"items": [], "error": None},
        {"rain": 4, "errors": []},
        {"message": "no trains today"},
        {"message": "sent"},
        {"status": "ok", "message": "nothing to do"},
        {"level": "error", "lines": ["E1"]},
        {"error_rate": 0.2},
        {"trains": [{"id": 7}], "error": "one line is disturbed"},
        "no matches",
        "No errors found",
        "The error budget is 3 minutes",
        "errors.log\nmain.py",
    ],
    ids=repr,
)
def test_an_honest_result_is_no_failure(value: Any) -> None:
    assert silent_failure(value, has_output_schema=False) is None


@promise("refusals-are-read")
def test_what_is_missing_within_an_argument_is_not_said_of_the_argument() -> None:
    text = "Invalid input: expected string, received undefined at people[0].firstName"
    found = read(text, {"people": [{"first_name": "Ada"}]}, ["people"])
    assert found.wanted == {}
    assert found.named == ("people",)
