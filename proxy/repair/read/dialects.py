"""Read a submitted plan in any of the dialects that models write, and say what was normalised.

Pure. Spelling only: nothing here repairs. Text becomes a reference only where its head names a step of the plan;
everything else stays literal (`"$4"` is a price). All faults of form are found at once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import chain, count
from typing import Any

from pydantic import ValidationError

from catalog_cache.letters import plain, same
from catalog_cache.names import exact, owner
from proxy.repair.read.spelled import is_placeholder
from proxy.repair.view.values import mapped
from schemas.catalog import DEEPEST, Catalog, Json, Tool, as_list, as_object, canonical, too_deep
from schemas.plan import Location, Plan, Ref, Step, SubmittedBudget, as_ref, is_ref, walk

TOOL_KEYS = ("tool", "name", "function", "tool_name", "toolName", "action")
ARGUMENT_KEYS = ("arguments", "args", "params", "parameters", "input", "tool_input", "arguments_json")
AFTER_KEYS = ("after", "requires", "depends_on", "dependsOn", "dependencies")
STEP_LIST_KEYS = ("steps", "tool_calls", "calls", "plan", "workflow")
MOST_STEPS = 1_000
STEP_KEYS = {*TOOL_KEYS, *ARGUMENT_KEYS, *AFTER_KEYS, *"id step_id step label index type server expect map".split()}
SAID_KEYS = frozenset("title description comment note thought reason reasoning explanation purpose goal".split())
"""Keys of a step by which nothing is to be done. Any other may say whether, or on what, it is to run."""
TOP_KEYS = {"goal", "steps", "output", "mode", "budget", "seed"}


@dataclass(frozen=True)
class Normalised:
    """A spelling that was read as its standard form."""

    step: str
    before: Json
    after: Json
    rule: str


@dataclass(frozen=True)
class Fault:
    """A fault of form: the submission cannot be read as a plan."""

    where: str
    message: str


@dataclass(frozen=True)
class Submitted:
    """A submission as read: the plan (None: to be made from the goal), its settings, spellings, and faults of form."""

    plan: Plan | None
    goal: str = ""
    mode: str | None = None
    budget: SubmittedBudget = field(default_factory=SubmittedBudget)
    seed: int | None = None
    normalised: tuple[Normalised, ...] = ()
    faults: tuple[Fault, ...] = ()


def read_submission(raw: Json) -> Submitted:
    """Read what a client submitted: an object, or a bare list of steps."""
    notes: list[Normalised] = []
    faults: list[Fault] = []
    if too_deep(raw):
        return Submitted(None, faults=(Fault("", f"a plan is nested at most {DEEPEST} levels deep"),))
    keys = as_object(raw)
    if keys is None:
        if as_list(raw) is None:
            return Submitted(None, faults=(Fault("", "a plan is an object with steps, or a list of steps"),))
        notes.append(Normalised("", "[steps]", {"steps": "[steps]"}, "bare_list"))
        keys = {"steps": raw}
    listed, where = _step_list(keys, notes)
    steps = _steps(listed, where, notes, faults)
    if listed is None and not keys.get("goal"):
        faults.append(Fault("steps", "give steps (a list of tool calls), or a goal in words to plan from"))
    faults.extend(_unknown_keys(keys, where))
    mode, budget, seed = _settings(keys, faults)
    goal = str(keys.get("goal") or "")
    plan = None
    if steps is not None:
        plan = Plan(tuple(steps), goal, keys.get("output"))
        plan = _normalise_references(plan, notes)
    return Submitted(plan, goal, mode, budget, seed, tuple(notes), tuple(faults))


def _step_list(keys: dict[str, Any], notes: list[Normalised]) -> tuple[Json, str]:
    for name in STEP_LIST_KEYS:
        found = keys.get(name)
        inner = as_object(found)
        if inner is not None and name in ("plan", "workflow"):
            found = next((inner[key] for key in STEP_LIST_KEYS if key in inner), None)
            for key in ("goal", "output"):
                if key in inner:
                    keys.setdefault(key, inner[key])
        if found is not None:
            if name != "steps":
                notes.append(Normalised("", name, "steps", "step_list_key"))
            return found, name
    return None, "steps"


def _unknown_keys(keys: dict[str, Any], where: str) -> list[Fault]:
    known = ", ".join(sorted(TOP_KEYS))
    return [Fault(name, f"unknown key {name!r}; known are {known}") for name in keys if name not in {*TOP_KEYS, where}]


def _settings(keys: dict[str, Any], faults: list[Fault]) -> tuple[str | None, SubmittedBudget, int | None]:
    mode, seed = keys.get("mode"), keys.get("seed")
    if mode not in (None, "auto", "suggest", "off"):
        faults.append(Fault("mode", f"mode is auto, suggest or off, not {mode!r}"))
        mode = None
    if seed is not None and (not isinstance(seed, int) or isinstance(seed, bool)):
        faults.append(Fault("seed", f"seed is a whole number, not {seed!r}"))
        seed = None
    try:
        budget = SubmittedBudget.model_validate(keys.get("budget") or {})
    except ValidationError as error:
        budget = SubmittedBudget()
        faults.extend(Fault(".".join(["budget", *map(str, d["loc"])]), d["msg"]) for d in error.errors())
    return mode, budget, seed


def _steps(listed: Json, where: str, notes: list[Normalised], faults: list[Fault]) -> list[Step] | None:
    if listed is None:
        return None
    items = as_list(listed)
    if items is None:
        faults.append(Fault(where, "steps must be a list"))
        return []
    if not items:
        faults.append(Fault(where, "the list of steps is empty"))
    if len(items) > MOST_STEPS:
        faults.append(Fault(where, f"a plan has at most {MOST_STEPS:,} steps, this one has {len(items):,}"))
        return []
    found = [_step(item, index, f"{where}[{index}]", notes, faults) for index, item in enumerate(items)]
    return [step for step in found if step is not None]


def _step(item: Json, index: int, where: str, notes: list[Normalised], faults: list[Fault]) -> Step | None:
    keys = as_object(item)
    if keys is None:
        faults.append(Fault(where, "a step is an object with a tool and its arguments"))
        return None
    name = _step_id(keys, index)
    function = as_object(keys.get("function"))
    call = function if function is not None else keys
    tool_key = next((key for key in TOOL_KEYS if isinstance(call.get(key), str)), None)
    if tool_key is None:
        faults.append(Fault(where, "the step names no tool"))
        return None
    argument_key = next((key for key in ARGUMENT_KEYS if key in call), None)
    faults += _unread(keys, call, where)
    arguments: Json = call[argument_key] if argument_key is not None else {}
    if function is not None and isinstance(arguments, str):
        arguments = _openai_arguments(arguments)
    after_key = next((key for key in AFTER_KEYS if key in keys), None)
    for key, standard in ((tool_key, "tool"), (argument_key, "arguments"), (after_key, "after")):
        if key is not None and key != standard:
            notes.append(Normalised(name, key, standard, "step_key"))
    server = keys.get("server") if isinstance(keys.get("server"), str) else None
    expect = as_object(keys.get("expect"))
    mapped = keys.get("map") if isinstance(keys.get("map"), str) else None
    after = _after(keys.get(after_key) if after_key else None)
    if after is None:
        faults.append(Fault(f"{where}.{after_key}", f"{after_key} is a step's id or a list of them"))
    return Step(name, call[tool_key], {} if arguments is None else arguments, server, after or (), mapped, expect)


def _unread(keys: dict[str, Any], call: dict[str, Any], where: str) -> list[Fault]:
    """What a step says that cannot be followed: to run it all the same may be what it forbids."""
    known = ", ".join(sorted(STEP_KEYS))
    found = [
        Fault(f"{where}.{key}", f"unknown key {key!r} of a step; known are {known}")
        for key in {**keys, **call}
        if key not in STEP_KEYS | SAID_KEYS
    ]
    for known_by, within in ((ARGUMENT_KEYS, call), (AFTER_KEYS, keys)):
        said = [key for key in known_by if key in within]
        if len(said) > 1:
            found.append(Fault(f"{where}.{said[1]}", f"a step says once what {' and '.join(said)} say"))
    if not isinstance(keys.get("map"), str | None):
        found.append(Fault(f"{where}.map", "map is the name of the argument that holds the list"))
    return found


def _step_id(keys: dict[str, Any], index: int) -> str:
    for key in ("id", "step_id", "step", "label"):
        found = keys.get(key)
        if isinstance(found, str | int) and not isinstance(found, bool) and str(found):
            return str(found).replace("\0", "").strip("$#") or f"s{index + 1}"
    return f"s{index + 1}"


def _openai_arguments(text: str) -> Json:
    try:
        return json.loads(text) if text.strip() else {}
    except ValueError:
        return text


def _after(value: Json) -> tuple[str, ...] | None:
    """The ids of the steps to wait for; None where that cannot be read."""
    names = [value] if isinstance(value, str | int) else as_list(value) if value is not None else []
    if names is None or not all(isinstance(name, str | int) and not isinstance(name, bool) for name in names):
        return None
    return tuple(str(name).strip("$#") for name in names)


_DOLLARS = re.compile(r"^\$(?P<step>[A-Za-z_][\w-]*)(?P<path>(?:[.\[/][^$]*)?)\$?$")
_BRACED = re.compile(r"\$\{\s*(?P<step>[A-Za-z_0-9][\w-]*)(?P<path>(?:[.\[][^{}$]*)?)\s*\}")
_MUSTACHE = re.compile(r"^\{\{\s*(?P<step>[A-Za-z0-9_-]+)(?P<path>(?:[.\[][^{}]*)?)\s*\}\}$")
_FENCED = re.compile(r"\$(?P<step>[A-Za-z_][\w-]*)(?P<path>\.[\w.\[\]-]+)\$")
_REWOO = re.compile(r"^#(?P<step>E\d+)(?P<path>(?:[.\[].*)?)$")
_NUMBERED = re.compile(r"^\$(?P<step>\d+)(?P<path>(?:[.\[](?!\d+$).*)?)$")


def _normalise_references(plan: Plan, notes: list[Normalised]) -> Plan:
    ids = set(plan.by_id)
    whole = [_DOLLARS, _MUSTACHE]
    whole += [_REWOO] if ids and all(re.fullmatch(r"E\d+", name) for name in ids) else []
    whole += [_NUMBERED] if ids and all(name.isdigit() for name in ids) else []

    def read(step: str) -> Callable[[Json, Location], Json]:
        def one(value: Json, _: Location) -> Json:
            written = _as_reference(value, ids, whole)
            if written is not value:
                notes.append(Normalised(step, value, written, "reference"))
            return written

        return one

    steps = tuple(replace(step, arguments=mapped(step.arguments, read(step.id))) for step in plan.steps)
    return replace(plan, steps=steps, output=mapped(plan.output, read("output")))


def _as_reference(value: Json, ids: set[str], whole: list[re.Pattern[str]]) -> Json:
    if isinstance(value, str):
        return _text_reference(value, ids, whole)
    keys = as_object(value)
    if keys is not None and is_ref(value) and value["$ref"] not in ids:
        head, _, rest = str(value["$ref"]).partition(".")
        if head in ids and rest:
            tail = str(value.get("path", ""))
            return Ref(head, f"{rest}.{tail}" if tail else rest).json()
    return value


def _text_reference(text: str, ids: set[str], whole: list[re.Pattern[str]]) -> Json:
    for pattern in whole:
        match = pattern.match(text)
        if match and match["step"] in ids:
            return Ref(match["step"], _path(match["path"])).json()
    match = _BRACED.fullmatch(text.strip())
    if match and match["step"] in ids:
        return Ref(match["step"], _path(match["path"])).json()

    def mustache(found: re.Match[str]) -> str:
        path = _path(found["path"])
        return "{{" + found["step"] + (f".{path}" if path else "") + "}}" if found["step"] in ids else found[0]

    inner = _FENCED.sub(mustache, _BRACED.sub(mustache, text))
    return inner if inner != text else text


def _path(text: str) -> str:
    return re.sub(r"\[\s{0,9}+['\"]?([^\[\]'\"]{1,200}+)['\"]?\s{0,9}+\]", r".\1", text).strip(". ")


def normalise_tools(plan: Plan, catalog: Catalog) -> tuple[Plan, tuple[Normalised, ...]]:
    """Exchange every accepted spelling of a tool for its server and own name; other spellings stay for repair.

    A last step that is no call but says what to hand back becomes the output.
    """
    notes: list[Normalised] = []
    steps: list[Step] = []
    said = _output_step(plan, catalog)
    if said is not None:
        notes.append(Normalised(said.id, said.json(), {"output": said.arguments}, "output_step"))
        plan = replace(plan, steps=plan.steps[:-1], output=said.arguments)
    for step in plan.steps:
        tool = accepted(catalog, step)
        if tool is None or (step.server, step.tool) == (tool.server, tool.name):
            steps.append(step)
            continue
        before = f"{step.server}/{step.tool}" if step.server else step.tool
        if step.tool not in (tool.public, tool.name) or step.server not in (None, tool.server):
            notes.append(Normalised(step.id, before, tool.public, "tool_name"))
        steps.append(replace(step, server=tool.server, tool=tool.name))
    plan = replace(plan, steps=_apart(replace(plan, steps=tuple(steps)), notes))
    return plan, tuple(notes)


def _apart(plan: Plan, notes: list[Normalised]) -> tuple[Step, ...]:
    """The steps with an id of its own for every other call under one id, where no reference could mean another of them.

    What stands between the first two, or in the second, can only mean the first. Calls that are alike are no two steps.
    """
    steps, listed = list(plan.steps), [step.id for step in plan.steps]
    taken = {*listed, *chain(*plan.needs)}
    for name in dict.fromkeys(step.id for index, step in enumerate(steps) if step.id in listed[:index]):
        places = [index for index, each in enumerate(listed) if each == name]
        calls = {canonical(steps[index].arguments).replace('"', "").casefold() for index in places}
        elsewhere = [*steps[: places[0] + 1], *steps[places[1] + 1 :]]
        waited = any(name in step.after for step in elsewhere)
        read = any(_speaks_of(name, said) for said in (plan.output, *(step.arguments for step in elsewhere)))
        if waited or read or len(calls) < len(places):
            continue
        for index in places[1:]:
            fresh = next(f"{name}_{number}" for number in count(2) if f"{name}_{number}" not in taken)
            taken.add(fresh)
            notes.append(Normalised(name, name, fresh, "step_id"))
            steps[index] = replace(steps[index], id=fresh)
    return tuple(steps)


def _speaks_of(name: str, value: Json) -> bool:
    """Tell whether anything in a value might stand for the result of a step, however it is spelled."""
    spelt = re.compile(rf"[#$<{{]\s*{re.escape(name)}(?![\w-])|(?<![\w-]){re.escape(name)}[.\[]")
    for _, inner in walk(value):
        ref = as_ref(inner)
        if ref is not None and ref.step == name:
            return True
        if isinstance(inner, str) and (spelt.search(inner) or is_placeholder(inner)):
            return True
    return False


OUTPUT_TOOLS = frozenset({"output", "final", "finalanswer", "return", "answer"})
"""Names, without case and separators, by which plans hand back their result in a step of its own."""


def _output_step(plan: Plan, catalog: Catalog) -> Step | None:
    """The last step where it only hands back what others returned, for a plan without output; None for real calls.

    It reads other steps, none reads it, and no tool bears its name.
    """
    last = plan.steps[-1] if len(plan.steps) > 1 else None
    if last is None or plan.output is not None or plain(last.tool) not in OUTPUT_TOOLS or last.server is not None:
        return None
    others = Plan(plan.steps[:-1])
    if last.map is not None or last.expect is not None or last.id in {*others.by_id, *chain(*plan.needs[:-1])}:
        return None
    borne = any(same(last.tool, name) for tool in catalog for name in (tool.name, tool.public))
    return None if borne or not last.refs(others.by_id) else last


def accepted(catalog: Catalog, step: Step) -> Tool | None:
    """The tool that a step names by an accepted spelling: listed name, own name, or with its server before it."""
    whose = step.server if step.server is not None else owner(catalog, step.tool)
    found = [tool for tool in exact(catalog, step.tool) if whose is None or same(tool.server, whose)]
    return found[0] if len(found) == 1 else None
