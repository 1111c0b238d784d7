"""One tool with a broken schema does not cost a strict client every other tool."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp.types import Tool

from catalog_cache.shown import listed
from tests.promises import promise

ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "properties", "x"]), inner),
    max_leaves=6,
)
SCHEMA = ANY | st.fixed_dictionaries(
    {}, optional={"type": st.sampled_from(["object", "string", None]), "properties": ANY, "required": ANY, "anyOf": ANY}
)
PART = {"type": "string"}


@promise("one-tool-spoils-no-list")
@pytest.mark.parametrize(
    ("schema", "shown"),
    [
        (None, {"type": "object"}),
        ({}, {"type": "object"}),
        ([], {"type": "object"}),
        ({"type": "object", "required": None}, {"type": "object"}),
        ({"type": "string"}, {"type": "object"}),
        ({"anyOf": [{"required": ["a"]}]}, {"type": "object", "anyOf": [{"required": ["a"]}]}),
        ({"required": ["a", 7]}, {"type": "object", "required": ["a"]}),
        ({"properties": {"a": None, "b": PART}}, {"type": "object", "properties": {"a": {}, "b": PART}}),
        ({"properties": {"a": False}}, {"type": "object", "properties": {"a": {"not": {}}}}),
    ],
)
def test_what_is_valid_of_a_schema_stands_in_its_place(schema: Any, shown: Any) -> None:
    raw = {"name": "t", "inputSchema": schema, "x-vendor": 1}
    before = copy.deepcopy(raw)
    assert listed(raw, "s__t") == ({"name": "s__t", "inputSchema": shown, "x-vendor": 1}, ("inputSchema",))
    assert raw == before


@promise("one-tool-spoils-no-list")
def test_a_sound_tool_is_listed_as_it_is() -> None:
    raw = {"name": "t", "inputSchema": {"type": "object", "properties": {"a": PART}, "required": []}, "x": None}
    shown, exchanged = listed(raw, "t")
    assert shown == raw
    assert shown["inputSchema"] is raw["inputSchema"]
    assert exchanged == ()


@promise("one-tool-spoils-no-list")
@given(SCHEMA, SCHEMA, ANY)
def test_any_tool_is_taken_by_the_official_client(schema: Any, output: Any, described: Any) -> None:
    raw = {"name": "t", "description": described, "inputSchema": schema, "outputSchema": output}
    shown, _ = listed(raw, "s__t")
    tool = Tool.model_validate(shown)
    assert tool.input_schema["type"] == "object"
    assert all(isinstance(part, dict) for part in tool.input_schema.get("properties", {}).values())
