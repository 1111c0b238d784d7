"""The evolutionary loop: the only place in repair that awaits.

It calls two ports, executor and planner, and asks pure functions the rest (arXiv 2606.12674). The population belongs
to the caller: when a deadline cancels the loop, the best plan so far is still in hand.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

from anyio import to_thread

from proxy.repair.search.advice import Counsel
from proxy.repair.search.candidates import Nursery, Proposed, probe
from proxy.repair.search.gates import sureness
from proxy.repair.search.intensity import Intensity
from proxy.repair.search.laws import objection
from proxy.repair.search.outcome import failing, judged, waiting
from proxy.repair.search.population import Population
from proxy.repair.search.propose import Repair, repairs
from proxy.repair.search.stopping import why_stop
from proxy.repair.view.step import Evidence
from schemas.config import Evolution
from schemas.edit import Confidence
from schemas.plan import Plan, Step
from schemas.report import Stop
from schemas.trial import Candidate, Execution, StepRun


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
    undecided: frozenset[str] = frozenset()
    """Steps whose tied repairs trying could not tell apart."""
    proposed: Proposed = field(default_factory=Proposed)
    """Repairs proposed so far."""
    late: Callable[[], bool] = lambda: False
    """Whether time is over; asked within what does not await."""
    under_way: Candidate | None = None
    """The candidate whose execution has not ended: what a deadline cuts off."""

    async def run(self) -> Stop:
        """Evolve until solved, out of edits, or out of budget; the best candidate is in `population`."""
        await self.attempt(Candidate(self.submitted))
        while True:
            best = self.population.best
            if best is not None and best.outcome.solved and not await self._singled_out(best):
                continue
            stop = why_stop(
                best, self.generation, self.generations, spent=self.executor.spent, early=self.settings.early_stop
            )
            if stop is not None:
                return stop
            self.generation += 1
            child = await self._redesigned() or await to_thread.run_sync(self._child) or await self._advised()
            if child is None and not await self._give_up():
                return Stop.SOLVED if best is not None and best.outcome.solved else Stop.NO_EDITS
            if child is not None:
                await self.attempt(child)

    async def attempt(self, candidate: Candidate) -> None:
        """Execute, diagnose, judge and record one candidate."""
        candidate = replace(candidate, generation=self.generation)
        self.under_way = candidate
        self.note(candidate.plan)
        execution = await self.executor.execute(
            candidate.plan, self.evidence, sureness(candidate.lineage), self.given_up
        )
        judge = partial(judged, self.submitted, candidate, execution, self.evidence, six=self.settings.scores)
        candidate = await to_thread.run_sync(judge)
        before = self.population.best
        self.population.record(candidate)
        self.under_way = None
        self.candidates += 1
        if before is not None:
            self.intensity = self.intensity.after(before.outcome.score.total, candidate.outcome.score.total)
        await self.watch(self.generation, self.population.best or candidate)

    async def _singled_out(self, best: Candidate) -> bool:
        """Try the rivals of every tied choice in a solved candidate; where one does as well, neither is taken.

        A rival that the call budget keeps from being tried counts as one that does as well.
        """
        for tie in best.ties:
            for rival in tie.rivals:
                execution = await self.executor.execute(probe(tie, rival), self.evidence)
                if execution.runs[tie.step].ok or self.executor.spent:
                    self.undecided |= {tie.step}
        if not self.undecided & {tie.step for tie in best.ties}:
            return True
        self.population.drop(lambda member: bool(self.undecided & {tie.step for tie in member.ties}))
        return False

    @property
    def _nursery(self) -> Nursery:
        history = self.executor.history
        return Nursery(
            self.submitted,
            self.evidence,
            history,
            self.population,
            self.settings,
            self.frozen,
            self.undecided,
            self.late,
            self.proposed,
        )

    def _child(self) -> Candidate | None:
        return self._nursery.child(self.rng, self.intensity.exploration, self.generation)

    async def _advised(self) -> Candidate | None:
        """Ask the planner, then the person, where rules leave several repairs open, or none."""
        best = self.population.best
        if best is None or (self.counsel is None and self.ask is None):
            return None
        evidence, nursery = replace(self.evidence, runs=best.execution.runs), self._nursery
        for step in failing(best) if self.settings.edits else ():
            if step in best.plan.by_id and best.plan.by_id[step].server in self.frozen:
                continue
            options = [
                option
                for option in repairs(best.plan, step, evidence)
                if nursery.may_send(option, best.plan, step, evidence) and self.population.untried(option.plan.key)
            ]
            chosen = await self._counselled(best, step, options, evidence)
            if step in best.plan.by_id and (chosen is None or not nursery.may_try(chosen, best.plan, step, evidence)):
                chosen = await self._answered(best.plan.by_id[step], options)
            fresh = chosen is not None and self.population.untried(chosen.plan.key)
            if chosen is not None and fresh and nursery.may_try(chosen, best.plan, step, evidence):
                return replace(best, plan=chosen.plan, lineage=(*best.lineage, *chosen.proposals))
        may_add = self.counsel is not None and self.settings.edits
        child = await self.counsel.complete(best, evidence) if self.counsel is not None and may_add else None
        if child is not None and self._admissible(child, best, evidence):
            return child
        return None if self.intensity.stagnant < 1 else await self._redesigned(last=True)

    async def _counselled(self, best: Candidate, step: str, options: list[Repair], evidence: Evidence) -> Repair | None:
        """What the planner chooses for a step, or writes where there is nothing to choose from."""
        if self.counsel is None:
            return None
        chosen = await self.counsel.choose(best, step, options, evidence)
        return chosen or (None if options else await self.counsel.invent(best, step, evidence))

    async def _answered(self, step: Step, options: list[Repair]) -> Repair | None:
        """What the person chose for a step, asked once."""
        if self.ask is None or not options or step.id in self.asked:
            return None
        self.asked.add(step.id)
        return await self.ask(step, options)

    async def _redesigned(self, *, last: bool = False) -> Candidate | None:
        """On stagnation, another plan from the planner, with a cooldown (arXiv 2606.12674, meta-guided redesign)."""
        best = self.population.best
        settings = self.settings
        due = last or self.intensity.stagnant >= settings.stagnation
        if self.counsel is None or best is None or best.outcome.solved or not settings.redesign or not due:
            return None
        if self.generation - self.redesigned <= settings.cooldown:
            return None
        self.redesigned = self.generation
        evidence = replace(self.evidence, runs=best.execution.runs)
        child = await self.counsel.redesign(best, evidence)
        return child if child is not None and self._admissible(child, best, evidence) else None

    def _admissible(self, child: Candidate, parent: Candidate, evidence: Evidence) -> bool:
        """Tell whether a plan of the planner's is new and breaks no law."""
        made = child.lineage[len(parent.lineage) :]
        return self.population.untried(child.plan.key) and not objection(self.submitted, parent.plan, made, evidence)

    async def _give_up(self) -> bool:
        """Let steps run that only follow failed ones in the list; False where there are none."""
        best = self.population.best
        if best is None:
            return False
        failed = frozenset(failing(best))
        if failed <= self.given_up or not waiting(best):
            return False
        self.given_up |= failed
        await self.attempt(best)
        return True
