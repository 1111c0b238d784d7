"""Run a plan against its upstreams, sending only what has not been sent before.

The edge of the search: it decides nothing about repairs. It keeps the ledger of everything sent in one run, so that a
candidate reuses what earlier candidates got, and asks `effects.may_send` before a step is sent again.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Set
from contextlib import suppress
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter

import anyio
from anyio import to_thread

from proxy.ports import Client, Journal, Upstreams
from proxy.repair.read.diagnose import BLOCKS_SENDING, static_problems, view_of
from proxy.repair.read.refusal import error_text, read
from proxy.repair.search.effects import hollow, may_send, verdict_of
from proxy.repair.search.gates import SPENT, UNSURE, unsure
from proxy.repair.search.laws import adds, carries
from proxy.repair.view import order
from proxy.repair.view.schema import breaches
from proxy.repair.view.step import Evidence, StepView
from proxy.repair.view.values import LARGEST, larger, lone_result, value_of
from proxy.tracing import followed
from proxy.workflows.checkpoint import Checkpoint
from proxy.workflows.ledger import Ledger
from schemas.catalog import Effect, Json, Tool, as_list
from schemas.edit import Confidence
from schemas.plan import Plan, Step
from schemas.problem import (
    MissingArgument,
    OutcomeUnknown,
    OutputBroken,
    Problem,
    UnresolvedReference,
    WrongType,
)
from schemas.record import CallRecord
from schemas.trial import Execution, Lost, Reply, StepRun, Verdict

UNNOTED = "the journal cannot be written now, so this call was not sent"
IN_FLIGHT = 64
"""Steps of one plan that are under way at once."""


@dataclass
class Executor:
    """Runs plans of one `run_workflow` (or one repaired call) over a shared ledger."""

    upstreams: Upstreams
    journal: Journal
    client: Client
    ledger: Ledger
    repair_id: str | None = None
    submitted: Plan | None = None
    """The plan as it was asked for, which decides what a changed one may send; None where nothing is changed."""
    durable: bool = False
    """Whether an effect is sent only once the journal holds it: what a run that is killed is resumed by."""
    checkpoint: Checkpoint = field(default_factory=Checkpoint)
    """What a run that is killed needs to be gone on with."""
    stop_at_failure: bool = False
    validators: bool = True
    """Whether results are held against output schemas and steps' own validators."""
    graph: bool = True
    """Whether references decide the order; else steps run one by one as they are listed."""
    limiter: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(IN_FLIGHT))
    params: Mapping[str, Json] = field(default_factory=dict[str, Json])
    """What the client's own call holds beside name and arguments."""
    runs: dict[str, StepRun] = field(default_factory=dict[str, StepRun])
    """Each step's run in the execution under way, or in the last one: what is known when a deadline cuts it short."""

    async def execute(
        self,
        plan: Plan,
        evidence: Evidence,
        sureness: Mapping[str, Confidence] | None = None,
        given_up: frozenset[str] = frozenset(),
    ) -> Execution:
        """Run every step that can run, in parallel where order allows, and return each step's last run.

        `sureness` is the least confidence of the edits of each changed step; `given_up` are failed steps that no
        longer hold back steps which merely follow them in the list.
        """
        trial = _Trial(self, plan, evidence, sureness or {}, given_up)
        self.runs = trial.runs
        before = self.ledger.calls, self.ledger.reused
        await trial.run()
        calls, reused = self.ledger.calls - before[0], self.ledger.reused - before[1]
        return Execution({step.id: trial.runs[step.id] for step in plan.steps}, calls, reused)

    def admit(self, tool: Tool, step: str, arguments: Json, reply: Reply, call_id: str, ms: float) -> None:
        """Enter a call into the ledger that was sent before this executor took over."""
        run = StepRun(step, tool.server, tool.name, arguments, Verdict.OK, reply, None, call_id, tool.effect, ms)
        self.ledger.calls += 1
        self.ledger.enter(tool, self._classified(run, tool))

    def history(self, step: str) -> list[StepRun]:
        """Everything sent for a step so far, the items of a mapped step included."""
        return [run for key, runs in self.ledger.history.items() if key.split("[")[0] == step for run in runs]

    @property
    def spent(self) -> bool:
        """Tell whether the call budget is used up."""
        return self.ledger.spent

    async def send(self, tool: Tool, step: str, arguments: Json) -> StepRun:
        """Send one call, journal it before (where it has an effect in a workflow) and after, and classify the reply."""
        call_id = self.journal.new_id("call")
        run = StepRun(step, tool.server, tool.name, arguments, Verdict.UNKNOWN, None, None, call_id, tool.effect)
        record = CallRecord(
            call_id, time.time(), self.client.session, tool.server, tool.name, arguments, "sent",
            repair_id=self.repair_id, step=step, effect=tool.effect.value,
        )  # fmt: skip
        lasting = self.durable and tool.effect is not Effect.READ
        if lasting:
            self.journal.call(record)
            why = "" if await self.journal.flush() else UNNOTED
            earlier = [run for runs in self.ledger.history.values() for run in runs]
            if why := why or await self.checkpoint.sending(run, earlier):
                self.journal.call(replace(record, outcome=Verdict.NOT_SENT.value))
                return _unnoted(run, why)
        self.ledger.calls += 1
        if followed.by is not None:
            followed.by.calling(record)
        clock = time.perf_counter()
        reply = Reply(lost=Lost.TIMED_OUT, message="the run ended before an answer came")
        try:
            reply = await self.upstreams.call(
                tool, {**self.params, "name": tool.name, "arguments": arguments}, self.client
            )
        finally:
            start_ms = round(reply.waited * 1000, 3)
            ms = max(0.0, (time.perf_counter() - clock) * 1000 - start_ms)
            run = self._classified(replace(run, reply=reply, ms=round(ms, 3)), tool)
            self.journal.call(
                replace(
                    record,
                    outcome=run.verdict.value,
                    ms=run.ms,
                    reply=_written(reply),
                    message=reply.message,
                    start_ms=start_ms,
                )
            )
            self.ledger.enter(tool, run)
            self.checkpoint.sent(run)
        if lasting:
            await self.checkpoint.settled()
            await self.journal.flush()
        return run

    def _classified(self, run: StepRun, tool: Tool) -> StepRun:
        assert run.reply is not None  # noqa: S101  a run that was sent always has one
        text = error_text(run.reply) if run.reply.refused else ""
        reading = read(text, run.arguments, tuple(tool.properties))
        verdict, blamed = verdict_of(run.reply, tool, run.arguments, reading)
        if verdict is Verdict.OK and self.validators and hollow(run.reply, tool):
            verdict = Verdict.SILENT
        return replace(
            run,
            verdict=verdict,
            blamed=blamed,
            value=value_of(run.reply.result) if run.reply.result is not None else None,
        )


def _unnoted(run: StepRun, why: str) -> StepRun:
    """A call that was not sent, as nobody could have known of it after a crash."""
    unsent = Reply(lost=Lost.NOT_SENT, message=why)
    return replace(run, verdict=Verdict.NOT_SENT, reply=unsent, problems=(OutcomeUnknown(step=run.step, message=why),))


def _written(reply: Reply) -> Json:
    return reply.result if reply.result is not None else reply.error


@dataclass
class _Trial:
    """One execution of one plan: who waits for whom, and what came of it."""

    owner: Executor
    plan: Plan
    evidence: Evidence
    sureness: Mapping[str, Confidence]
    given_up: frozenset[str]
    runs: dict[str, StepRun] = field(default_factory=dict[str, StepRun])
    failed: bool = False

    async def run(self) -> None:
        """Start every step; each waits for its predecessors."""
        waits, stuck = await to_thread.run_sync(self._ordered)
        done = {step.id: anyio.Event() for step in self.plan.steps}
        async with anyio.create_task_group() as group:
            for step in self.plan.by_id.values():
                group.start_soon(self._when_ready, step, waits[step.id], done, stuck)

    def _ordered(self) -> tuple[Mapping[str, order.Waits], set[str]]:
        waits = order.order(self.plan, self.evidence.catalog) if self.owner.graph else order.listed(self.plan)
        return waits, _stuck(waits)

    async def _when_ready(
        self, step: Step, waits: order.Waits, done: Mapping[str, anyio.Event], stuck: set[str]
    ) -> None:
        for other in waits.all - stuck if step.id in stuck else waits.all:
            await done[other].wait()
        async with self.owner.limiter:
            run = await self._step(step, waits)
        self.runs[step.id] = run
        self.failed = self.failed or not run.ok
        done[step.id].set()

    async def _step(self, step: Step, waits: order.Waits) -> StepRun:
        here = view_of(self.plan, step, replace(self.evidence, runs=self.runs))
        hopeless = here.tool is None or step.id in self.plan.cycle
        if self._blocked(waits) and not hopeless:
            return self._unsent(here, Verdict.BLOCKED, ())
        if (settled := self._settled(here)) is not None:
            return settled
        problems = tuple(problem for problem in static_problems(here) if _keeps_back(problem))
        if problems or here.tool is None:
            return self._unsent(here, Verdict.NOT_SENT, problems)
        if self.owner.stop_at_failure and self.failed:
            return self._unsent(here, Verdict.BLOCKED, ())
        if here.resolved[1]:
            return self._unsent(here, Verdict.BLOCKED, ())
        if larger(here.resolved[0]):
            why = f"its arguments would come to more than {LARGEST:,} characters"
            return self._unsent(here, Verdict.NOT_SENT, (UnresolvedReference(step=step.id, message=why),))
        if here.tool.effect is not Effect.READ and unsure(self.plan, step, self.sureness):
            return self._unsent(here, Verdict.BLOCKED, (UnresolvedReference(step=step.id, message=UNSURE),))
        if why := self._forbidden(here):
            return self._unsent(here, Verdict.NOT_SENT, (UnresolvedReference(step=step.id, message=why),))
        if step.map is not None:
            return await self._mapped(here, here.tool, step.map)
        return await self._once(step, here.tool, here.resolved[0])

    def _forbidden(self, here: StepView) -> str:
        """Why a step that is not as it was asked for must not be sent, whatever proposed it."""
        submitted = self.owner.submitted
        if submitted is None or submitted.by_id.get(here.step.id) == here.step:
            return ""
        return adds(submitted, here) or carries(submitted, here)

    def _settled(self, here: StepView) -> StepRun | None:
        """The success that this very call has had already; None where it has to be looked at."""
        repeated = len(self.plan.by_id) < len(self.plan.steps)
        if here.tool is None or here.step.map is not None or here.resolved[1] or repeated:
            return None
        known = self.owner.ledger.known(here.step.id, here.tool, here.resolved[0])
        return self._reused(here.step, known) if known is not None and known.ok else None

    def _reused(self, step: Step, known: StepRun) -> StepRun:
        self.owner.ledger.reused += known.ok
        return self._checked(step, replace(known, step=step.id))

    def _blocked(self, waits: order.Waits) -> bool:
        must = (*waits.needs, *waits.guards)
        if any(not self._ok(other) for other in must):
            return True
        return any(not self._ok(other) and other not in self.given_up for other in waits.follows)

    def _ok(self, step: str) -> bool:
        run = self.runs.get(step)
        return run is not None and run.ok

    def _unsent(self, here: StepView, verdict: Verdict, problems: tuple[Problem, ...]) -> StepRun:
        arguments = here.resolved[0] if not here.resolved[1] else here.step.arguments
        effect = here.tool.effect if here.tool else Effect.UNKNOWN
        server = here.step.server or ""
        return StepRun(here.step.id, server, here.step.tool, arguments, verdict, effect=effect, problems=problems)

    async def _once(self, step: Step, tool: Tool, arguments: Json, part: str = "") -> StepRun:
        """Reuse what is known of this call, or send it if nothing speaks against it; another call's success is none."""
        ledger = self.owner.ledger
        known = ledger.known(step.id + part, tool, arguments)
        if known is not None:
            return self._reused(step, known)
        history = ledger.history.get(step.id + part, [])
        why = may_send(history, tool, arguments, self.sureness.get(step.id))
        if ledger.spent:
            why = why or SPENT
        if why:
            unsent = StepRun(step.id, tool.server, tool.name, arguments, Verdict.NOT_SENT, effect=tool.effect)
            run = history[-1] if history and not history[-1].ok else unsent
            return replace(run, step=step.id, problems=(*run.problems, OutcomeUnknown(step=step.id, message=why)))
        run = await self.owner.send(tool, step.id + part, arguments)
        return self._checked(step, replace(run, step=step.id))

    def _checked(self, step: Step, run: StepRun) -> StepRun:
        if step.expect is None or not run.ok or not self.owner.validators:
            return run
        broken = breaches(step.expect, run.value)
        if not broken:
            return run
        problem = OutputBroken(step=step.id, message=f"the result breaks the step's validator: {broken[0].message}")
        return replace(run, verdict=Verdict.FAILED, problems=(problem,))

    async def _mapped(self, here: StepView, tool: Tool, argument: str) -> StepRun:
        """Call the step once per item of the list in one argument; its value is the list of the values."""
        items = as_list(here.arguments.get(argument))
        if items is None:
            wrong = WrongType(
                step=here.step.id,
                at=(argument,),
                value=here.arguments.get(argument),
                message=f"map needs a list in {argument!r}",
            )
            return self._unsent(here, Verdict.NOT_SENT, (wrong,))
        runs: list[StepRun] = []
        for index, item in enumerate(items):
            run = await self._once(here.step, tool, {**here.arguments, argument: item}, f"[{index}]")
            runs.append(run)
            if not run.ok:
                return replace(run, arguments={**here.arguments, argument: item})
        values = [lone_result(run.value) for run in runs]
        first = runs[0] if runs else self._unsent(here, Verdict.OK, ())
        return replace(first, arguments=here.arguments, value=values, ms=round(sum(run.ms for run in runs), 3))


def _keeps_back(problem: Problem) -> bool:
    """Tell whether a step with this problem cannot be sent as written, or lacks a required argument."""
    if isinstance(problem, MissingArgument):
        return len(problem.at) == 1
    return isinstance(problem, BLOCKS_SENDING) or (isinstance(problem, WrongType) and not problem.at)


def _stuck(waits: Mapping[str, order.Waits]) -> set[str]:
    """Steps that wait for themselves, directly or through others, and those between such: they are never sent."""
    needs = {step: own.all & waits.keys() for step, own in waits.items()}
    behind: dict[str, set[str]] = {step: set() for step in waits}
    for step, others in needs.items():
        for other in others:
            behind[other].add(step)
    return _never_ready(needs) & _never_ready(behind)


def _never_ready(needs: Mapping[str, Set[str]]) -> set[str]:
    """Those on a cycle, and those that need one of them."""
    sorter, left = TopologicalSorter(needs), set(needs)
    with suppress(CycleError):
        sorter.prepare()
    while ready := sorter.get_ready():
        left.difference_update(ready)
        sorter.done(*ready)
    return left
