"""The evolutionary loop: the only place in repair that awaits.

It calls two ports, executor and planner, and asks pure functions the rest (arXiv 2606.12674). The population belongs
to the caller: when a deadline cancels the loop, the best plan so far is still in hand.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from proxy.repair.aftermath import run_problems
from proxy.repair.consult import Counsel
from proxy.repair.diagnose import output_problems, situation, static_problems
from proxy.repair.edit import Inapplicable, apply
from proxy.repair.effects import may_send
from proxy.repair.intensity import Intensity
from proxy.repair.judge import judge
from proxy.repair.order import has_effect
from proxy.repair.population import Population
from proxy.repair.propose import Repair, repairs
from proxy.repair.situation import OUTPUT, Evidence
from proxy.repair.verbs import GRAVE_VERBS, SPEAKING_VERBS
from proxy.repair.words import words
from schemas.catalog import Effect, Tool, canonical
from schemas.config import Evolution
from schemas.edit import AddStep, Confidence, Dedupe, Proposal
from schemas.plan import Plan, Step
from schemas.problem import Problem, UnexpectedArgument, UnresolvedReference
from schemas.report import Stop
from schemas.trial import Candidate, Execution, StepRun, Verdict

CLEAR_GUESS = 0.05
"""Margin that a guess needs before it is sent to a tool that is not read-only."""
TIE = 0.01
"""Distance to the next candidate within which the evidence singles out neither: not even a read takes one of them."""
LIKELY = 0.3
"""Least score of a guess that is tried at all."""


class Executor(Protocol):
    """Runs a plan, sending only what has not been sent before."""

    async def execute(
        self,
        plan: Plan,
        evidence: Evidence,
        sureness: Mapping[str, Confidence] | None = None,
        given_up: frozenset[str] = frozenset(),
    ) -> Execution:
        """Run every step that can run."""
        ...

    def history(self, step: str) -> list[StepRun]:
        """Everything sent for a step so far."""
        ...

    @property
    def spent(self) -> bool:
        """Tell whether the call budget is used up."""
        ...


Watch = Callable[[int, Candidate], Awaitable[None]]
"""Told after each generation: its number and the best candidate."""


@dataclass
class Search:
    """One search: what was submitted, what may be spent, and everything found so far."""

    submitted: Plan
    evidence: Evidence
    executor: Executor
    settings: Evolution
    generations: int
    rng: random.Random
    population: Population
    watch: Watch
    note: Callable[[Plan], None]
    """Told of every plan before it is executed, so that a run cut off leaves a record of where it was."""
    generation: int = 0
    candidates: int = 0
    intensity: Intensity = field(default_factory=Intensity)
    tried: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    given_up: frozenset[str] = frozenset()
    counsel: Counsel | None = None
    """The planner; None where there is none."""
    ask: Callable[[Step, Sequence[Repair]], Awaitable[Repair | None]] | None = None
    """Lets the person choose; None where nobody is to be asked."""
    asked: set[str] = field(default_factory=set[str])
    redesigned: int = -1_000
    """Generation of the last redesign."""
    frozen: frozenset[str] = frozenset()
    """Upstreams whose calls are never changed (`repair = "off"`)."""
    under_way: Candidate | None = None
    """The candidate whose execution has not ended: what a deadline cuts off."""

    async def run(self) -> Stop:
        """Evolve until solved, out of edits, or out of budget; the best candidate is in `population`."""
        await self.attempt(Candidate(self.submitted))
        while True:
            best = self.population.best
            if best is None or best.outcome.solved:
                return Stop.SOLVED
            if self.generation >= self.generations or self.executor.spent:
                return Stop.BUDGET
            self.generation += 1
            child = await self._redesigned() or self._child() or await self._advised()
            if child is None and not await self._give_up():
                return Stop.NO_EDITS
            if child is not None:
                await self.attempt(child)

    async def attempt(self, candidate: Candidate) -> None:
        """Execute, diagnose, judge and record one candidate."""
        sureness = _sureness(candidate.lineage)
        self.under_way = replace(candidate, generation=self.generation)
        self.note(candidate.plan)
        execution = await self.executor.execute(candidate.plan, self.evidence, sureness, self.given_up)
        learnt = replace(self.evidence, runs=execution.runs)
        candidate = replace(candidate, execution=execution, generation=self.generation)
        outcome = judge(self.submitted, candidate, problems_of(candidate.plan, learnt), learnt)
        candidate = replace(candidate, outcome=outcome)
        before = self.population.best
        self.population.record(candidate)
        self.under_way = None
        self.candidates += 1
        if before is not None:
            self.intensity = self.intensity.after(before.outcome.score.total, outcome.score.total)
        for step in candidate.plan.steps:
            self.tried.setdefault(step.id, set()).add(canonical(step.json()))
        await self.watch(self.generation, self.population.best or candidate)

    def _child(self) -> Candidate | None:
        explore = self.settings.explore and self.rng.random() < self.intensity.exploration and self.generation > 1
        members = self.population.ranked()
        if explore:
            first = self.population.parent(self.rng, self.settings.tournament, explore=True)
            members = [first, *(member for member in members if member is not first)]
        for parent in members:
            child = self._edited(parent, explore=explore)
            if child is not None and self.population.untried(child.plan.key):
                return child
        return None

    def _edited(self, parent: Candidate, *, explore: bool) -> Candidate | None:
        """Mend every step of a parent that failed by itself, each by its best untried repair."""
        evidence = replace(self.evidence, runs=parent.execution.runs)
        plan, lineage = parent.plan, parent.lineage
        for step in failing(parent):
            if step in plan.by_id and plan.by_id[step].server in self.frozen:
                continue
            options = [option for option in repairs(plan, step, evidence) if self._may_try(option, step, evidence)]
            if not options:
                continue
            chosen = self.rng.choice(options[:3]) if explore else options[0]
            changed = apply(plan, [edit for proposal in chosen.proposals for edit in proposal.edits])
            if not isinstance(changed, Inapplicable):
                plan, lineage = changed, (*lineage, *chosen.proposals)
        return None if plan is parent.plan else replace(parent, plan=plan, lineage=lineage)

    def _may_try(self, option: Repair, step_id: str, evidence: Evidence) -> bool:
        """Tell whether a repair is new, complete, sure enough, and may be sent."""
        if not self._may_send(option, step_id, evidence):
            return False
        step = option.plan.by_id.get(step_id)
        if step is None or step_id == OUTPUT:
            return option.confidence is not Confidence.GUESS or option.score >= 2 * LIKELY
        tool = evidence.catalog.origin(step.server or "", step.tool)
        return tool is not None and sure_enough(option, tool)

    def _may_send(self, option: Repair, step_id: str, evidence: Evidence) -> bool:
        """Tell whether a repair is new, complete, and allowed by what has been sent for its step."""
        if option.open or option.plan.key in self.population.tried:
            return False
        step = option.plan.by_id.get(step_id)
        if step is None or step_id == OUTPUT:
            return True
        adds = any(isinstance(edit, AddStep | Dedupe) for proposal in option.proposals for edit in proposal.edits)
        if canonical(step.json()) in self.tried.get(step_id, ()) and not adds:
            return False
        tool = evidence.catalog.origin(step.server or "", step.tool)
        if tool is None:
            return False
        arguments = situation(option.plan, step, evidence).resolved[0]
        return may_send(self.executor.history(step_id), tool, arguments, option.confidence) == ""

    async def _advised(self) -> Candidate | None:
        """Ask the planner, then the person, where rules leave several repairs open, or none."""
        best = self.population.best
        if best is None or (self.counsel is None and self.ask is None):
            return None
        evidence = replace(self.evidence, runs=best.execution.runs)
        for step in failing(best):
            if step in best.plan.by_id and best.plan.by_id[step].server in self.frozen:
                continue
            options = [
                option for option in repairs(best.plan, step, evidence) if self._may_send(option, step, evidence)
            ]
            chosen: Repair | None = None
            if self.counsel is not None:
                chosen = await self.counsel.choose(best, step, options, evidence)
                chosen = chosen or (None if options else await self.counsel.invent(best, step, evidence))
            if (
                self.ask is not None
                and step in best.plan.by_id
                and (chosen is None or not self._may_try(chosen, step, evidence))
            ):
                chosen = await self._answered(best.plan.by_id[step], options)
            if chosen is not None and self._may_try(chosen, step, evidence):
                return replace(best, plan=chosen.plan, lineage=(*best.lineage, *chosen.proposals))
        return None if self.intensity.stagnant < 1 else await self._redesigned(last=True)

    async def _answered(self, step: Step | None, options: list[Repair]) -> Repair | None:
        """What the person chose for a step, asked once."""
        if self.ask is None or step is None or not options or step.id in self.asked:
            return None
        self.asked.add(step.id)
        return await self.ask(step, options)

    async def _redesigned(self, *, last: bool = False) -> Candidate | None:
        """On stagnation, another plan from the planner, with a cooldown (Evoflux, meta-guided redesign)."""
        best = self.population.best
        settings = self.settings
        due = last or self.intensity.stagnant >= settings.stagnation
        if self.counsel is None or best is None or not settings.redesign or not due:
            return None
        if self.generation - self.redesigned <= settings.cooldown:
            return None
        self.redesigned = self.generation
        child = await self.counsel.redesign(best, replace(self.evidence, runs=best.execution.runs))
        return child if child is not None and self.population.untried(child.plan.key) else None

    async def _give_up(self) -> bool:
        """Let steps run that only follow failed ones in the list; False where there are none."""
        best = self.population.best
        if best is None:
            return False
        failed = frozenset(failing(best))
        waiting = any(run.verdict is Verdict.BLOCKED for run in best.execution.runs.values())
        if failed <= self.given_up or not waiting:
            return False
        self.given_up |= failed
        await self.attempt(best)
        return True


def sure_enough(option: Repair, tool: Tool) -> bool:
    """Tell whether a submitted plan may take this repair unasked: a guess needs likelihood and a clear margin."""
    if option.confidence is not Confidence.GUESS:
        return True
    if tool.effect is Effect.DESTRUCTIVE or set(words(tool.name)) & GRAVE_VERBS - SPEAKING_VERBS:
        return False
    if tool.effect is Effect.READ:
        return option.score >= LIKELY and abs(option.margin) > TIE
    if set(words(tool.name)) & SPEAKING_VERBS:
        return option.score >= 2 * LIKELY and option.margin >= 2 * CLEAR_GUESS
    if has_effect(tool, tool.name):
        return option.score >= 2 * LIKELY and option.margin >= CLEAR_GUESS
    return option.score >= LIKELY and option.margin >= CLEAR_GUESS / 2


def _sureness(lineage: tuple[Proposal, ...]) -> dict[str, Confidence]:
    worst: dict[str, Confidence] = {}
    for proposal in lineage:
        for edit in proposal.edits:
            known = worst.get(edit.step, Confidence.LOSSLESS)
            worst[edit.step] = max(known, proposal.confidence, key=lambda confidence: confidence.rank)
    return worst


def failing(candidate: Candidate) -> list[str]:
    """Steps that failed by themselves (not for want of another), in listed order; the output last."""
    runs = candidate.execution.runs
    found = [step.id for step in candidate.plan.steps if _failed(runs.get(step.id))]
    if any(problem.step == OUTPUT for problem in candidate.outcome.problems):
        found.append(OUTPUT)
    return list(dict.fromkeys(found))


def _failed(run: StepRun | None) -> bool:
    return run is not None and not run.ok and run.verdict is not Verdict.BLOCKED


def problems_of(plan: Plan, evidence: Evidence) -> tuple[Problem, ...]:
    """Everything that is wrong with a plan that has been executed: only steps that did not end well count."""
    found: list[Problem] = []
    for step in plan.by_id.values():
        run = evidence.runs.get(step.id)
        if run is None or run.ok:
            continue
        here = situation(plan, step, evidence)
        static = [p for p in static_problems(here) if not (isinstance(p, UnexpectedArgument) and not p.forbidden)]
        found += [*static, *(problem for problem in run_problems(run) if problem not in static), *run.problems]
        if run.verdict is Verdict.BLOCKED and not static:
            found.append(_waiting(step.id))
    unique = [problem for index, problem in enumerate(found) if problem not in found[:index]]
    return (*unique, *output_problems(plan, evidence))


def _waiting(step: str) -> Problem:
    return UnresolvedReference(step=step, message="not run: a step before it did not end well")
