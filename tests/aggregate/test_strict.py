"""What is shown of servers that list things no strict client takes."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.aggregate.introduction import merged
from proxy.aggregate.strict import PROMPT, RESOURCE, TASK, TEMPLATE, TOOL, Shape, left_out, valid

SCHEMA = {"type": "object", "properties": {"a": {"type": "string", "pattern": "^x$"}}, "x-vendor": {"type": 5}}
SOUND: dict[str, tuple[Shape, dict[str, Any]]] = {
    "tool": (
        TOOL,
        {
            "name": "t", "title": "T", "description": "", "inputSchema": {"type": "object"}, "outputSchema": SCHEMA,
            "annotations": {"title": "T", "readOnlyHint": True, "x-vendor": None}, "x-vendor": [None],
            "icons": [{"src": "i", "sizes": ["any"]}], "execution": {"taskSupport": "optional"}, "_meta": {"x": None},
        },
    ),
    "resource": (
        RESOURCE,
        {
            "uri": "x://1", "name": "r", "mimeType": "text/plain", "size": 1.5,
            "annotations": {"audience": ["user"], "priority": 1, "lastModified": "2026-01-02T03:04:05+01:00"},
        },
    ),
    "template": (TEMPLATE, {"uriTemplate": "x://{a}", "name": "t"}),
    "prompt": (PROMPT, {"name": "p", "arguments": [{"name": "a", "required": False}]}),
    "task": (TASK, {"taskId": "1", "status": "working", "ttl": None, "createdAt": "", "lastUpdatedAt": ""}),
}  # fmt: skip


@pytest.mark.parametrize("kind", SOUND)
def test_a_sound_item_is_itself(kind: str) -> None:
    shape, item = SOUND[kind]
    assert valid(shape, item) is item
    assert left_out(item, item) == ()


@pytest.mark.parametrize(
    ("kind", "broken", "kept"),
    [
        ("tool", {"icons": None}, {}),
        ("tool", {"icons": [{"url": "x"}, {"src": "i"}]}, {"icons": [{"src": "i"}]}),
        ("tool", {"execution": {"taskSupport": "maybe", "x": 1}}, {"execution": {"x": 1}}),
        ("tool", {"annotations": {"readOnlyHint": "true", "title": "T"}}, {"annotations": {"title": "T"}}),
        ("tool", {"_meta": []}, {}),
        ("tool", {"description": None}, {}),
        ("resource", {"mimeType": 5}, {}),
        ("resource", {"annotations": {"priority": 7, "lastModified": "yesterday"}}, {"annotations": {}}),
        ("template", {"title": {}}, {}),
        ("prompt", {"arguments": None}, {}),
        (
            "prompt",
            {"arguments": [{"required": True}, {"name": "a", "required": "yes"}]},
            {"arguments": [{"name": "a"}]},
        ),
    ],
)
def test_the_smallest_invalid_part_is_left_out(kind: str, broken: dict[str, Any], kept: dict[str, Any]) -> None:
    shape, item = SOUND[kind]
    bare = {key: value for key, value in item.items() if key not in broken}
    shown = valid(shape, {**bare, **broken})
    assert shown == {**bare, **kept}
    assert left_out({**bare, **broken}, shown) == tuple(broken)


@pytest.mark.parametrize(
    "schema",
    [
        None,
        {"type": "object", "properties": {"a": {"type": "text"}}},
        {"type": "object", "properties": {"a": {"$ref": "#/nowhere"}}},
        {"type": "object", "properties": {"a": {"anyOf": [{"type": "string"}, None]}}},
        {"type": "object", "properties": {"a": {"pattern": "(?P<x>a)"}}},
        {"type": "object", "properties": []},
    ],
)
def test_a_schema_of_results_that_cannot_be_compiled_is_left_out(schema: Any) -> None:
    assert valid(TOOL, {"name": "t", "outputSchema": schema}) == {"name": "t"}


def test_a_schema_as_deep_as_one_likes_is_looked_at_without_harm() -> None:
    deep: dict[str, Any] = {}
    for _ in range(100_000):
        deep = {"items": deep}
    assert valid(TOOL, {"name": "t", "outputSchema": deep}) == {"name": "t"}


def test_references_within_a_schema_are_followed() -> None:
    schema = {
        "$defs": {"a/b": {"type": ["string", "null"]}},
        "items": [{"$ref": "#/$defs/a~1b"}, {"$ref": "#/items/0"}],
    }
    assert valid(TOOL, {"name": "t", "outputSchema": schema}) == {"name": "t", "outputSchema": schema}


@pytest.mark.parametrize("item", [{"name": 5}, {"uri": "x"}, {}, None, "p"])
def test_what_lacks_what_names_it_is_not_listed(item: Any) -> None:
    assert valid(PROMPT, item) is None


@pytest.mark.parametrize(
    ("said", "offered"),
    [
        ({"prompts": {"listChanged": "yes"}}, {"prompts": {}}),
        ({"resources": {"subscribe": 1, "listChanged": True}}, {"resources": {"listChanged": True}}),
        ({"experimental": {"x": True, "y": {"z": 1}}}, {"experimental": {"y": {"z": 1}}}),
        ({"extensions": {"x": 5}}, {"extensions": {}}),
        (
            {"tasks": {"list": True, "requests": {"tools": {"call": {}}}}},
            {"tasks": {"requests": {"tools": {"call": {}}}}},
        ),
        ({"logging": None, "vendor": 5, "completions": {}}, {"completions": {}}),
        ([], {}),
    ],
)
def test_what_a_server_says_it_can_is_offered_as_far_as_it_is_valid(said: Any, offered: dict[str, Any]) -> None:
    assert merged([said], modern=False) == {"tools": {"listChanged": True}, **offered}
