"""Laws that hold for every plan, whatever is in it and whatever upstreams answer."""

# pyright: basic
from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import anyio
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.calls.forward import Calls
from proxy.repair.edits import Inapplicable, apply, dangling
from schemas.config import Config
from schemas.edit import (
    AddStep,
    BindReference,
    CoerceArgument,
    Dedupe,
    DropArgument,
    Edit,
    InsertValidator,
    MapStep,
    RemoveStep,
    RenameArgument,
    RepathReference,
    SetArgument,
    SwapTool,
    UnwrapValue,
    WrapValue,
)
from schemas.plan import Plan, Ref, Step
from schemas.report import Report
from schemas.trial import Lost, Reply
from tests.fakes import INTEGER, TEXT, TEXTS, Book, Person, Server, World, carried_out, failed, succeeded, world
from tests.promises import promise

# edits

IDS = ("a", "b", "c", "d")
NAMES = st.sampled_from(["x", "y", "text"])
PLACES = st.one_of(NAMES.map(lambda name: (name,)), st.just(()), st.tuples(NAMES, st.sampled_from([0, "k"])))
KNOWN = st.sampled_from([*IDS, "ghost"])
REFS = st.builds(Ref, KNOWN, st.sampled_from(["", "p", "p.0"]))
VALUES = st.recursive(
    st.one_of(st.integers(0, 3), st.just("t"), KNOWN.map(lambda s: f"see {{{{{s}.p}}}}"), REFS.map(lambda r: r.json())),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.sampled_from(["k", "x"]), inner, max_size=2)
    ),
    max_leaves=3,
)
STEPS = st.builds(
    Step,
    KNOWN,
    st.just("t"),
    st.one_of(st.dictionaries(NAMES, VALUES, max_size=2), st.just("text")),
    st.just("s"),
    st.lists(KNOWN, max_size=2, unique=True).map(tuple),
)
PLANS = st.builds(Plan, st.lists(STEPS, min_size=1, max_size=4).map(tuple), st.just(""), st.one_of(st.none(), VALUES))
EDITS: st.SearchStrategy[Edit] = st.one_of(
    st.builds(SwapTool, KNOWN, st.just("s2"), st.just("t2")),
    st.builds(RenameArgument, KNOWN, PLACES, NAMES),
    st.builds(SetArgument, st.one_of(KNOWN, st.just("output")), PLACES, VALUES),
    st.builds(CoerceArgument, KNOWN, PLACES, VALUES),
    st.builds(DropArgument, KNOWN, PLACES),
    st.builds(BindReference, st.one_of(KNOWN, st.just("output")), PLACES, REFS),
    st.builds(RepathReference, st.one_of(KNOWN, st.just("output")), PLACES, st.just("q")),
    st.builds(UnwrapValue, KNOWN, PLACES, VALUES),
    st.builds(WrapValue, KNOWN, PLACES, VALUES),
    st.builds(MapStep, KNOWN, NAMES),
    st.builds(InsertValidator, KNOWN, st.just({"type": "object"})),
    st.builds(AddStep, KNOWN, STEPS, st.one_of(st.none(), KNOWN)),
    st.builds(RemoveStep, KNOWN),
    st.builds(Dedupe, KNOWN, KNOWN),
)


@promise("apply-is-safe")
@settings(max_examples=200)
@given(PLANS, st.lists(EDITS, min_size=1, max_size=3))
def test_an_edit_leaves_no_new_cycle_and_no_new_dangling_reference_or_says_why_not(
    plan: Plan, edits: list[Edit]
) -> None:
    before = plan.json()
    after = apply(plan, edits)
    assert plan.json() == before
    if isinstance(after, Inapplicable):
        assert after.why
        assert after.edit in edits
        return
    assert not after.cycle or plan.cycle
    assert dangling(after) <= dangling(plan)


@promise("apply-is-safe")
@given(PLANS, st.lists(EDITS, min_size=2, max_size=3))
def test_edits_are_applied_all_or_none_and_in_order(plan: Plan, edits: list[Edit]) -> None:
    whole = apply(plan, edits)
    step: Plan | Inapplicable = plan
    for edit in edits:
        step = step if isinstance(step, Inapplicable) else apply(step, [edit])
    assert step == whole


# sound plans


def lab() -> World:
    """Tools whose results can be wired into one another; every call says who it is by its mark."""
    server = Server("lab")
    server.tool("probe", lambda mark, depth=1: {"mark": mark, "depths": [depth, depth + 1], "label": f"probe {mark}"},
                optional=["depth"], mark=INTEGER, depth=INTEGER)  # fmt: skip
    server.tool("store", lambda mark, text, tags=(): {"stored": {"text": text, "count": len(tags)}}, "write",
                optional=["tags"], mark=INTEGER, text=TEXT, tags=TEXTS)  # fmt: skip
    far = Server("far").tool("log_line", lambda mark, text: f"line {mark}: {text}", "unknown", structured=False,
                             mark=INTEGER, text=TEXT)  # fmt: skip
    return world(server, far)


INTEGERS = {"probe": ["mark", "depths.0", "/depths/1", "depths.-1"], "store": ["stored.count"], "log_line": []}
LABELS = {"probe": ["label"], "store": ["stored.text"], "log_line": [""]}


@st.composite
def sound(draw: st.DrawFn) -> dict[str, Any]:
    steps: list[dict[str, Any]] = []

    def reference(paths: dict[str, list[str]]) -> st.SearchStrategy[Any]:
        places = [(s["id"], path) for s in steps for path in paths[s["tool"]]]
        if not places:
            return st.nothing()
        return st.sampled_from(places).map(lambda place: {"$ref": place[0], "path": place[1]})

    def text() -> st.SearchStrategy[Any]:
        spoken = [f"{{{{{s['id']}.mark}}}}" for s in steps if s["tool"] == "probe"]
        words = st.sampled_from(["", "as is", "5", "true", "[1]", "$4", "a, b", "not {{known}}"])
        return st.one_of(
            words, reference(LABELS), st.sampled_from([f"n {s} m" for s in spoken]) if spoken else st.nothing()
        )

    for index in range(draw(st.integers(1, 5))):
        tool = draw(st.sampled_from(["probe", "store", "log_line"]))
        arguments: dict[str, Any] = {"mark": index}
        if tool == "probe" and draw(st.booleans()):
            arguments["depth"] = draw(st.one_of(st.integers(-3, 3), reference(INTEGERS)))
        if tool != "probe":
            arguments["text"] = draw(text())
        if tool == "store" and draw(st.booleans()):
            arguments["tags"] = draw(st.lists(text(), max_size=2))
        after = draw(st.lists(st.sampled_from([s["id"] for s in steps]), unique=True, max_size=1)) if steps else []
        steps.append({"id": f"s{index}", "tool": tool, "arguments": arguments, **({"after": after} if after else {})})
    return {"steps": steps, "goal": draw(st.sampled_from(["", "store 9 probes and cancel 'x'"]))}


@promise("sound-plan-untouched", "effects-once")
@given(sound())
def test_a_sound_plan_is_never_edited_and_each_call_is_sent_once(plan: dict[str, Any]) -> None:
    where = lab()
    report = anyio.run(carried_out, where, plan)
    assert report.status == "succeeded", report.problems
    assert report.repairs == []
    assert report.normalised == []
    assert sorted(arguments["mark"] for _, _, arguments in where.sent) == list(range(len(plan["steps"])))
    assert report.search.upstream_calls == len(plan["steps"])
    assert report.score.total == 1
    assert report.search.generations == 0


@promise("resubmittable", "sound-plan-untouched")
@given(sound())
def test_a_reported_plan_is_a_sound_plan(plan: dict[str, Any]) -> None:
    first = anyio.run(carried_out, lab(), plan)
    again = anyio.run(carried_out, lab(), first.plan)
    assert (again.status, again.output, again.plan) == (first.status, first.output, first.plan)


# effects

Fault = Callable[[str, Any], Reply]
"""The argument that the answer speaks of, and what was sent in it."""

BEFORE: dict[str, Fault] = {
    "refused": lambda name, value: failed(f"{name} '{value}' is not what I take here"),
    "validator": lambda name, _: failed(f"Input validation error: {name} must be a string"),
    "invalid params": lambda name, _: Reply(error={"code": -32602, "message": f"Invalid params: {name}"}),
    "not sent": lambda *_: Reply(lost=Lost.NOT_SENT, message="no process"),
}
"""Honest answers of an upstream that has done nothing."""
AFTER: dict[str, Fault] = {
    "timed out": lambda name, _: Reply(lost=Lost.TIMED_OUT, message=f"no answer for {name}"),
    "broken": lambda *_: Reply(lost=Lost.BROKEN, message="pipe closed"),
    "error": lambda *_: failed("it went wrong in an unexpected way"),
    "server error": lambda name, value: failed(f"500 internal server error while handling {name} '{value}'"),
    "silent": lambda *_: succeeded({"success": False, "error": "it went wrong in an unexpected way"}),
    "silent doubt": lambda name, value: succeeded({"error": f"request timed out: {name}='{value}'"}),
    "internal": lambda *_: Reply(error={"code": -32603, "message": "Internal error"}),
}
"""Bad answers of an upstream that has done what it was asked."""
FAULTS = ["none"] * 4 + [*BEFORE, *AFTER]


def faulty(fault: str, params: Any, answer: Callable[[], Reply]) -> Reply:
    arguments = params["arguments"] if isinstance(params.get("arguments"), dict) else {}
    name = next(iter(arguments), "text")
    if fault in BEFORE:
        return BEFORE[fault](name, arguments.get(name))
    reply = answer()
    return reply if reply.refused or fault not in AFTER else AFTER[fault](name, arguments.get(name))


VERBS = ("write_note", "book_room", "create_order", "post_entry")
DAMAGE: dict[str, Callable[[dict[str, Any]], Any]] = {
    "none": lambda given: given,
    "number as text": lambda given: {**given, "count": str(given["count"])},
    "number in words": lambda given: {**given, "count": "three"},
    "case": lambda given: {key.title(): value for key, value in given.items()},
    "typing error": lambda given: {("txet" if key == "text" else key): value for key, value in given.items()},
    "text as list": lambda given: {**given, "text": [given["text"]]},
    "extra": lambda given: {**given, "remark": "x"},
    "missing": lambda given: {key: value for key, value in given.items() if key != "count"},
    "null": lambda given: {**given, "mood": None},
    "wrapped": lambda given: {"arguments": given},
    "as text": str,
}


def bureau(effects: list[str], fault: Callable[[], str]) -> World:
    """Four tools with an effect, one for each step, behind a line on which everything may go wrong."""
    server = Server("bureau", "plain")
    mood = {"type": "string", "enum": ["glad", "sad"]}
    for name, effect in zip(VERBS, effects, strict=True):
        server.tool(name, lambda text, count, mood="glad": {"text": text, "count": count}, effect, optional=["mood"],
                    text=TEXT, count=INTEGER, mood=mood)  # fmt: skip

    async def between(tool: Any, params: Any, answer: Callable[[], Reply]) -> Reply:
        return faulty(fault(), params, answer)

    return world(server, between=between)


@st.composite
def damaged(draw: st.DrawFn) -> dict[str, Any]:
    steps: list[dict[str, Any]] = []
    for index, tool in enumerate(draw(st.permutations(VERBS))[: draw(st.integers(1, 4))]):
        text: Any = f"note {index}"
        if steps and draw(st.booleans()):
            text = {"$ref": steps[-1]["id"], "path": draw(st.sampled_from(["text", "Text", "result.text", "count"]))}
        arguments = DAMAGE[draw(st.sampled_from(sorted(DAMAGE)))]({"text": text, "count": 3 + index})
        steps.append({"id": f"s{index}", "tool": tool, "arguments": arguments})
    return {"goal": "write 'x' with count 7", "steps": steps, "seed": draw(st.integers(0, 3))}


KINDS = st.lists(st.sampled_from(["write", "destructive", "unknown"]), min_size=4, max_size=4)


@promise("effects-once")
@settings(max_examples=80)
@given(damaged(), KINDS, st.data())
def test_no_effect_happens_twice_for_one_step_whatever_upstreams_answer(
    plan: dict[str, Any], effects: list[str], data: st.DataObject
) -> None:
    where = bureau(effects, lambda: data.draw(st.sampled_from(FAULTS)))
    report = anyio.run(carried_out, where, plan)
    twice = {tool: count for tool, count in Counter(tool for tool, _ in where.done).items() if count > 1}
    assert twice == {}, (report.repairs, where.sent)
    assert report.search.upstream_calls == len(where.sent)
    assert (report.status == "failed") == bool(report.problems)


@promise("effects-once")
@settings(max_examples=80)
@given(st.sampled_from(sorted(DAMAGE)), st.sampled_from(["write", "destructive", "unknown"]), st.data())
def test_no_effect_happens_twice_for_one_call_whatever_its_upstream_answers(
    damage: str, effect: str, data: st.DataObject
) -> None:
    where = bureau([effect] * 4, lambda: data.draw(st.sampled_from(FAULTS)))
    calls = Calls(Config(), where, Book())
    params = {"name": "bureau__book_room", "arguments": DAMAGE[damage]({"text": "Ada", "count": 2})}
    anyio.run(calls.call, params, Person())
    assert len(where.done) <= 1, where.sent


@promise("effects-once")
@given(damaged(), st.data())
def test_an_idempotent_call_is_only_ever_repeated_as_it_was(plan: dict[str, Any], data: st.DataObject) -> None:
    where = bureau(["idempotent"] * 4, lambda: data.draw(st.sampled_from(FAULTS)))
    anyio.run(carried_out, where, plan)
    for tool in VERBS:
        executed = [arguments for name, arguments in where.done if name == tool]
        assert all(arguments == executed[0] for arguments in executed)


# one search


def told(report: Report) -> dict[str, Any]:
    """A report without what names or times one particular run."""
    written = report.model_dump(mode="json")
    written.pop("repair_id")
    written["search"].pop("seconds")
    for step in written["steps"]:
        step.pop("ms")
        step.pop("call_id")
    return written


@promise("repeatable")
@given(damaged(), KINDS, st.lists(st.sampled_from(FAULTS), min_size=12, max_size=12))
def test_the_same_seed_and_answers_give_the_same_search(
    plan: dict[str, Any], effects: list[str], faults: list[str]
) -> None:
    def once() -> tuple[dict[str, Any], Any]:
        left = iter(faults)
        where = bureau(effects, lambda: next(left, "none"))
        return told(anyio.run(carried_out, where, plan)), where.sent

    assert once() == once()


# anything

WORDS = st.one_of(
    st.text(max_size=5),
    st.sampled_from(
        ["s0", "s1", "probe", "store", "lab.probe", "mark", "text", "$s0.mark", "{{s0.label}}", "<mark>", "7"]
    ),
)
ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.floats(allow_nan=False, allow_infinity=False), WORDS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(WORDS, st.sampled_from(["$ref", "path", "arguments"])), inner, max_size=3),
    ),
    max_leaves=6,
)
ROUGH_STEPS = st.lists(
    st.fixed_dictionaries(
        {"tool": WORDS}, optional={"id": WORDS, "arguments": ANYTHING, "after": ANYTHING, "map": WORDS, "server": WORDS,
                                   "expect": st.sampled_from([{"type": "object"}, {"type": 4}, "x"])},
    ),
    max_size=3,
)  # fmt: skip


@promise("all-faults-at-once", "report-fields")
@given(
    st.one_of(
        ANYTHING,
        st.fixed_dictionaries(
            {"steps": ROUGH_STEPS}, optional={"output": ANYTHING, "goal": ANYTHING, "mode": ANYTHING}
        ),
    )
)
def test_whatever_is_submitted_gets_a_report_that_makes_sense(raw: Any) -> None:
    where = lab()
    report = anyio.run(carried_out, where, raw)
    assert (report.status == "failed") == bool(report.problems), report
    assert not [problem for problem in report.problems if problem.kind == "fault"], report.problems
    assert report.search.upstream_calls == len(where.sent)
    assert bool(report.repairs) == (report.status in ("repaired", "suggested")) or report.status == "failed"


@promise("own-error-plus-diagnosis", "effects-once")
@given(st.sampled_from(["lab__store", "store", "far__log_line", "lab__probe", "prob", ""]), ANYTHING, st.booleans())
def test_whatever_is_called_gets_an_answer(name: str, arguments: Any, bare: bool) -> None:
    where = lab()
    params = {"name": name} if bare else {"name": name, "arguments": arguments}
    reply = anyio.run(Calls(Config(), where, Book()).call, params, Person())
    assert (reply.result is None) != (reply.error is None)
    assert len([tool for tool, _ in where.done if tool != "probe"]) <= 1
