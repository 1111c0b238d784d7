"""`run_workflow`: read a submitted plan, run it, evolve it where it fails, and report.

The edge between a client's request and the search: it owns time, randomness, the ledger and the journal entry.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import anyio
import structlog
from anyio import to_thread

from proxy.planner.composing import QUEUE
from proxy.ports import Client, Made, Usage
from proxy.repair import explain
from proxy.repair import report as reports
from proxy.repair.read.diagnose import diagnose
from proxy.repair.read.dialects import Submitted, accepted, normalise_tools, read_submission
from proxy.repair.report import Told
from proxy.repair.search import outcome
from proxy.repair.search.advice import Counsel
from proxy.repair.search.gates import guessed
from proxy.repair.search.loop import Search
from proxy.repair.search.outcome import alternatives_of, failing, judged, suggestions
from proxy.repair.search.population import Intensity, Population
from proxy.repair.view.step import Evidence
from proxy.workflows import journal_entries
from proxy.workflows.asking import ask
from proxy.workflows.checkpoint import Checkpoint
from proxy.workflows.executor import Executor
from proxy.workflows.ledger import Ledger
from proxy.workflows.means import Means
from proxy.workflows.resume import Earlier
from schemas.catalog import Catalog, Json, Tool
from schemas.config import Mode
from schemas.plan import Plan
from schemas.report import Report, Stop
from schemas.trial import Candidate, Execution, StepRun

PLANNED_FROM = 64
"""Tools that a plan is made from; of more, those that suit the goal."""

UNPROVEN: Mapping[str, Any] = {
    "kind": "unproven",
    "step": "output",
    "message": "the run ended before every other repair that could have been meant was tried",
}
"""Why a plan that ran with a guess in it is not claimed where the search was cut off."""


_log: structlog.stdlib.BoundLogger = structlog.get_logger("proxy.workflows.workflow")

_STRICTNESS: dict[str, int] = {"off": 0, "suggest": 1, "auto": 2}


@dataclass
class _Run:
    """One submission under way."""

    submitted: Submitted
    plan: Plan
    mode: Mode
    client: Client
    repair_id: str
    executor: Executor
    seed: int
    made: bool
    """Whether the plan was made from the goal alone."""
    until: float
    """When its time is over, as `time.perf_counter` counts."""

    @property
    def seconds(self) -> float:
        """What is left of it."""
        return max(0.0, self.until - time.perf_counter())

    def late(self) -> bool:
        """Tell whether nothing is left of it."""
        return time.perf_counter() >= self.until


class Workflow(Means):
    """Runs plans over the upstreams of one configuration."""

    async def run(self, raw: Json, client: Client, before: Earlier | None = None) -> Report:
        """Run one submission to its report; never raises for what a plan or an upstream does wrong.

        `before` is an earlier run to go on with: its plan is taken, and nothing it sent is sent again.
        """
        began, usage = time.perf_counter(), self._usage()
        submitted = read_submission(raw if before is None else before.plan)
        repair_id = self._journal.new_id("run") if before is None else before.repair_id
        unplanned = submitted.plan is None and not submitted.faults
        until = began + (submitted.budget.seconds or self._config.workflow.budget.seconds)
        made, ledger = None, Ledger(0)
        if unplanned:
            with anyio.move_on_after(until - time.perf_counter()):
                made = await self._planned(submitted, client, repair_id, until, ledger)
            submitted = replace(submitted, plan=made.plan if made is not None else None)
        if submitted.faults or submitted.plan is None or (made is not None and not made.sure):
            return self._unread(submitted, repair_id, client)
        with anyio.move_on_after(until - time.perf_counter()):
            await self._await_upstreams(submitted.plan)
        plan, notes = normalise_tools(submitted.plan, self._upstreams.catalog)
        submitted = replace(submitted, normalised=(*submitted.normalised, *notes))
        run = self._prepare(submitted, plan, client, repair_id, until, made=unplanned)
        if before is not None:
            run.executor.ledger.history.update(before.sent)
            run.executor.checkpoint.fence = before.fence
        if made is not None:
            run.executor.ledger = replace(ledger, limit=ledger.calls + run.executor.ledger.limit)
        told, best, tried = await self._carry_out(run)
        evidence = self._evidence(best.execution)
        alternatives = {} if best.outcome.solved else await to_thread.run_sync(alternatives_of, best, evidence)
        told = replace(
            told,
            alternatives=alternatives,
            upstream_calls=run.executor.ledger.calls,
            reused_calls=run.executor.ledger.reused,
            planner_calls=self._usage().calls - usage.calls,
            planner_tokens=self._usage().tokens - usage.tokens,
            planner=self._usage().model,
            seconds=time.perf_counter() - began,
        )
        report = await to_thread.run_sync(reports.report, told, best, evidence)
        found = await to_thread.run_sync(diagnose, run.plan, self._evidence())
        entry = await to_thread.run_sync(journal_entries.ended, report, client.session, run.plan, found, tried)
        self._journal.run(entry)
        run.executor.checkpoint.end()
        if report.status == "repaired" and self._config.evolution.memory:
            self._memories.learn(run.plan, best.lineage, evidence)
            self._memories.count(best)
        return report

    async def _planned(
        self, submitted: Submitted, client: Client, repair_id: str, until: float, ledger: Ledger
    ) -> Made | None:
        """Make the plan from the goal and the live catalog (arXiv 2606.12674, planning from a goal).

        What is read on the way is entered into `ledger`. None without a planner or an answer.
        """
        await self._await_upstreams(Plan(()))
        if self._planner is None or not self._config.evolution.planning:
            return None
        await client.progress(0.0, None, "planning")
        catalog = self._upstreams.catalog
        few = len(catalog.tools) <= PLANNED_FROM
        tools = catalog.tools if few else await self._find(catalog, submitted.goal, PLANNED_FROM)
        run = self._prepare(submitted, Plan((), submitted.goal), client, repair_id, until, made=True)
        ledger.limit = run.executor.ledger.limit * QUEUE
        run.executor.ledger = ledger
        return await self._planner.advisor.plan(submitted.goal, tools, partial(self._read, run))

    async def _read(self, run: _Run, plan: Plan) -> Candidate | None:
        """Run a plan that only reads, mended by rules where that is no guess; None where it fails.

        Of its steps the client has asked for none: what one upstream returned goes to no other on the planner's word.
        It leaves no record, since it sends nothing that must not be sent again.
        """
        run = replace(run, plan=plan, made=False)
        run.executor.submitted = Plan((), plan.goal)
        search = replace(self._search(run), counsel=None, ask=None, reads=None, note=None)
        stop, best = await search.run(), search.population.best
        return best if stop is Stop.SOLVED and best is not None and not guessed(best.lineage) else None

    def _prepare(
        self, submitted: Submitted, plan: Plan, client: Client, repair_id: str, until: float, *, made: bool
    ) -> _Run:
        settings, budget = self._config.workflow.budget, submitted.budget
        calls = budget.calls or settings.calls_per_step * max(1, len(plan.steps))
        evolution = self._config.evolution
        executor = Executor(
            self._upstreams, self._journal, client, Ledger(calls), repair_id, plan,
            durable=True, checkpoint=Checkpoint(repair_id, self._kept),
            validators=evolution.validators, graph=evolution.graph,
        )  # fmt: skip
        modes: list[Mode] = [self._config.repair.mode]
        if submitted.mode in ("auto", "suggest", "off"):
            modes.append(submitted.mode)
        mode = min(modes, key=lambda one: _STRICTNESS[one])
        seed = submitted.seed if submitted.seed is not None else 0
        return _Run(submitted, plan, mode, client, repair_id, executor, seed, made, until)

    def _evidence(self, execution: Execution | None = None) -> Evidence:
        return replace(
            self._known(),
            runs=execution.runs if execution is not None else {},
            typed=self._config.evolution.graph,
            absent=frozenset(self._config.upstreams) - self._upstreams.catalog.offering,
        )

    async def _await_upstreams(self, plan: Plan) -> None:
        """Wait for upstreams that are still connecting, as long as a step's tool is not there yet."""
        names = list(self._config.upstreams)
        if not plan.steps:
            await self._all_ready(names)
        for step in plan.steps:
            if accepted(self._upstreams.catalog, step) is not None:
                continue
            await self._all_ready([step.server] if step.server in names else names)

    async def _all_ready(self, names: list[str]) -> None:
        async with anyio.create_task_group() as group:
            for name in names:
                group.start_soon(self._upstreams.ready, name)

    async def _carry_out(self, run: _Run) -> tuple[Told, Candidate, list[Candidate]]:
        told = Told(run.repair_id, run.plan, Stop.OFF, run.submitted.normalised, seed=run.seed)
        if run.mode != "auto":
            return *await self._once(run, told), []
        search = self._search(run)
        with anyio.move_on_after(run.seconds) as scope:
            try:
                told = replace(told, stop=await search.run())
            except Exception as error:  # noqa: BLE001  what was sent must reach the report, whatever broke
                _log.exception("the search failed", repair_id=run.repair_id)
                message = (
                    f"mcp-mend itself failed ({type(error).__name__}: {error}); what had been sent is in the report"
                )
                told = replace(told, stop=Stop.FAULT, problems=({"kind": "fault", "step": "", "message": message},))
        if scope.cancelled_caught:
            told = replace(told, stop=Stop.DEADLINE)
        if search.under_way is not None:
            search.population.record(self._unfinished(run, search.under_way))
        best = self._with_lost_calls(run, search.population.best or self._unfinished(run, Candidate(run.plan)))
        if told.stop is not Stop.SOLVED and best.outcome.solved and guessed(best.lineage):
            told = replace(told, problems=(*told.problems, UNPROVEN))
        told = replace(told, generations=search.generation, candidates=search.candidates, contested=search.contested)
        return told, best, list(search.population.tried.values())

    def _search(self, run: _Run) -> Search:
        budget, settings, evolution = run.submitted.budget, self._config.workflow.budget, self._config.evolution

        async def watch(generation: int, best: Candidate) -> None:
            bad = ", ".join(map(explain.shown, failing(best))) or "none"
            message = f"generation {generation}: best score {best.outcome.score.total:.2f}, failing: {bad}"
            await run.client.progress(float(generation), None, message)

        def note(plan: Plan) -> None:
            run.executor.checkpoint.plan(plan.json())
            self._journal.run(journal_entries.under_way(run.repair_id, run.client.session, run.plan, plan))

        return Search(
            run.plan,
            self._evidence(),
            run.executor,
            evolution,
            settings.generations if budget.generations is None else budget.generations,
            Population(budget.population or settings.population),
            watch,
            note,
            made=run.made,
            counsel=self._counsel(),
            counts=self._memories.counts if evolution.memory else {},
            late=run.late,
            ask=partial(ask, run.client) if self._config.repair.ask else None,
            reads=partial(self._reads, run.client) if self._config.repair.ask else None,
            intensity=Intensity(
                evolution.rho, evolution.intensity_min, evolution.intensity_max, adaptive=evolution.adaptive
            ),
            frozen=frozenset(
                name for name, upstream in self._config.upstreams.items() if upstream.repair in ("off", "suggest")
            ),
        )

    def _usage(self) -> Usage:
        return self._planner.planner.usage if self._planner is not None else Usage()

    def _counsel(self) -> Counsel | None:
        return Counsel(self._planner.advisor, self._find) if self._planner is not None else None

    async def _find(self, catalog: Catalog, text: str, limit: int) -> list[Tool]:
        """The tools that suit a text, best first."""
        if self._planner is None:
            return []
        return [hit.tool for hit in await self._planner.shortlist.nearest(catalog, text, limit)]

    def _unfinished(self, run: _Run, candidate: Candidate) -> Candidate:
        """What is known of a candidate whose execution was cut off."""
        return self._judged(run, candidate, outcome.unfinished(candidate.plan, run.executor.runs))

    def _with_lost_calls(self, run: _Run, candidate: Candidate) -> Candidate:
        """A candidate that says of each step whose last call got no answer that its outcome is unknown."""
        last = {step: next(reversed(run.executor.history(step)), None) for step in candidate.plan.by_id}
        runs = outcome.with_lost_calls(candidate.plan, candidate.execution.runs, last)
        return candidate if runs == candidate.execution.runs else self._judged(run, candidate, runs)

    def _judged(self, run: _Run, candidate: Candidate, runs: dict[str, StepRun]) -> Candidate:
        execution = replace(candidate.execution, runs=runs)
        return judged(run.plan, candidate, execution, self._evidence(), six=self._config.evolution.scores)

    async def _once(self, run: _Run, told: Told) -> tuple[Told, Candidate]:
        """Run the plan as it is; in suggest mode stop at the first failure and say what would be changed."""
        run.executor.stop_at_failure = run.mode == "suggest"
        run.executor.checkpoint.plan(run.plan.json())
        everything = frozenset(run.plan.by_id) if run.mode == "off" else frozenset[str]()
        with anyio.move_on_after(run.seconds) as scope:
            await run.executor.execute(run.plan, self._evidence(), given_up=everything)
        best = self._with_lost_calls(run, self._unfinished(run, Candidate(run.plan)))
        stop = Stop.OFF if run.mode == "off" else Stop.SUGGESTED
        if scope.cancelled_caught:
            stop = Stop.DEADLINE
        elif best.outcome.solved:
            stop = Stop.SOLVED
        told = replace(told, stop=stop, candidates=1)
        if stop is Stop.SUGGESTED:
            evidence = self._evidence(best.execution)
            proposals, plan = await to_thread.run_sync(suggestions, best, evidence, run.late)
            told = replace(told, suggested=proposals, suggestion=plan)
        return told, best

    def _unread(self, submitted: Submitted, repair_id: str, client: Client) -> Report:
        problems: list[Mapping[str, Any]] = [
            {"kind": "malformed_plan", "step": fault.where, "message": fault.message} for fault in submitted.faults
        ]
        if not problems:
            message = "the planner made no plan from this goal; submit steps"
            if not self._config.evolution.planning:
                message = "planning from a goal is switched off (evolution.planning); submit steps"
            elif not self._usage().calls:
                message = (
                    "a plan from a goal alone needs a planner (`mcp-mend doctor` says what it lacks); submit steps"
                )
            if submitted.plan is not None:
                message = (
                    "a plan made from a goal is run where it only reads and the planner is sure of it: "
                    "look at this one, and submit its steps"
                )
            problems.append({"kind": "no_plan", "step": "", "message": message})
        plan = submitted.plan or Plan((), submitted.goal)
        if submitted.faults and submitted.plan is not None:
            plan, _ = normalise_tools(submitted.plan, self._upstreams.catalog)
            found = diagnose(plan, self._evidence())
            problems += [explain.problem_json(problem) for problem in found]
        told = Told(repair_id, plan, Stop.INVALID, submitted.normalised, problems=tuple(problems))
        report = reports.unread(told)
        self._journal.run(journal_entries.ended(report, client.session, plan))
        return report
