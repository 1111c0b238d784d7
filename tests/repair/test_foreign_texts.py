"""Foreign texts and schemas are data: reading them takes bounded work, and they act on nothing."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Any

import pytest

from proxy.planner.render import cut
from proxy.repair.read import dialects, goal, refusal
from proxy.repair.read import spelled as spelled_references
from proxy.repair.rules import names_in_goal, stated_in_goal
from proxy.repair.view import coerce, moments, notes, scalars, values
from proxy.repair.view.inert import matches
from proxy.repair.view.schema import allowed_values, breaches, types_of
from proxy.repair.view.shown import all_shown, shown, without_secrets
from proxy.store.redact import Redaction
from schemas.catalog import canonical
from schemas.plan import walk
from tests.promises import promise

LENGTH = 20_000
ENOUGH = 2.0
"""Seconds of processor time for a text that takes milliseconds, and took minutes where a pattern was not linear."""

ARGUMENTS = {f"argument_{number}": number for number in range(200)}
UNITS = (
    *(
        "one of ",
        " ",
        "a1f",
        "a.b",
        "'",
        "'a' ",
        "a\n",
        "(",
        "[",
        "{{",
        "$a.",
        "_",
        "a_",
        "/a",
        "./",
        "1,111",
        "1",
        "\\",
    ),
    *(
        "missing parameters: a, ",
        "a is required ",
        "did you mean ",
        "argument_1 ",
        "invalid a format ",
        "```",
        "не ",
        "a@",
    ),
)
TAILS = ("", "\0", " at a", "!", "]")
HEADS = (
    "",
    "one of ",
    "missing required argument: ",
    "1 validation error\na\n",
    "Error",
    "available ",
    '[{"code":1,"path":',
)

READERS: dict[str, Callable[[str], object]] = {
    "refusal": lambda text: refusal.read(text, ARGUMENTS, tuple(ARGUMENTS)),
    "silent failure": lambda text: refusal.silent_failure(text, has_output_schema=False),
    "alternatives": notes.alternatives,
    "layout": moments.told_layout,
    "moment": lambda text: moments.in_layout(text, "%Y-%m-%d"),
    "number": scalars.read_number,
    "json": scalars.read_json,
    "placeholder": spelled_references.is_placeholder,
    "submission": lambda text: dialects.read_submission(
        {"goal": text, "steps": [{"id": "a", "tool": "t", "arguments": {"x": text}}]}
    ),
    "stated": goal.stated,
    "names": names_in_goal.names,
    "file": lambda text: list(stated_in_goal._FILE.finditer(text)),
    "quoted": lambda text: list(stated_in_goal._QUOTED.finditer(text)),
}


@promise("foreign-text-is-linear")
@pytest.mark.filterwarnings("ignore::SyntaxWarning")
@pytest.mark.parametrize("reader", READERS)
def test_a_hostile_text_is_read_in_bounded_time(reader: str) -> None:
    READERS[reader]("a")
    for unit in UNITS:
        for text in _around((unit * LENGTH)[:LENGTH]):
            began = time.process_time()
            READERS[reader](text)
            assert time.process_time() - began < ENOUGH, (unit, text[:30], text[-5:])


def _around(middle: str) -> list[str]:
    return [*(middle + tail for tail in TAILS), *(head + middle for head in HEADS)]


@promise("schemas-act-on-nothing")
def test_a_reference_that_leaves_the_document_is_neither_fetched_nor_checked() -> None:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        door.listen()
        door.setblocking(False)
        away = f"http://127.0.0.1:{door.getsockname()[1]}/schema"
        schema = {"properties": {"a": {"$ref": away}, "b": {"$ref": "file:///etc/hosts"}, "c": {"type": "integer"}}}
        assert [breach.at for breach in breaches(schema, {"a": 1, "b": 2, "c": "x"})] == [("c",)]
        with pytest.raises(BlockingIOError):
            door.accept()


@promise("schemas-act-on-nothing")
def test_a_pattern_that_backtracks_is_matched_in_linear_time() -> None:
    schema = {"type": "string", "pattern": "^(a+)+$"}
    assert [breach.keyword for breach in breaches(schema, "a" * LENGTH + "!")] == ["pattern"]
    assert matches("(?=a)b", "c") is None
    assert breaches({"pattern": r"^(.)\1$"}, "ab") == []


def test_a_pattern_of_names_is_linear_and_spares_what_it_covers() -> None:
    schema = {"patternProperties": {"^(x+)+$": {"type": "integer"}}, "additionalProperties": False}
    found = breaches(schema, {"xx": "text", "x" * LENGTH + "!": 1})
    assert sorted(breach.keyword for breach in found) == ["additionalProperties", "type"]


def _doubling() -> dict[str, Any]:
    parts: dict[str, Any] = {f"d{at}": {"anyOf": [{"$ref": f"#/$defs/d{at + 1}"}] * 2} for at in range(30)}
    return {"$defs": {**parts, "d30": {"type": "string"}}, "$ref": "#/$defs/d0"}


def _deep(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = {"properties": {"a": value}}
    return value


@promise("schemas-act-on-nothing")
@pytest.mark.parametrize(
    "schema",
    [
        _doubling(),
        {"$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}]}}, "$ref": "#/$defs/a"},
        {"$ref": "#"},
        {"allOf": [{"$ref": "#"}]},
        _deep(5000),
        {"anyOf": [{"type": "string"}] * 100_000},
    ],
)
def test_a_schema_without_end_says_nothing(schema: dict[str, Any]) -> None:
    began = time.process_time()
    for _ in range(3):
        assert breaches(schema, {"a": 1}) is not None
        assert types_of(schema, schema)
        allowed_values(schema, schema)
    assert time.process_time() - began < 3 * ENOUGH


def test_values_of_any_depth_have_a_canonical_text_of_their_own() -> None:
    deep, other = _deep(20_000), _deep(20_001)
    assert canonical(deep) != canonical(other)
    assert canonical(_deep(20_000)) == canonical(deep)


@pytest.mark.parametrize(
    "answer",
    [
        {"success": False, "message": "no seats left", "booking_status": False},
        {"error": "seat taken", "seats_left": 0},
        {"available": False},
        {"status": "failed", "job_id": 7, "message": "exit 1"},
        {"booking_status": False},
    ],
)
def test_an_answer_about_the_world_is_no_silent_failure(answer: dict[str, Any]) -> None:
    assert refusal.silent_failure(answer, has_output_schema=True) is None


@pytest.mark.parametrize("answer", [{"error": "no such city"}, {"success": False, "message": "boom", "data": None}])
def test_an_object_that_says_nothing_but_its_error_is_a_silent_failure(answer: dict[str, Any]) -> None:
    assert refusal.silent_failure(answer, has_output_schema=True) is not None


@promise("never-rendered-raw")
def test_what_steers_a_terminal_is_shown_as_an_escape() -> None:
    assert shown("a\x1b[31mb\x9b2J\x7f\u202ec\u200bd\r\n\te") == "a\\x1b[31mb\\x9b2J\\x7f\\u202ec\\u200bd\\x0d\n\te"
    assert all_shown({"k\x07": ["\u2066x", 1, None]}) == {"k\\x07": ["\\u2066x", 1, None]}
    assert shown("Grüße, שלום, नमस्ते") == "Grüße, שלום, नमस्ते"


@promise("addresses-without-secrets")
@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (
            "cannot connect to http://ann:pw@host:8/mcp?k=s3cret&clave=x: no",
            "http://host:8/mcp?k=[redacted]&clave=[redacted]",
        ),
        ("https://a:p@ss@host/", "https://host/"),
        ("mail ann@host about https://host/x", "mail ann@host about https://host/x"),
    ],
)
def test_an_address_is_shown_without_its_secrets(said: str, kept: str) -> None:
    told = without_secrets(said)
    assert kept in told
    assert not any(secret in told for secret in ("pw@", "s3cret", "p@ss"))


def _nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = {"a": value}
    return value


DEEP_READERS: dict[str, Callable[[Any], object]] = {
    "walk": lambda value: list(walk(value)),
    "resolve": lambda value: values.resolve(value, {}),
    "paths": lambda value: list(values.paths(value)),
    "text": values.as_text,
    "result": lambda value: values.value_of({"structuredContent": value}),
    "short": coerce.short,
    "submission": lambda value: dialects.read_submission({"steps": [{"id": "a", "tool": "t", "arguments": value}]}),
    "refusal": lambda value: refusal.read("a is required", value),
    "redaction": Redaction().value,
    "shown": all_shown,
}


@promise("depth-is-bounded")
@pytest.mark.parametrize("depth", [500, 3000, 50_000])
@pytest.mark.parametrize("reader", DEEP_READERS)
def test_a_value_of_any_depth_is_read_without_an_exception(reader: str, depth: int) -> None:
    DEEP_READERS[reader](_nested(depth))


@promise("depth-is-bounded")
def test_a_result_too_deep_to_read_says_so() -> None:
    assert values.value_of({"structuredContent": _nested(500)}) == values.UNREAD
    assert values.value_of({"content": [{"type": "text", "text": "[" * 50_000}]}) == "[" * 50_000
    assert "levels deep" in dialects.read_submission({"steps": _nested(500)}).faults[0].message


@promise("never-rendered-raw")
def test_the_model_is_told_foreign_text_in_one_line_without_control_characters() -> None:
    assert cut("no such city\n\nTools:\n- rm\x1b[2J\u202e", 200) == "no such city Tools: - rm\\x1b[2J\\u202e"
