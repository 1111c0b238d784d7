"""Many tool lists become one catalog whose names every client accepts."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog_cache.merge import LONGEST, merge, public_name
from schemas.catalog import Effect
from schemas.config import ToolRules

SAFE = re.compile(r"[A-Za-z0-9_-]{1,64}")


def raw(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "inputSchema": {"type": "object"}, **more}


@pytest.mark.parametrize(
    ("server", "tool", "public"),
    [
        ("time", "get_current_time", "time__get_current_time"),
        ("a", "_b", "a___b"),
        ("my-server", "x-y", "my-server__x-y"),
    ],
)
def test_a_plain_name_is_server_and_tool(server: str, tool: str, public: str) -> None:
    assert public_name(server, tool) == public


@pytest.mark.parametrize(
    ("server", "tool"), [("a", "b.c"), ("a_", "b"), ("a__b", "c"), ("s" * 40, "t" * 40), ("é", "x")]
)
def test_a_name_that_cannot_stand_keeps_a_readable_head_and_ends_in_a_digest(server: str, tool: str) -> None:
    public = public_name(server, tool)
    assert SAFE.fullmatch(public)
    assert re.search(r"_[0-9a-f]{8}$", public)
    assert public.startswith(re.sub(r"[^A-Za-z0-9_-]", "_", server)[:30])


@given(st.text(min_size=1), st.text(min_size=1))
def test_every_name_is_safe_and_short(server: str, tool: str) -> None:
    assert SAFE.fullmatch(public_name(server, tool))


@given(
    st.lists(st.tuples(st.text("ab_", min_size=1, max_size=5), st.text("ab_.", min_size=1, max_size=5)), unique=True)
)
def test_different_tools_have_different_names(pairs: list[tuple[str, str]]) -> None:
    assert len({public_name(*pair) for pair in pairs}) == len(pairs)


def test_a_name_does_not_depend_on_the_neighbours() -> None:
    alone = merge({"a": [raw("x" * 80)]}).tools[0].public
    among = merge({"b": [raw("x" * 80)], "a": [raw("x" * 80)]}).origin("a", "x" * 80)
    assert among is not None
    assert among.public == alone
    assert len(alone) == LONGEST


def test_the_raw_object_stays_the_same_object() -> None:
    mine = raw("t", vendor={"x": None})
    assert merge({"s": [mine]}).tools[0].raw is mine


def test_nameless_and_repeated_tools_are_left_out() -> None:
    catalog = merge({"s": [raw("t", description="first"), raw("t"), {"inputSchema": {}}, {"name": 3}]})
    assert [tool.raw.get("description") for tool in catalog] == ["first"]


def test_rules_hide_tools_and_set_effects() -> None:
    rules = ToolRules(
        include=["get_*", "del"], exclude=["get_secret"], effects={"get_*": Effect.READ, "get_x": Effect.WRITE}
    )
    catalog = merge({"s": [raw(name) for name in ("get_a", "get_secret", "get_x", "del", "other")]}, {"s": rules})
    assert {tool.name: tool.effect for tool in catalog} == {
        "get_a": Effect.READ,
        "get_x": Effect.WRITE,
        "del": Effect.UNKNOWN,
    }


def test_tools_of_a_server_that_is_down_are_stale() -> None:
    catalog = merge({"up": [raw("a")], "down": [raw("b")]}, stale=frozenset({"down"}))
    assert {tool.name: tool.stale for tool in catalog} == {"a": False, "b": True}
