"""Of too many only as many as are allowed are asked for, and only where nothing can change."""

# pyright: basic
from __future__ import annotations

from typing import Any

import pytest

from tests.desks import Desk, done, repairs
from tests.fakes import INTEGER, NUMBER, STYLES, RefusedError, Server, Style
from tests.promises import promise

AT_MOST = {**INTEGER, "minimum": 1, "maximum": 50}


def herbarium(effect: str = "read", style: Style = "jsonschema", **schemas: Any) -> Server:
    return Server("herbarium", style).tool("blätter", lambda **given: given, effect, **schemas)


@promise("guess-only-where-nothing-changes")
@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", ["limit", "pageSize", "max_results", "per_page"])
async def test_the_maximum_of_the_schema_is_asked_for(style: Style, name: str) -> None:
    desk = Desk(herbarium(style=style, **{name: AT_MOST}))
    result = await desk.result("blätter", {name: 1000})
    assert [(repair["rule"], repair["confidence"]) for repair in repairs(result)] == [("bound", "guess")]
    assert done(desk.world, "blätter") == [{name: 50}]


@promise("guess-only-where-nothing-changes")
@pytest.mark.parametrize(
    "said", ["limit must be <= 50", "limit cannot exceed 50", "'limit': at most 50, got 80", "limit: out of range"]
)
async def test_the_bound_that_a_refusal_or_the_description_tells_is_asked_for(said: str) -> None:
    def blätter(limit: int) -> Any:
        if limit > 50:
            raise RefusedError(said)
        return {"limit": limit}

    about = {**INTEGER, "description": "how many (max 50)"}
    desk = Desk(Server("herbarium").tool("blätter", blätter, limit=about))
    await desk.result("blätter", {"limit": 80})
    assert done(desk.world, "blätter") == [{"limit": 50}]


@promise("guess-only-where-nothing-changes", "abstains")
@pytest.mark.parametrize("effect", ["write", "unknown"])
async def test_where_something_may_change_it_is_only_suggested(effect: str) -> None:
    desk = Desk(Server("bank").tool("auszahlen", lambda **given: given, effect, limit=AT_MOST))
    result = await desk.result("auszahlen", {"limit": 80})
    assert desk.world.done == []
    assert '{"limit": 50}' in result["content"][-1]["text"]


@promise("values-fit-their-schema", "abstains")
@pytest.mark.parametrize(
    ("schema", "name", "value"),
    [
        ({**NUMBER, "maximum": 90}, "latitude", 123.0),
        ({**INTEGER, "maximum": 31}, "day", 45),
        ({**INTEGER, "maximum": 12}, "page", 40),
        ({**INTEGER, "minimum": 10}, "limit", 3),
        ({**INTEGER, "exclusiveMaximum": 50}, "limit", 80),
    ],
)
async def test_any_other_number_out_of_bounds_stays(schema: dict[str, Any], name: str, value: Any) -> None:
    desk = Desk(herbarium(**{name: schema}))
    assert (await desk.result("blätter", {name: value}))["isError"]
    assert desk.world.done == []
