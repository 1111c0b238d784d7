"""Rules that fill a missing argument from the schema, from the goal in words, or from the client's session."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from proxy.repair.read.goal import stated
from proxy.repair.view.choices import choose
from proxy.repair.view.coerce import Target, coerce, short, spoken_unit
from proxy.repair.view.notes import alternatives, stated_default
from proxy.repair.view.scalars import LONGEST, NOTHING
from proxy.repair.view.schema import accepts, allowed_values, fits, types_of
from proxy.repair.view.step import Seen, StepView
from proxy.repair.view.units import same_unit
from proxy.repair.view.values import MISSING, paths
from proxy.repair.view.words import likeness, mentions, plain, stems, words
from schemas.catalog import Json, as_object
from schemas.edit import Confidence, Proposal, SetArgument
from schemas.plan import Step
from schemas.problem import MissingArgument, Problem


def from_schema(problem: MissingArgument, here: StepView) -> Iterator[Proposal]:
    """Take the schema's own default, constant, or only allowed value."""
    schema = here.schema_at(problem.at)
    if "default" in schema and schema["default"] is not None:
        yield _set(
            problem, here, schema["default"], "schema_default", "the schema's own default", Confidence.EVIDENT, 0.95
        )
        return
    allowed = allowed_values(schema, here.schema)
    if allowed is not None and len(allowed) == 1:
        yield _set(
            problem, here, allowed[0], "only_value", "the only value that the schema allows", Confidence.LOSSLESS, 1.0
        )


def from_description(problem: MissingArgument, here: StepView) -> Iterator[Proposal]:
    """Take the value that the argument's description says is used where none is given."""
    schema = here.schema_at(problem.at)
    said = stated_default(str(schema.get("description", "")))
    if said is None or said.lower() in NOTHING:
        return
    target = Target(schema, here.schema, problem.name)
    options = [said] if fits(schema, said) else [o.value for o in coerce(said, target) if o.confidence.rank < 2]
    if options and options[0] is not MISSING:
        evidence = f"the description says that {short(options[0])} is used where none is given"
        yield _set(problem, here, options[0], "stated_default", evidence, Confidence.GUESS, 0.7)


def _set(
    problem: Problem, here: StepView, value: Json, rule: str, evidence: str, sure: Confidence, score: float
) -> Proposal:
    return Proposal(problem, (SetArgument(here.step.id, problem.at, value),), rule, evidence, sure, score)


def from_goal(problem: MissingArgument, here: StepView) -> Iterator[Proposal]:
    """Take the value from the goal in words: the one that stands beside the argument's name, or the only unused one."""
    if not here.plan.goal or not problem.at or here.tool is None:
        return
    name = str(problem.at[-1])
    target = Target(here.schema_at(problem.at), here.schema, name)
    if allowed_values(target.schema, target.root) is not None:
        yield from _allowed_in_goal(problem, here, target)
    elif accepts(target.schema, target.root, "integer") and "string" not in types_of(target.schema, target.root):
        yield from _number_in_goal(problem, here, target)
    elif "boolean" in types_of(target.schema, target.root) and len(types_of(target.schema, target.root)) <= 2:
        yield from _truth_in_goal(problem, here, target)
    elif accepts(target.schema, target.root, "string"):
        listed = alternatives(str(target.schema.get("description", "")))
        if listed:
            listing = Target({"enum": [*listed]}, target.root, target.name)
            yield from _allowed_in_goal(problem, here, listing)
            return
        yield from _text_in_goal(problem, here, target)


_NUMBERS = re.compile(r"(?<![\w.])[$€£]?(-?\d{1,3}(?:,\d{3})+(?:\.\d+)?|-?\d+(?:\.\d+)?)(?![\w]*\d)")


def _number_in_goal(problem: Problem, here: StepView, target: Target) -> Iterator[Proposal]:
    used = here.literals()
    other = [(each.start, each.end) for each in stated(here.plan.goal) if each.kind != "number"]
    free: list[tuple[float, str, float]] = []
    naming = bool(stems(target.name) & {"id", "key", "number", "code", "no"})
    for match in _NUMBERS.finditer(here.plan.goal):
        if any(start <= match.start(1) < end for start, end in other):
            continue
        text = match[1].replace(",", "")
        if naming and (match[0][0] in "$€£" or not _beside(here.plan.goal, match.start(), match.end(), target)):
            continue
        if len(text) > LONGEST:
            continue
        number = float(text) if "." in text else int(text)
        if {text, text.rstrip("0").rstrip("."), f"{float(text)}"} & used or not fits(target.schema, number):
            continue
        free.append((_beside(here.plan.goal, match.start(), match.end(), target), match[0], number))
    yield from _ranked(problem, here, free)


def _beside(goal: str, start: int, end: int, target: Target) -> float:
    """How near the words of an argument's name stand to a place in the goal: 1 directly before, 0 not at all."""
    names = {word for word in stems(target.name) | stems(str(target.schema.get("title", ""))) if len(word) > 2}
    before = words(goal[max(0, start - 60) : start])[-5:]
    after = words(goal[end : end + 40])[:3]
    score = 0.0
    for distance, word in enumerate(reversed(before)):
        if stems(word) & names or any(likeness(word, name) >= 0.85 for name in names):
            score = max(score, 1.0 - 0.12 * distance)
    for distance, word in enumerate(after):
        if stems(word) & names:
            score = max(score, 0.85 - 0.15 * distance)
    return score


def _ranked(
    problem: Problem, here: StepView, free: list[tuple[float, str, Json]] | list[tuple[float, str, float]]
) -> Iterator[Proposal]:
    if not free:
        return
    ranked = sorted(free, key=lambda entry: -entry[0])
    named = [entry for entry in ranked if entry[0] > 0]
    if named and (len(named) == 1 or named[0][0] - named[1][0] >= 0.1):
        yield _set(
            problem,
            here,
            named[0][2],
            "goal_beside_name",
            f"the goal says {named[0][1]!r} beside the argument's name",
            Confidence.EVIDENT,
            0.85,
        )
    elif len(ranked) == 1:
        yield _set(
            problem,
            here,
            ranked[0][2],
            "goal_only_unused",
            f"{ranked[0][1]!r} is the only fitting value in the goal that no step uses",
            Confidence.GUESS,
            0.65,
        )


def _allowed_in_goal(problem: Problem, here: StepView, target: Target) -> Iterator[Proposal]:
    taken = {plain(value) for value in here.written.values() if isinstance(value, str)}
    options = [
        value
        for value in allowed_values(target.schema, target.root) or ()
        if isinstance(value, str) and plain(value) not in taken
    ]
    said = [value for value in options if len(value) > 1 and mentions(here.plan.goal, value)]
    tokens = {token.strip(".,;:!?()'\"") for token in here.plan.goal.split()}
    said = said or [value for value in options if any(same_unit(token, value) for token in tokens if len(token) > 1)]
    if len(said) == 1:
        yield _set(
            problem,
            here,
            said[0],
            "goal_allowed_value",
            f"the goal speaks of {said[0]!r}, one of the allowed values",
            Confidence.GUESS,
            0.75,
        )


def _truth_in_goal(problem: Problem, here: StepView, target: Target) -> Iterator[Proposal]:
    stem_words = [word for word in words(target.name) if len(word) > 3]
    for match in re.finditer(r"[A-Za-z]+", here.plan.goal):
        if any(likeness(match[0], word) >= 0.85 for word in stem_words):
            before = words(here.plan.goal[max(0, match.start() - 20) : match.start()])[-2:]
            denied = bool({"no", "not", "without", "non", "never"} & set(before))
            yield _set(
                problem,
                here,
                not denied,
                "goal_says_so",
                f"the goal says {' '.join((*before, match[0]))!r}",
                Confidence.GUESS,
                0.7,
            )
            return


_QUOTED = re.compile(r"(?:(?<=\s)|^|(?<=[:(]))['\"“‘]([^'\"“”‘’]{1,300})['\"”’](?=[\s.,;:!?)]|$)")
_EITHER = re.compile(r"['\"“]([^'\"“”]{1,100})['\"”],? or ['\"“]([^'\"“”]{1,100})['\"”]")
"""Two values between which the goal leaves the choice."""
_FILE = re.compile(
    r"(?<![\w/.*-])(?:~|\.{1,2})?/(?:[\w.-]++/)*[\w-]++(?:\.[\w-]++)*(?!\w*[*?])"
    r"|(?<![\w/*.-])[\w./-]*\w\.[A-Za-z]{1,5}(?!\w)|(?<![\w/.-])\w[^\W_]*+_\w++(?![\w/-])"
)
_SYMBOL = re.compile(r"\b[A-Z]{2,6}\b")


def _text_in_goal(problem: Problem, here: StepView, target: Target) -> Iterator[Proposal]:
    zone = time_zone_in(here.plan.goal, target, here.literals())
    if zone is not None:
        yield _set(problem, here, zone, "time_zone", f"the goal names a place in {zone!r}", Confidence.GUESS, 0.8)
        return
    kinds = stems(target.name) | stems(str(target.schema.get("description", ""))[:80])
    used = here.literals()
    pattern = _QUOTED
    if kinds & {"file", "path", "directory", "dir", "folder", "filename", "destination", "source"}:
        pattern = _FILE
    elif kinds & {"symbol", "ticker", "stock", "currency", "code", "airport"}:
        pattern = _SYMBOL
    either = {text for match in _EITHER.finditer(here.plan.goal) for text in match.groups()}
    free: dict[str, tuple[float, str, Json]] = {}
    for match in pattern.finditer(here.plan.goal):
        text = match[1] if pattern is _QUOTED else match[0]
        if text.lower() not in used and text not in either and fits(target.schema, text):
            free.setdefault(text, (_beside(here.plan.goal, match.start(), match.end(), target), text, text))
    yield from _ranked(problem, here, list(free.values()))


@lru_cache(maxsize=1)
def _zones() -> dict[str, str]:
    import zoneinfo

    places: dict[str, list[str]] = {}
    for zone in zoneinfo.available_timezones():
        if "/" in zone and not zone.startswith(("Etc/", "posix/", "right/", "SystemV/", "US/")):
            places.setdefault(zone.rsplit("/", 1)[1].replace("_", " ").lower(), []).append(zone)
    return {place: zones[0] for place, zones in places.items() if len(zones) == 1}


def place_zone(name: str) -> str | None:
    """The IANA time zone of a place; None where there is no or more than one of that name."""
    return _zones().get(name.replace("_", " ").lower())


def time_zone_in(text: str, target: Target, used: set[str]) -> str | None:
    """The IANA time zone of the one place that a text names and that is not used yet; None for other arguments."""
    described = f"{target.name} {target.schema.get('description', '')}".lower()
    if "timezone" not in plain(described) or ("iana" not in described and "/" not in described):
        return None
    found = {zone for place, zone in _zones().items() if place in text.lower() and mentions(text, place)}
    free = [zone for zone in found if zone.lower() not in used and not mentions(" ".join(used), zone.rsplit("/", 1)[1])]
    return free[0] if len(free) == 1 else None


def _seen_here(here: StepView) -> list[Seen]:
    """What the same upstream returned earlier in the session: a value of another one never goes to it."""
    return [seen for seen in here.evidence.session if here.tool is not None and seen.server == here.tool.server]


def from_session(problem: MissingArgument, here: StepView) -> Iterator[Proposal]:
    """Take the value of the argument's name from what the session's earlier calls returned."""
    if not here.evidence.single or here.tool is None:
        return
    name = str(problem.at[-1])
    schema = here.schema_at(problem.at)
    found: dict[str, tuple[float, Json, str]] = {}
    for seen in reversed(_seen_here(here)):
        for parts, value in paths(seen.value):
            last = next((part for part in reversed(parts) if not part.isdigit()), "")
            if last and likeness(last, name) >= 0.9 and not isinstance(value, dict | list) and fits(schema, value):
                found.setdefault(str(value), (likeness(last, name), value, seen.tool))
    if len(found) == 1:
        _, value, tool = next(iter(found.values()))
        yield _set(
            problem,
            here,
            value,
            "session_result",
            f"{tool!r} returned {short(value)} under that name",
            Confidence.GUESS,
            0.7,
        )


def near_session_value(problem: Problem, here: StepView) -> Iterator[Proposal]:
    """Exchange an id, path or name that no result ever held for the one near value that one did hold."""
    if not here.evidence.single or here.tool is None:
        return
    known: dict[str, str] = {}
    for seen in _seen_here(here):
        known |= {value: seen.tool for _, value in paths(seen.value) if isinstance(value, str) and 2 < len(value) < 200}
    for name, value in here.written.items():
        if (
            not isinstance(value, str)
            or value in known
            or len(value) < 3
            or (name not in here.reading.named and (name,) not in here.reading.quoted)
        ):
            continue
        for option in choose(value, tuple(known)):
            evidence = (
                f"no result of this session held {value!r}; {known[str(option.value)]!r} returned {option.value!r}"
            )
            edit = SetArgument(here.step.id, (name,), option.value)
            yield Proposal(problem, (edit,), "near_session_value", evidence, Confidence.GUESS, 0.6)


GIVEN = frozenset({"from", "source", "src", "input", "in", "original", "old"})
"""Words in the name of an argument that speaks of what goes in, not of what comes out."""


def from_consumer(problem: MissingArgument, here: StepView) -> Iterator[Proposal]:
    """Take the allowed unit that the argument which reads this step's result is described in, or defaults to."""
    allowed = allowed_values(here.schema_at(problem.at), here.schema)
    if not allowed or not problem.at or set(words(problem.name)) & GIVEN:
        return
    found: dict[str, str] = {}
    for reader, where in _readers(here):
        for unit in _units_of(reader, where, here):
            found |= {str(value): f"{reader.id}.{where}" for value in allowed if same_unit(unit, str(value))}
    free = [value for value in found if value not in map(str, here.written.values())]
    if len(free) == 1:
        evidence = f"{found[free[0]]!r} reads the result and is described in {free[0]!r}"
        yield _set(problem, here, free[0], "consumer_unit", evidence, Confidence.GUESS, 0.8)


def _readers(here: StepView) -> Iterator[tuple[Step, str]]:
    for step in here.plan.steps:
        for where, ref in step.refs(here.plan.by_id):
            if ref.step == here.step.id and len(where) == 1:
                yield step, str(where[0])


def _units_of(reader: Step, argument: str, here: StepView) -> Iterator[str]:
    tool = here.evidence.catalog.origin(reader.server or "", reader.tool)
    if tool is None:
        return
    unit = spoken_unit(Target(tool.properties.get(argument, {}), tool.schema, argument))
    if unit is not None:
        yield unit
    written = as_object(reader.arguments) or {}
    for name, schema in tool.properties.items():
        if "unit" in stems(name) and stems(argument) <= stems(name):
            yield str(written.get(name, (as_object(schema) or {}).get("default", "")))
