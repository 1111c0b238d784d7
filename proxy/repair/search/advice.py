"""What the search asks the planner, and what it makes of the answers.

The planner chooses among repairs that rules proposed, writes a value that no rule found, or another plan. All of it
is a guess: checked against schemas and effects like any other proposal, and never sent where a guess may not be.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

from proxy.ports import Advisor, Question
from proxy.repair.edits import Inapplicable, apply
from proxy.repair.read.diagnose import static_problems, view_of
from proxy.repair.read.refusal import error_text
from proxy.repair.search.grounding import grounded, invented
from proxy.repair.search.propose import Repair, open_problems
from proxy.repair.view.order import reads_only
from proxy.repair.view.schema import allowed_values, at_location, types_of
from proxy.repair.view.step import OUTPUT, Evidence
from proxy.repair.view.tool_fit import ranked_tools
from proxy.repair.view.words import stems
from schemas.catalog import Catalog, Json, Tool, canonical
from schemas.edit import AddStep, Confidence, Edit, Proposal, RemoveStep, SetArgument, SwapTool
from schemas.plan import Plan, Step, walk
from schemas.problem import (
    BadFormat,
    MissingArgument,
    OutcomeUnknown,
    Problem,
    Refused,
    UnexpectedArgument,
    ValueNotAllowed,
    WrongType,
)
from schemas.trial import Candidate

SHOWN = 12
"""Tools shown to the planner at once; more cost seconds and confuse small models."""
MOST_ALLOWED = 16
"""Allowed values up to which the planner ranks them instead of writing one."""
CLEAR_VALUE = 1.0
"""Nats per token by which the planner must prefer a value, odds of e to 1: a bare value has few tokens, so its scores
swing widely (a wrong yes or no led by 0.9 with a model of 0.5B parameters, a right one by 1.2 with one of 1.5B)."""
CHOSEN = 0.6
"""Score of a repair that the planner chose or wrote: above the least likely guess, below any evidence."""

Finder = Callable[[Catalog, str, int], Awaitable[Sequence[Tool]]]
"""Catalog, text and number to the tools that suit the text, best first."""


@dataclass
class Counsel:
    """The planner as the search sees it; every question is asked once."""

    advisor: Advisor
    find: Finder
    asked: set[tuple[str, str, str]] = field(default_factory=set[tuple[str, str, str]])

    async def choose(
        self, parent: Candidate, step: str, options: Sequence[Repair], evidence: Evidence
    ) -> Repair | None:
        """The repair that the planner clearly prefers; None where it cannot tell them apart, or has no answer."""
        if len(options) < 2 or not self._fresh(parent.plan, step, "choose"):
            return None
        question = await self._question(parent, step, evidence)
        advice = await self.advisor.rank(question, [o.plan for o in options], [o.score for o in options])
        if advice is None or not advice.order or advice.margin <= 0:
            return None
        chosen = options[advice.order[0]]
        why = f"the planner prefers it to {len(options) - 1} other(s) by {advice.margin:.2f} nats per token"
        return replace(chosen, proposals=tuple(_preferred(proposal, why) for proposal in chosen.proposals))

    async def invent(self, parent: Candidate, step_id: str, evidence: Evidence) -> Repair | None:
        """Values written by the planner for every argument of a step that is missing or does not fit."""
        step = parent.plan.by_id.get(step_id)
        tool = evidence.catalog.origin(step.server or "", step.tool) if step is not None else None
        if step is None or tool is None or not reads_only(tool) or not parent.plan.goal:
            return None
        if not self._fresh(parent.plan, step_id, "invent"):
            return None
        problems = [p for p in static_problems(view_of(parent.plan, step, evidence)) if _writable(p)]
        state = Repair(parent.plan, ())
        question = await self._question(parent, step_id, evidence)
        for problem in problems:
            grown = await self._valued(replace(question, plan=state.plan), state, problem, tool)
            if grown is None:
                return None
            state = grown
        return state if problems and _complete(state, step_id, evidence) else None

    async def _valued(self, question: Question, state: Repair, problem: Problem, tool: Tool) -> Repair | None:
        """A value for one argument: the clear favourite among the allowed ones, or one that the planner writes."""
        closed = _closed(tool, problem)
        if not closed:
            value = await self.advisor.value(question, problem.at)
            stands = value is not None and grounded(value, [question.plan.goal], question.results.values())
            return _with_value(state, problem, value) if stands else None
        closed = tuple(value for value in closed if isinstance(value, bool) or _asked_for(value, question))
        options = [_with_value(state, problem, value) for value in closed]
        if not options:
            return None
        advice = await self.advisor.pick(question, [option.plan for option in options])
        clear = advice is not None and bool(advice.order) and advice.margin >= CLEAR_VALUE
        return options[advice.order[0]] if advice is not None and clear else None

    async def redesign(self, parent: Candidate, evidence: Evidence) -> Candidate | None:
        """Another plan for the same goal that keeps what has succeeded and adds no effect that was not asked for."""
        if not parent.plan.goal or not self._fresh(parent.plan, "", "redesign"):
            return None
        failing = next((p.step for p in parent.outcome.problems), parent.plan.steps[0].id)
        question = await self._question(parent, failing, evidence, wide=True)
        failures = [f"{problem.step}: {problem.message}" for problem in parent.outcome.problems[:6]]
        plan = await self.advisor.redesign(question, failures)
        if plan is None:
            return None
        edits = edits_between(parent.plan, _reconciled(plan, parent, evidence))
        plan = apply(parent.plan, edits)
        if not edits or isinstance(plan, Inapplicable) or _adds_effects(plan, parent.plan, evidence):
            return None
        held = [*(step.arguments for step in parent.plan.steps), *question.results.values()]
        if invented(plan, evidence.catalog, [parent.plan.goal], held):
            return None
        problem = next(iter(parent.outcome.problems), OutcomeUnknown(step=failing, message="stagnation"))
        made = Proposal(
            problem, edits, "planner_redesign", "the planner's plan for the same goal", Confidence.GUESS, 0.5
        )
        return replace(parent, plan=plan, lineage=(*parent.lineage, made))

    def _fresh(self, plan: Plan, step: str, what: str) -> bool:
        key = (plan.key, step, what)
        new = key not in self.asked
        self.asked.add(key)
        return new

    async def _question(self, parent: Candidate, step: str, evidence: Evidence, *, wide: bool = False) -> Question:
        run = parent.execution.runs.get(step)
        error = error_text(run.reply) if run is not None and run.reply is not None else ""
        error = error or "; ".join(p.message for p in parent.outcome.problems if p.step == step)
        tools = await self._tools(parent.plan, step, evidence, wide=wide)
        results = {name: run.value for name, run in parent.execution.runs.items() if run.ok}
        return Question(parent.plan, step, error[:600], tools, results)

    async def _tools(self, plan: Plan, step: str, evidence: Evidence, *, wide: bool) -> tuple[Tool, ...]:
        """The tools of the plan, those near to a name that is none, and (`wide`) those that suit the goal."""
        named = [evidence.catalog.origin(s.server or "", s.tool) for s in plan.steps]
        found: dict[str, Tool] = {tool.public: tool for tool in named if tool is not None}
        subject = plan.by_id.get(step)
        nameless = subject is not None and evidence.catalog.origin(subject.server or "", subject.tool) is None
        if subject is not None and nameless and step != OUTPUT:
            near = ranked_tools(view_of(plan, subject, evidence))[:4]
            found |= {fit.tool.public: fit.tool for fit in near}
        if wide and len(found) < SHOWN and plan.goal:
            for tool in await self.find(evidence.catalog, plan.goal, SHOWN):
                found.setdefault(tool.public, tool)
        return tuple(sorted(list(found.values())[:SHOWN], key=lambda tool: tool.public))


def _asked_for(value: Json, question: Question) -> bool:
    """Tell whether the goal names an allowed value that the step does not hold already."""
    step = question.plan.by_id[question.step]
    held = {canonical(inner) for _, inner in walk(step.arguments)}
    said = stems(question.plan.goal)
    return canonical(value) not in held and stems(str(value)) <= said


def _closed(tool: Tool, problem: Problem) -> tuple[Json, ...]:
    """The values that an argument may take, where there are few: an enumeration, or true and false."""
    schema = at_location(tool.schema, tool.schema, problem.at)
    allowed = allowed_values(schema, tool.schema)
    if allowed is None and types_of(schema, tool.schema) - {"null"} == {"boolean"}:
        allowed = (True, False)
    return allowed if allowed is not None and len(allowed) <= MOST_ALLOWED else ()


def _preferred(proposal: Proposal, why: str) -> Proposal:
    if proposal.confidence is not Confidence.GUESS:
        return proposal
    evidence = f"{proposal.evidence}; {why}"
    return replace(proposal, evidence=evidence, score=max(CHOSEN, proposal.score))


def _writable(problem: Problem) -> bool:
    return isinstance(problem, MissingArgument | ValueNotAllowed | BadFormat | WrongType) and bool(problem.at)


def _with_value(state: Repair, problem: Problem, value: Json) -> Repair:
    edit = SetArgument(problem.step, problem.at, value)
    plan = apply(state.plan, (edit,))
    if isinstance(plan, Inapplicable):
        return state
    evidence = "the planner took it from the goal or the results, under the argument's schema"
    made = Proposal(problem, (edit,), "planner_value", evidence, Confidence.GUESS, CHOSEN)
    return Repair(plan, (*state.proposals, made))


def _complete(state: Repair, step: str, evidence: Evidence) -> bool:
    left = open_problems(state, step, evidence, ())
    return not [p for p in left if not isinstance(p, Refused) and not _harmless(p)]


def _harmless(problem: Problem) -> bool:
    return isinstance(problem, UnexpectedArgument) and not problem.forbidden


def edits_between(before: Plan, after: Plan) -> tuple[Edit, ...]:
    """Steps taken out, put in, and changed, as edits that turn one plan into the other."""
    edits: list[Edit] = []
    for index, step in enumerate(after.steps):
        old = before.by_id.get(step.id)
        if old is None:
            later = after.steps[index + 1 :]
            anchor = next((other.id for other in later if other.id in before.by_id), None)
            edits.append(AddStep(anchor or before.steps[-1].id, step, anchor))
            continue
        if (old.server, old.tool) != (step.server, step.tool):
            edits.append(SwapTool(step.id, step.server or "", step.tool))
        if old.arguments != step.arguments:
            edits.append(SetArgument(step.id, (), step.arguments))
    edits += [RemoveStep(step.id) for step in before.steps if step.id not in after.by_id]
    return tuple(edits)


def _reconciled(plan: Plan, parent: Candidate, evidence: Evidence) -> Plan:
    """The new plan with the goal and output of the old one, and with its steps that have had an effect."""
    runs = parent.execution.runs
    kept = [s for s in parent.plan.steps if s.id in runs and runs[s.id].ok and _changes(s, evidence)]
    had = {step.id for step in kept}, {(step.server, step.tool) for step in kept}
    fresh = [step for step in plan.steps if step.id not in had[0] and (step.server, step.tool) not in had[1]]
    return replace(plan, steps=(*kept, *fresh), goal=parent.plan.goal, output=parent.plan.output or plan.output)


def _changes(step: Step, evidence: Evidence) -> bool:
    return not reads_only(evidence.catalog.origin(step.server or "", step.tool))


def _adds_effects(plan: Plan, submitted: Plan, evidence: Evidence) -> bool:
    asked = {(step.server, step.tool) for step in submitted.steps}
    return any(_changes(step, evidence) and (step.server, step.tool) not in asked for step in plan.steps)
