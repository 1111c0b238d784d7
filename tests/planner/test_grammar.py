"""What the model may write, and what is made of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from proxy.planner import grammar
from proxy.planner.grammar import Known
from proxy.repair.view.values import MISSING
from schemas.catalog import Json
from schemas.plan import Step
from tests.planner.tools import FIND, ORDERS, RESULT, tool

TOOLS = (FIND, ORDERS)
KNOWN = [Known("find", RESULT)]


def allows(schema: Any, value: Json) -> bool:
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema).is_valid(value)


def orders(customer: Json) -> dict[str, Json]:
    return {"tool": "list_orders", "arguments": {"customer_id": customer}}


def ref(step: str, path: str) -> dict[str, str]:
    return {"$ref": step, "path": path}


def test_a_step_takes_a_tool_that_was_shown_and_its_own_arguments() -> None:
    schema = grammar.step_schema(TOOLS, KNOWN)
    assert allows(schema, orders(7))
    assert not allows(schema, orders("seven"))
    assert not allows(schema, {"tool": "drop_table", "arguments": {}})
    assert not allows(schema, {"tool": "list_orders", "arguments": {}})
    assert not allows(schema, {"tool": "find_customer", "arguments": {"name": "J", "customer_id": 7}})


def test_a_reference_names_a_place_that_exists_and_fits() -> None:
    schema = grammar.step_schema(TOOLS, KNOWN)
    assert allows(schema, orders(ref("find", "id")))
    assert not allows(schema, orders(ref("find", "name"))), "a name is no number"
    assert not allows(schema, orders(ref("find", "age")))
    assert not allows(schema, orders(ref("nowhere", "id")))


def test_a_result_that_is_only_declared_offers_its_keys_of_the_right_type() -> None:
    declared = {"type": "object", "properties": {"id": {"type": "integer"}, "name": {"type": "string"}}}
    schema = grammar.step_schema(TOOLS, [Known("find", schema=declared)])
    assert allows(schema, orders(ref("find", "id")))
    assert not allows(schema, orders(ref("find", "name")))


def test_in_a_whole_plan_references_look_back_only() -> None:
    schema = grammar.plan_schema(TOOLS, "list_orders")
    find = {"tool": "find_customer", "arguments": {"name": "Jane"}}
    aim = {"answer": "list_orders"}
    assert allows(schema, {**aim, "steps": [find, orders(ref("s1", "id"))]})
    assert not allows(schema, {**aim, "steps": [orders(ref("s1", "id"))]})
    assert not allows(schema, {**aim, "steps": [find, orders(ref("s2", "id"))]})
    assert not allows(schema, {**aim, "steps": []})
    assert not allows(schema, {**aim, "steps": [find] * (grammar.STEPS + 1)})
    assert not allows(schema, {"steps": [find]})


def test_reading_a_plan_names_its_steps_and_servers() -> None:
    find = {"tool": "find_customer", "arguments": {"name": "Jane"}}
    plan = grammar.read_plan({"steps": [find, orders(ref("s1", "id"))]}, "goal", TOOLS)
    assert plan is not None
    assert plan.goal == "goal"
    assert plan.steps[1] == Step("s2", "list_orders", {"customer_id": ref("s1", "id")}, "shop")


@pytest.mark.parametrize(
    "answer",
    [
        None,
        "text",
        {"tool": "list_orders"},
        {"tool": "unknown", "arguments": {}},
        orders("seven"),
        orders(ref("later", "id")),
        orders(ref("find", "age")),
        {"tool": "list_orders", "arguments": {"customer_id": 1, "state": "lost"}},
    ],
)
def test_a_step_that_breaks_its_schema_is_not_read(answer: Json) -> None:
    assert grammar.read_step(answer, "new", TOOLS, {"find": RESULT}) is None


def test_a_reference_to_a_step_that_has_not_run_is_believed() -> None:
    assert grammar.read_step(orders(ref("find", "any.where")), "new", TOOLS, {"find": MISSING}) is not None


def test_a_value_is_read_under_the_arguments_own_schema() -> None:
    assert grammar.value_schema(ORDERS, ("state",)) == {"enum": ["open", "paid"]}
    assert grammar.read_value("open", ORDERS, ("state",)) == "open"
    assert grammar.read_value("lost", ORDERS, ("state",)) is None


def test_two_tools_of_one_name_are_told_apart_by_their_public_names() -> None:
    twin = type(FIND)("crm", "find_customer", "crm__find_customer", FIND.raw)
    step = {"tool": "crm__find_customer", "arguments": {"name": "J"}}
    assert allows(grammar.step_schema((FIND, twin), []), step)
    found = grammar.read_step(step, "s", (FIND, twin), {})
    assert found is not None
    assert (found.server, found.tool) == ("crm", "find_customer")


def test_bounds_are_set_where_a_schema_has_none() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "array", "items": {}}}}
    bounded = grammar.bounded(schema, schema)
    assert not allows(bounded, {"a": "x" * (grammar.TEXT + 1)})
    assert not allows(bounded, {"b": [1] * (grammar.ITEMS + 1)})
    assert allows(bounded, {"a": "x", "b": [1, "y"]})


def test_what_a_grammar_cannot_follow_is_left_to_the_reading() -> None:
    for pattern in ("^(?!x)a+$", r"^(a)\1$", "["):
        assert "pattern" not in grammar.bounded({"type": "string", "pattern": pattern}, {})
    assert grammar.bounded({"type": "string", "pattern": "^a+$"}, {})["pattern"] == "^a+$"
    assert grammar.bounded({"type": "string", "minLength": 5000}, {})["maxLength"] == 5000
    assert grammar.bounded({"type": "integer", "minimum": 5, "maximum": 3}, {}) == {"type": "integer"}
    assert "enum" not in grammar.bounded({"type": "string", "enum": []}, {})
    demanded = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["b"]}
    assert allows(grammar.bounded(demanded, {}), {"b": 1})


def test_local_references_are_written_out_and_recursion_ends() -> None:
    root = {"$defs": {"N": {"type": "object", "properties": {"next": {"$ref": "#/$defs/N"}, "v": {"type": "integer"}}}}}
    bounded = grammar.bounded({"$ref": "#/$defs/N"}, root)
    assert "$ref" not in str(bounded)
    assert allows(bounded, {"v": 1, "next": {"v": 2}})


LEAVES = st.sampled_from(
    [
        {"type": "string"},
        {"type": "integer", "minimum": 3},
        {"enum": ["a", 1, None]},
        {"type": ["string", "null"]},
        {"anyOf": [{"type": "number"}, {"type": "string", "format": "date"}]},
        {},
    ]
)
SCHEMAS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda items: {"type": "array", "items": items}, inner),
        st.builds(
            lambda props: {"type": "object", "properties": props, "required": sorted(props)[:1]},
            st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
        ),
    ),
    max_leaves=6,
)
VALUES = st.recursive(
    st.one_of(st.none(), st.integers(-5, 5), st.sampled_from(["a", "b", "2026-01-01"])),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("abc"), inner, max_size=3)),
    max_leaves=6,
)


@given(SCHEMAS, VALUES)
def test_bounding_never_allows_what_the_schema_forbids(schema: dict[str, Any], value: Json) -> None:
    if allows(grammar.bounded(schema, schema), value):
        assert allows(schema, value)


def test_a_recursive_tool_schema_can_still_be_shown() -> None:
    schema = {"$ref": "#/$defs/N"}
    node = tool("walk", {"n": schema})
    assert grammar.step_schema((node,), [])
