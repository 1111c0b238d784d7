"""The evolutionary loop: the only place in repair that awaits.

It calls two ports, executor and planner, and asks pure functions the rest (arXiv 2606.12674). A single call is a plan
of one step. The population belongs to the caller: when a deadline cancels the loop, the best plan so far is in hand.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from anyio import to_thread

from proxy import tracing
from proxy.repair.edits import Inapplicable, apply
from proxy.repair.report import output_of
from proxy.repair.search.advice import Counsel
from proxy.repair.search.candidates import Proposed, Variation, with_repair
from proxy.repair.search.coverage import assumed, by_default, misses
from proxy.repair.search.gates import Gate, agree, cut_off, guessed, held, proven, sureness
from proxy.repair.search.laws import objection
from proxy.repair.search.outcome import failing, judged, waiting
from proxy.repair.search.population import Intensity, Population
from proxy.repair.search.preference import prefers
from proxy.repair.search.propose import Repair, repairs
from proxy.repair.search.recall import Counts
from proxy.repair.search.rivals import ignores, misread, with_rival
from proxy.repair.view.step import Evidence
from schemas.catalog import Effect, Json, Tool
from schemas.config import Evolution
from schemas.edit import Confidence
from schemas.plan import Plan, Step, walk
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


Ask = Callable[[Step, Sequence[Repair]], Awaitable[Repair | None]]
"""Lets the person choose among repairs of a step; the chosen one comes back as evident."""
Watch = Callable[[int, Candidate], Awaitable[None]]
"""Told after each generation: its number and the best candidate."""


ROUNDS = 3
"""Times that a rival is mended before it counts as failed."""


@dataclass
class Search:
    """One search: what was submitted, what may be spent, and everything found so far."""

    submitted: Plan
    evidence: Evidence
    executor: Executor
    settings: Evolution
    generations: int
    population: Population = field(default_factory=Population)
    watch: Watch | None = None
    note: Callable[[Plan], None] | None = None
    """Told of every plan before it is executed, so that a run cut off leaves a record of where it was."""
    generation: int = 0
    candidates: int = 0
    intensity: Intensity = field(default_factory=Intensity)
    given_up: frozenset[str] = frozenset()
    made: bool = False
    """Whether the plan is ours, made from the goal alone."""
    counsel: Counsel | None = None
    """The planner; None where there is none."""
    ask: Ask | None = None
    """None where nobody is to be asked."""
    reads: Callable[[Tool], Awaitable[bool]] | None = None
    """Asks the person whether a tool only reads; None where nobody is to be asked."""
    asked: set[str] = field(default_factory=set[str])
    redesigned: int = -1_000
    """Generation of the last redesign."""
    frozen: frozenset[str] = frozenset()
    """Upstreams whose calls are never changed (`repair = "off"`)."""
    contested: tuple[Candidate, ...] = ()
    """Candidates that ran to the end with different values, so that none of them is claimed."""
    settled: frozenset[str] = frozenset()
    """Steps whose guesses trying could not tell apart: no more are taken for them."""
    proposed: Proposed = field(default_factory=Proposed)
    """Repairs proposed so far."""
    counts: Counts = field(default_factory=dict[str, tuple[int, int]])
    """How often the user's own guesses were right."""
    late: Callable[[], bool] = lambda: False
    """Whether time is over; asked within what does not await."""
    under_way: Candidate | None = None
    """The candidate whose execution has not ended: what a deadline cuts off."""

    async def run(self, first: Execution | None = None) -> Stop:
        """Evolve until a plan may be claimed, nothing is left to try, or the budget ends; the best is in `population`.

        `first` is the execution of the submitted plan where it has had one. Without `early_stop` the generations are
        spent although a plan is solved.
        """
        if first is None:
            await self.attempt(Candidate(self.submitted))
        else:
            self.population.record(await to_thread.run_sync(self._judged, Candidate(self.submitted), first))
        while True:
            best = self.population.best
            solved = best is not None and best.outcome.solved
            if best is not None and held(best) and guessed(best.lineage):
                await self._prove(best)
                continue
            if best is not None and solved and self.settings.early_stop:
                stop = await self.claimed(best)
                if stop is not None:
                    return stop
                continue
            if self.generation >= self.generations or self.executor.spent:
                return await self._ended(best, Stop.BUDGET)
            self.generation += 1
            if not await tracing.generation(self.generation, self._grown()):
                return await self._ended(best, Stop.CONTESTED if self.contested else Stop.NO_EDITS)

    async def _ended(self, best: Candidate | None, otherwise: Stop) -> Stop:
        """Why the search ends with this candidate: without `early_stop` a solved one is claimed only now."""
        solved = best is not None and best.outcome.solved
        return (best is not None and solved and await self.claimed(best)) or otherwise

    async def _grown(self) -> bool:
        """Tell whether this generation tried anything."""
        return await self._generation() or await self._give_up()

    async def _generation(self) -> bool:
        """Try the next candidates: one that is sure, else what the planner says, else some that are not sure."""
        child = await self._redesigned()
        if child is None and not self.settings.edits:
            return False
        child = child or await to_thread.run_sync(self._variation.sure) or await self._advised()
        if child is not None:
            await self.attempt(child)
            return True
        tried = 0
        while tried < self.intensity.breadth and not self.executor.spent:
            child = await to_thread.run_sync(self._variation.child)
            if child is None:
                break
            tried += 1
            if (await self.attempt(child)).outcome.solved:
                break
        return tried > 0 or await self._last_resort()

    async def attempt(self, candidate: Candidate) -> Candidate:
        """Execute, diagnose, judge and record one candidate."""
        return await tracing.candidate(candidate.lineage, self._attempted(candidate))

    async def _attempted(self, candidate: Candidate) -> Candidate:
        candidate = replace(candidate, generation=self.generation)
        self.under_way = candidate
        if self.note is not None:
            self.note(candidate.plan)
        execution = await self.executor.execute(
            candidate.plan, self.evidence, sureness(candidate.lineage), self.given_up
        )
        candidate = await to_thread.run_sync(self._judged, candidate, execution)
        before = self.population.best
        self.population.record(candidate)
        self.under_way = None
        self.candidates += 1
        if before is not None:
            self.intensity = self.intensity.after(before.outcome.score.total, candidate.outcome.score.total)
        if self.watch is not None:
            await self.watch(self.generation, self.population.best or candidate)
        return candidate

    def _judged(self, candidate: Candidate, execution: Execution) -> Candidate:
        return judged(self.submitted, candidate, execution, self.evidence, six=self.settings.scores)

    async def claimed(self, best: Candidate) -> Stop | None:
        """Why to stop with a solved candidate: it may be claimed, or leaves the goal open; None: it is set aside.

        Every rival of every guess in it is tried; one that runs to the end with another value, or that the budget
        keeps from being tried, leaves neither. A plan of ours that finds nothing leaves the goal open.
        """
        if guessed(best.lineage) and (misread(best) or ignores(best) or not await self._stands_alone(best)):
            await self._set_aside(best)
            return None
        changed = self.made or any(proposal.confidence is not Confidence.LOSSLESS for proposal in best.lineage)
        plan = replace(best.plan, goal=self.submitted.goal)
        catalog = self.evidence.catalog
        open_ = changed and await to_thread.run_sync(misses, plan, best.lineage, catalog)
        open_ = open_ or bool(assumed(plan, best.lineage, catalog))
        found = not self.made or any(not isinstance(value, dict | list) for _, value in walk(self._value(best)))
        return Stop.UNCOVERED if open_ or not found else Stop.SOLVED

    async def _prove(self, best: Candidate) -> None:
        """Send the effects that wait for a guess, once everything else that could have been meant has failed."""
        tried = {of.step for of in best.rivals if of.others}
        if guessed(best.lineage) <= tried and await self._stands_alone(best, strictly=True):
            self.population.drop(lambda member: member is best)
            await self.attempt(replace(best, lineage=proven(best.lineage), rivals=()))
        else:
            await self._set_aside(best)

    async def _set_aside(self, best: Candidate) -> None:
        """Take a candidate that may not be claimed out of the population; where it is contested, its like too.

        What is sure in it stays.
        """
        if all(one is not best for one in self.contested):
            self.population.drop(lambda member: member is best)
            return
        self.settled |= guessed(best.lineage)
        self.population.drop(lambda member: bool(guessed(member.lineage) & self.settled))
        sure = self._without_guesses(best)
        if sure is not None:
            await self.attempt(sure)

    def _value(self, candidate: Candidate) -> Json:
        """What a candidate comes to: its output, or what it would send where an effect waits."""
        return held(candidate) or output_of(candidate.plan, replace(self.evidence, runs=candidate.execution.runs))

    async def _stands_alone(self, best: Candidate, *, strictly: bool = False) -> bool:
        """Tell whether no rival of a guess contradicts it: what runs to the end gives the same value.

        One does not that the goal speaks against; `strictly`, it does all the same.
        """
        for of in best.rivals:
            for other in of.others:
                rival = with_rival(self.submitted, best, of, other)
                if rival is not None and not await self._outlives(best, rival, strictly=strictly):
                    return False
        return True

    async def _outlives(self, best: Candidate, rival: Candidate, *, strictly: bool) -> bool:
        tried = await self._tried_out(rival, len(guessed(best.lineage)))
        if tried is None or cut_off(tried):
            self.contested = (best,)
            return False
        stands = tried.outcome.solved or held(tried)
        if not stands or agree(self._value(best), self._value(tried)):
            return True
        catalog = self.evidence.catalog
        if not strictly and prefers(self.submitted, best.plan, tried.plan, catalog):
            self.population.drop(lambda member: member is tried)
            return True
        if strictly or not prefers(self.submitted, tried.plan, best.plan, catalog):
            self.contested = (best, tried)
        elif all(member is not tried for member in self.population.members):
            self.population.record(tried)
        return False

    async def _tried_out(self, rival: Candidate, guesses: int) -> Candidate | None:
        """A rival with what its own results need to run to the end, on at most so many guesses; None: no budget."""
        for _ in range(ROUNDS):
            if self.population.untried(rival.plan.key):
                if self.executor.spent:
                    return None
                rival = await self.attempt(rival)
            else:
                rival = self.population.tried[rival.plan.key]
            better = None if rival.outcome.solved else await to_thread.run_sync(self._variation.mended, rival, guesses)
            if better is None:
                break
            rival = better
        return rival

    def _without_guesses(self, best: Candidate) -> Candidate | None:
        """What is left of a candidate without its guesses; None where that has been tried."""
        lineage = tuple(proposal for proposal in best.lineage if proposal.confidence is not Confidence.GUESS)
        plan = apply(self.submitted, [edit for proposal in lineage for edit in proposal.edits])
        if isinstance(plan, Inapplicable) or not self.population.untried(plan.key):
            return None
        return Candidate(plan, lineage)

    @property
    def _gate(self) -> Gate:
        return Gate(self.submitted, self.executor.history, self.frozen)

    @property
    def _variation(self) -> Variation:
        return Variation(
            self.submitted, self.evidence, self._gate, self.population, self.settings, self.counts, self.late,
            self.proposed, self.settled,
        )  # fmt: skip

    async def _advised(self) -> Candidate | None:
        """Ask the planner where rules leave several repairs of a step open, or none."""
        best = self.population.best
        if best is None or self.counsel is None:
            return None
        evidence, variation = replace(self.evidence, runs=best.execution.runs), self._variation
        for step in failing(best):
            if step in best.plan.by_id and best.plan.by_id[step].server in self.frozen:
                continue
            options = [
                option
                for option in variation.options(best, best.plan, step, evidence)
                if self.population.untried(option.plan.key)
            ]
            options = [] if all(by_default(option.proposals) for option in options) else options
            chosen = await self.counsel.choose(best, step, options, evidence)
            chosen = chosen or (None if options else await self.counsel.invent(best, step, evidence))
            fresh = chosen is not None and self.population.untried(chosen.plan.key)
            if chosen is not None and fresh and not self._gate.closed(chosen, best.plan, step, evidence):
                return with_repair(best, step, chosen, options)
        return None

    async def _last_resort(self) -> bool:
        """Where no edit is left that may be tried, ask the person, and then the planner for another plan."""
        best = self.population.best
        if best is None or best.outcome.solved:
            return False
        evidence = replace(self.evidence, runs=best.execution.runs)
        for step in failing(best):
            if await self._answered(best, step, evidence) or await self._reads(best, step, evidence):
                return True
        if self.counsel is None:
            return False
        child = await self._redesigned(last=True) if self.intensity.stagnant else None
        if child is not None:
            await self.attempt(child)
        return child is not None

    async def _answered(self, best: Candidate, step_id: str, evidence: Evidence) -> bool:
        """Try the repair that the person chose for a step, asked once."""
        step = best.plan.by_id.get(step_id)
        if self.ask is None or step is None or step_id in self.asked or self.executor.spent:
            return False
        options = [
            option
            for option in repairs(best.plan, step_id, evidence)
            if not self._gate.closed(option, best.plan, step_id, evidence, chosen=True)
        ]
        self.asked.add(step_id)
        chosen = await self.ask(step, options) if options else None
        if chosen is None or self._gate.closed(chosen, best.plan, step_id, evidence):
            return False
        child = with_repair(best, step_id, chosen, ())
        if child is not None:
            await self.attempt(child)
        return child is not None

    async def _reads(self, best: Candidate, step_id: str, evidence: Evidence) -> bool:
        """Where nothing but its unknown effect keeps a step from being mended, ask whether its tool only reads."""
        step = best.plan.by_id.get(step_id)
        tool = evidence.catalog.origin(step.server or "", step.tool) if step is not None else None
        if self.reads is None or tool is None or tool.effect is not Effect.UNKNOWN or tool.override is not None:
            return False
        told = evidence.catalog.with_tool(replace(tool, override=Effect.READ))
        learnt = replace(evidence, catalog=told)
        options = repairs(best.plan, step_id, learnt)
        if all(self._gate.closed(option, best.plan, step_id, learnt) for option in options):
            return False
        if not await self.reads(tool):
            return False
        self.evidence = replace(self.evidence, catalog=told)
        self.proposed.clear()
        return True

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
