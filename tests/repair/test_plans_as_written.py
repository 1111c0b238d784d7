"""How plans are read: dialects, references, tool spellings, order; and which text stays literal."""

# pyright: basic
from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.repair.read.dialects import normalise_tools, read_submission
from proxy.repair.view.order import final_steps, order
from proxy.repair.view.values import MISSING, at, resolve, value_of
from schemas.plan import Plan, Ref, Step
from tests.fakes import TEXT, Server, World, world
from tests.promises import promise


def weather() -> World:
    near = Server("weather").tool("forecast", lambda place: {"rain": 3}, place=TEXT)
    near.tool("stations", lambda: {"stations": []}).tool("raise_alarm", lambda text: {}, "write", text=TEXT)
    sea = (
        Server("sea").tool("forecast", lambda place: {"waves": 1}, place=TEXT).tool("tide", lambda port: {}, port=TEXT)
    )
    sea.tool("alert_ships", lambda text: {}, "unknown", text=TEXT).tool("depths", dict, "unknown")
    return world(near, sea)


def step(
    name: str, tool: str = "forecast", server: str = "weather", after: tuple[str, ...] = (), **arguments: Any
) -> Step:
    return Step(name, tool, arguments, server, after)


# references


@promise("refs-resolve")
@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("", {"days": [{"rain": 3}, {"rain": 8}], "a.b": 1, "": 7, "x/y": 2}),
        ("days.0.rain", 3),
        ("days.-1.rain", 8),
        ("days[1].rain", 8),
        ("/days/1/rain", 8),
        ("/x~1y", 2),
        ("a.b", 1),
        ("days.*.rain", [3, 8]),
        ("days.2", MISSING),
        ("days.0.snow", MISSING),
        ("days.first", MISSING),
    ],
)
def test_a_path_is_dots_or_a_json_pointer(path: str, wanted: Any) -> None:
    value = {"days": [{"rain": 3}, {"rain": 8}], "a.b": 1, "": 7, "x/y": 2}
    assert at(value, path) == wanted


@promise("refs-resolve")
@pytest.mark.parametrize(
    ("result", "wanted"),
    [
        ({"structuredContent": {"rain": 3}, "content": [{"type": "text", "text": '{"rain": 4}'}]}, {"rain": 3}),
        ({"content": [{"type": "text", "text": '{"rain": 4}'}]}, {"rain": 4}),
        ({"content": [{"type": "text", "text": "rain, 4 mm"}]}, "rain, 4 mm"),
        ({"content": [{"type": "text", "text": "a"}, {"type": "image"}, {"type": "text", "text": "b"}]}, "a\nb"),
        ({"content": []}, ""),
        ({}, ""),
    ],
)
def test_a_reference_sees_structured_content_else_json_else_text(result: dict[str, Any], wanted: Any) -> None:
    assert value_of(result) == wanted


@promise("refs-resolve")
def test_references_are_filled_in_at_any_depth() -> None:
    known = {"a": {"n": 4}, "b": [1, 2]}
    written = {"x": [{"$ref": "a", "path": "n"}, {"deep": {"$ref": "b", "path": "-1"}}], "y": {"$ref": "b"}}
    assert resolve(written, known) == ({"x": [4, {"deep": 2}], "y": [1, 2]}, [])


@promise("refs-resolve")
def test_a_reference_that_leads_nowhere_is_told_with_its_place() -> None:
    _, missing = resolve({"x": [1, {"$ref": "a", "path": "m"}], "y": {"$ref": "b"}}, {"a": {"n": 4}, "b": MISSING})
    assert [(each.at, each.ref, each.ran) for each in missing] == [
        (("x", 1), Ref("a", "m"), True),
        (("y",), Ref("b"), False),
    ]


@promise("literals-stay-literal")
@pytest.mark.parametrize(
    "value",
    [
        "$4",
        "$4.50",
        "$HOME/notes",
        "$nobody.path",
        "#E1",
        "costs $a lot",
        "{{nobody.path}}",
        "{{ }}",
        "a",
        {"$ref": "#/$defs/Place"},
        {"$ref": "https://example.org/schema"},
        {"$ref": "a", "path": "x", "default": 1},
        {"$ref": 3},
        {"$ref": ""},
        {"ref": "a"},
    ],
    ids=repr,
)
def test_what_only_looks_like_a_reference_stays(value: Any) -> None:
    submitted = read_submission(
        {"steps": [{"id": "a", "tool": "t", "arguments": {}}, {"id": "b", "tool": "t", "arguments": {"v": value}}]}
    )
    assert submitted.plan is not None
    assert submitted.normalised == ()
    assert submitted.plan.steps[1].arguments == {"v": value}
    assert resolve(submitted.plan.steps[1].arguments, {"a": 1, "b": MISSING}) == ({"v": value}, [])


@promise("interpolation-is-grounded")
def test_references_inside_a_text_are_written_into_it() -> None:
    known = {"w": {"kg": 70.5, "tags": ["a"], "name": "Ada"}, "n": {"result": 4}}
    text, missing = resolve("{{w.name}} weighs {{ w.kg }} kg {{w.tags}}, {{n}} of {{nobody.x}}", known)
    assert (text, missing) == ('Ada weighs 70.5 kg ["a"], 4 of {{nobody.x}}', [])


# dialects


@promise("dialects-are-spelling")
@pytest.mark.parametrize(
    ("written", "rule"),
    [
        ("$a.days.0", "reference"),
        ("{{a.days.0}}", "reference"),
        ("{{ a.days[0] }}", "reference"),
        ("$a.days[0]$", "reference"),
        ("${a.days[0]}", "reference"),
        ({"$ref": "a.days.0"}, "reference"),
    ],
    ids=repr,
)
def test_other_spellings_of_a_reference_are_read(written: Any, rule: str) -> None:
    steps = [{"id": "a", "tool": "t", "arguments": {}}, {"id": "b", "tool": "t", "arguments": {"v": [written]}}]
    submitted = read_submission({"steps": steps})
    assert submitted.plan is not None
    assert submitted.plan.steps[1].arguments == {"v": [{"$ref": "a", "path": "days.0"}]}
    assert [(note.step, note.before, note.rule) for note in submitted.normalised] == [("b", written, rule)]


@promise("dialects-are-spelling")
@pytest.mark.parametrize(("ids", "text"), [(("E1", "E2"), "#E1"), ((1, 2), "$1"), (("1", "2"), "$1")])
def test_numbered_references_count_only_in_a_plan_that_speaks_so(ids: tuple[Any, Any], text: str) -> None:
    def read(first: Any, second: Any) -> Any:
        steps = [{"id": first, "tool": "t", "args": {}}, {"id": second, "tool": "t", "args": {"v": text}}]
        plan = read_submission({"steps": steps}).plan
        assert plan is not None
        return plan.steps[1].arguments["v"]

    assert read(*ids) == {"$ref": str(ids[0]), "path": ""}
    assert read(ids[0], "other") == text


@promise("dialects-are-spelling")
@pytest.mark.parametrize("tool_key", ["name", "tool", "function"])
@pytest.mark.parametrize("arguments_key", ["args", "params", "parameters", "input", "arguments"])
@pytest.mark.parametrize("after_key", ["requires", "depends_on", "dependencies", "after"])
def test_other_keys_of_a_step_are_read(tool_key: str, arguments_key: str, after_key: str) -> None:
    written = {"id": "b", tool_key: "tide", arguments_key: {"port": "Oslo"}, after_key: ["a"]}
    submitted = read_submission({"steps": [{"id": "a", "tool": "depths", "arguments": {}}, written]})
    assert submitted.plan is not None
    assert submitted.plan.steps[1] == Step("b", "tide", {"port": "Oslo"}, after=("a",))
    odd = {tool_key, arguments_key, after_key} - {"tool", "arguments", "after"}
    assert {note.before for note in submitted.normalised} == odd
    assert submitted.faults == ()


@promise("dialects-are-spelling")
def test_a_bare_list_and_tool_calls_of_a_chat_completion_are_plans() -> None:
    function = {"name": "tide", "arguments": '{"port": "Oslo"}'}
    calls = [{"id": "call_1", "type": "function", "function": function}]
    for written in (calls, {"tool_calls": calls}):
        submitted = read_submission(written)
        assert submitted.plan is not None
        assert submitted.plan.steps == (Step("call_1", "tide", {"port": "Oslo"}),)
        assert submitted.normalised
        assert not submitted.faults


@promise("dialects-are-spelling")
@pytest.mark.parametrize("spelling", ["tide", "sea__tide", "sea.tide", "sea:tide", "sea/tide", "mcp__sea__tide"])
def test_any_spelling_that_means_one_tool_is_accepted(spelling: str) -> None:
    plan, notes = normalise_tools(Plan((Step("a", spelling, {"port": "Oslo"}),)), weather().catalog)
    assert (plan.steps[0].server, plan.steps[0].tool) == ("sea", "tide")
    assert [note.rule for note in notes] == ([] if spelling in ("tide", "sea__tide") else ["tool_name"])


@promise("dialects-are-spelling")
def test_a_name_that_two_servers_share_needs_its_server() -> None:
    plan, _ = normalise_tools(Plan((Step("a", "forecast", {}), Step("b", "forecast", {}, "sea"))), weather().catalog)
    assert [(each.server, each.tool) for each in plan.steps] == [(None, "forecast"), ("sea", "forecast")]


@promise("all-faults-at-once")
@pytest.mark.parametrize(
    ("raw", "places"),
    [
        (None, {""}),
        ("a plan", {""}),
        (7, {""}),
        ({}, {"steps"}),
        ({"steps": {}}, {"steps"}),
        ({"steps": []}, {"steps"}),
        ({"steps": ["go"]}, {"steps[0]"}),
        ({"steps": [{"id": "a"}, {"tool": "tide"}, {"arguments": {}}]}, {"steps[0]", "steps[2]"}),
        (
            {"steps": [{"id": "a"}], "mode": "fast", "seed": "x", "budget": {"calls": 0, "hours": 1}, "stpes": []},
            {"steps[0]", "mode", "seed", "budget.calls", "budget.hours", "stpes"},
        ),
    ],
    ids=repr,
)
def test_every_fault_of_form_is_told(raw: Any, places: set[str]) -> None:
    submitted = read_submission(raw)
    assert {fault.where for fault in submitted.faults} == places
    assert all(fault.message for fault in submitted.faults)


# order


@promise("order-is-kept")
@pytest.mark.parametrize(
    ("steps", "waits"),
    [
        # reads of one server run side by side
        ([step("a", place="Oslo"), step("b", "stations")], {"b": set()}),
        # a reference waits, whatever the list says
        ([step("a", place={"$ref": "b"}), step("b", "stations")], {"a": {"b"}, "b": set()}),
        ([step("a", place="x", after=("b",)), step("b", "stations")], {"a": {"b"}, "b": set()}),
        # an interpolation is a reference
        ([step("a", "stations"), step("b", place="near {{a.name}}")], {"b": {"a"}}),
        # on one server only pairs of reads are free
        ([step("a", "raise_alarm", text="x"), step("b", place="x")], {"b": {"a"}}),
        ([step("a", "depths", "sea"), step("b", "tide", "sea", port="x")], {"b": {"a"}}),
        ([step("a", place="x"), step("b", "raise_alarm", text="x")], {"b": {"a"}}),
        # an effect waits for what may change something anywhere, a read on another server does not hold it
        ([step("a", "alert_ships", "sea", text="x"), step("b", "raise_alarm", text="x")], {"b": {"a"}}),
        ([step("a", "depths", "sea"), step("b", "raise_alarm", text="x")], {"b": {"a"}}),
        ([step("a", "tide", "sea", port="x"), step("b", "raise_alarm", text="x")], {"b": set()}),
        # a read never waits for another server
        ([step("a", "raise_alarm", text="x"), step("b", "tide", "sea", port="x")], {"b": set()}),
        # the list yields to a reference the other way round
        (
            [step("a", "raise_alarm", text={"$ref": "b"}), step("b", "alert_ships", "sea", text="x")],
            {"a": {"b"}, "b": set()},
        ),
    ],
)  # fmt: skip
def test_who_waits_for_whom(steps: list[Step], waits: dict[str, set[str]]) -> None:
    found = order(Plan(tuple(steps)), weather().catalog)
    assert {name: set(found[name].all) for name in waits} == waits


@promise("order-is-kept")
def test_a_cycle_is_named_in_order() -> None:
    steps = (step("a", place={"$ref": "c"}), step("b", place="{{a.x}}"), step("c", "stations", after=("b",)))
    assert set(Plan(steps).cycle) == {"a", "b", "c"}
    assert Plan(steps[1:]).cycle == ()
    assert set(Plan((step("a", place={"$ref": "a"}),)).cycle) == {"a"}


@promise("default-output")
def test_final_steps_are_those_that_nothing_depends_on() -> None:
    plan = Plan((step("a"), step("b", place={"$ref": "a"}), step("c", after=("a",)), step("d")))
    assert [each.id for each in final_steps(plan)] == ["b", "c", "d"]


# parse undoes render

IDS = st.lists(st.from_regex(r"[a-z][a-z0-9_]{0,4}", fullmatch=True), min_size=1, max_size=5, unique=True)
PATHS = st.sampled_from(["", "x", "items.0.id", "/a~1b/0", "a.-1", "*", "deep.er"])


def literal(ids: list[str]) -> st.SearchStrategy[Any]:
    return st.recursive(
        st.one_of(
            st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=8),
            st.sampled_from(["$4", "{{ x", "#E9", "5 {{nobody.x}}"]),
            st.sampled_from(ids).map(lambda name: f"see {{{{{name}.x}}}} there"),
            st.builds(lambda name, path: {"$ref": name, "path": path}, st.sampled_from(ids), PATHS),
        ),
        lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.text(max_size=4), inner, max_size=2)),
        max_leaves=4,
    )  # fmt: skip


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    ids = draw(IDS)
    value = literal(ids)
    steps = tuple(
        Step(
            name,
            draw(st.sampled_from(["tide", "forecast", "raise_alarm", "sea.tide", "nonesuch"])),
            draw(st.dictionaries(st.sampled_from(["place", "port", "text", "n"]), value, max_size=3)),
            draw(st.sampled_from([None, "sea", "weather"])),
            tuple(draw(st.lists(st.sampled_from(ids), max_size=2, unique=True))),
            draw(st.sampled_from([None, "place"])),
            draw(st.sampled_from([None, {"type": "object"}])),
        )
        for name in ids
    )
    return Plan(steps, draw(st.sampled_from(["", "warn the ships"])), draw(value))


@promise("render-parse")
@given(plans())
def test_reading_a_written_plan_gives_the_same_plan(plan: Plan) -> None:
    submitted = read_submission(json.loads(json.dumps(plan.json())))
    assert submitted.faults == ()
    assert submitted.normalised == ()
    assert submitted.plan == plan


@promise("render-parse")
@given(plans())
def test_reading_twice_changes_nothing_more(plan: Plan) -> None:
    once, _ = normalise_tools(plan, weather().catalog)
    again = read_submission(json.loads(json.dumps(once.json())))
    assert again.plan == once
    assert normalise_tools(once, weather().catalog) == (once, ())


@promise("dialects-are-spelling")
@given(
    st.recursive(
        st.one_of(st.none(), st.integers(), st.text(max_size=5)),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.dictionaries(
                st.sampled_from(["steps", "id", "tool", "function", "arguments", "after", "goal", "output", "plan"]),
                inner, max_size=4,
            ),
        ),
    )
)  # fmt: skip
def test_anything_can_be_submitted_without_breaking_the_reader(raw: Any) -> None:
    submitted = read_submission(raw)
    assert submitted.plan is not None or submitted.faults or submitted.goal
