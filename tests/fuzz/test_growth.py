"""Work grows no faster than what it is done on: long texts, deep schemas, wide plans, values that double."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.aggregate.addresses import pattern_of
from proxy.repair.read.diagnose import diagnose
from proxy.repair.read.refusal import read
from proxy.repair.search.propose import repairs
from proxy.repair.view.schema import breaches
from proxy.repair.view.step import Evidence
from schemas.catalog import Tool, catalog_of
from schemas.plan import Plan, Step
from tests.fakes import TEXT, Server, carried_out, world
from tests.fuzz.targets import bounded
from tests.promises import promise

pytestmark = promise("foreign-text-is-bounded")

LONG = 30_000
SOON = 5
"""Seconds: all of this takes milliseconds where it is linear, and minutes where it is not."""
UNITS = (
    *("one of ", " ", "a", "0f", "a.b.", "'", '"', "`", "'a' ", "a,", "a or ", "[", "{", "(", "\\", "\n", "\n  a\n"),
    *("must be ", "[type=", "input_value=", "1 validation error for x\n", '{"path":["', "did you mean '", "é", "件"),
    *("= ", "\t", "unknown ", "argument: ", "a_", "9", "9,", "2026-", "<", "{{", "/", "http://", "\u0301", "a: ", "-"),
)


@pytest.mark.parametrize("unit", UNITS)
def test_an_error_text_of_thirty_thousand_characters_is_read_at_once(unit: str) -> None:
    text = (unit * LONG)[:LONG]
    arguments = {"a": "a", "text": text[:5000], "n": 5, "list": ["a"]}
    with bounded(SOON):
        for said in (text, f"Input validation error: {text}", f"{text} is required", f"one of {text}", f"a {text}!"):
            read(said, arguments, ["a", "text", "other_name"])


@pytest.mark.parametrize("pattern", ["^(a+)+$", "^(a|aa)+$", "(a*)*b", "^(([a-z])+.)+[A-Z]([a-z])+$", "(x+x+)+y"])
def test_a_pattern_that_runs_away_is_stopped(pattern: str) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string", "pattern": pattern}}}
    with bounded(SOON):
        breaches(schema, {"a": "a" * 60 + "!"})
        breaches(schema, {"a": "x" * 60 + "!"})
        called(schema, {"a": "a" * 60 + "!"})


@pytest.mark.parametrize("mark", ["x", "-", "/", "{x}", "+"])
def test_an_address_is_held_against_a_template_at_once(mark: str) -> None:
    for hole in ("{%s}", "{+%s}", "{/%s*}"):
        template = "a://" + mark.join(hole % letter for letter in "abcdefghij") + "/z"
        with bounded(SOON):
            pattern_of(template).fullmatch("a://" + mark * LONG)
            pattern_of(template).fullmatch("a://" + "/" * LONG + mark)


def called(schema: Any, arguments: Any) -> None:
    tool = Tool("s", "t", "s__t", {"name": "t", "inputSchema": schema})
    plan, evidence = Plan((Step("call", "t", arguments, "s"),)), Evidence(catalog_of([tool]), single=True)
    diagnose(plan, evidence)
    repairs(plan, "call", evidence)


def nested(depth: int, key: str) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(depth):
        schema = {"type": "object", "properties": {"a": schema}} if key == "properties" else {key: [schema, schema]}
    return schema


@pytest.mark.parametrize("key", ["properties", "anyOf", "allOf", "oneOf"])
@pytest.mark.parametrize("depth", [10, 400])
def test_a_deep_schema_is_looked_at_in_bounded_time(key: str, depth: int) -> None:
    """Each level of `anyOf` holds the level below twice, as one object: the tree is far larger than the text."""
    schema = {"type": "object", "properties": {"a": nested(depth if key == "properties" else min(depth, 18), key)}}
    with bounded(SOON):
        called(schema, {"a": 5})
        called(schema, {"b": 5})


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"properties": {"a": {"$ref": "#/properties/a"}}},
        {"$defs": {"x": {"$ref": "#/$defs/y"}, "y": {"$ref": "#/$defs/x"}}, "properties": {"a": {"$ref": "#/$defs/x"}}},
        {"properties": {"a": {"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}}},
        {"properties": {"a": {"$ref": "file:///etc/hostname"}}},
        {"properties": {"a": {"$ref": "http://127.0.0.1:9/x.json"}}},
        {"$id": "http://127.0.0.1:9/", "properties": {"a": {"$ref": "x.json#/y"}}},
        {"$dynamicRef": "#x", "properties": {"a": {"$recursiveRef": "#"}}},
    ],
)
def test_a_schema_that_refers_to_itself_or_away_is_looked_at_and_loads_nothing(schema: dict[str, Any]) -> None:
    with bounded(SOON):
        called(schema, {"a": {"a": {"a": 5}}})
        called(schema, {"A": "x"})


def test_a_call_with_a_thousand_arguments_is_looked_at_in_bounded_time() -> None:
    schema = {"type": "object", "properties": {f"name_{n}": {"type": "integer"} for n in range(1000)}}
    with bounded(SOON):
        called({**schema, "required": list(schema["properties"])}, {f"nmae_{n}": str(n) for n in range(1000)})


async def test_a_text_that_doubles_at_every_step_is_bounded() -> None:
    """What a plan makes of its results is bounded, and the report says so where it was cut off."""
    server = Server("desk").tool("say", lambda text: {"text": text}, "read", text=TEXT)
    steps = [{"id": "s0", "tool": "say", "arguments": {"text": "x" * 100}}]
    steps += [
        {"id": f"s{n}", "tool": "say", "arguments": {"text": f"{{{{s{n - 1}.text}}}}{{{{s{n - 1}.text}}}}"}}
        for n in range(1, 24)
    ]
    where = world(server)
    report = await carried_out(where, {"steps": steps})
    assert len(report.model_dump_json()) < 16_000_000
    assert max(len(json.dumps(arguments)) for _, _, arguments in where.sent) < 8_000_000
    assert report.status == "failed"
    assert report.problems[0].message
