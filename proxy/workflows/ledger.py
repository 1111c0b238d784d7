"""The ledger of one run: what has been sent for which step, and what may be used again.

Pure state; nothing is sent here.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from proxy.repair.search.effects import is_call, may_send
from schemas.catalog import Effect, Json, Tool, canonical
from schemas.trial import StepRun, Verdict


@dataclass
class Ledger:
    """What one run has sent so far.

    `history` holds every sending by step id; `reads` serves read-only calls to all candidates while their server's
    epoch stands; anything not read-only moves that epoch.
    """

    limit: int
    history: dict[str, list[StepRun]] = field(default_factory=dict[str, list[StepRun]])
    reads: dict[tuple[str, str, str, int], StepRun] = field(default_factory=dict[tuple[str, str, str, int], StepRun])
    epochs: dict[str, int] = field(default_factory=dict[str, int])
    marks: dict[str, int] = field(default_factory=dict[str, int])
    """Call id to the epoch of its server right after it."""
    calls: int = 0
    reused: int = 0

    def known(self, step: str, tool: Tool, arguments: Json) -> StepRun | None:
        """The result to use in place of a sending: the step's own for this call, its success, or a shared read.

        A failed call is repeated only where its server has changed since and nothing is risked by it.
        """
        history = self.history.get(step, [])
        for run in reversed(history):
            if is_call(run, tool, arguments) and (run.ok or not self._worth_repeating(run, tool)):
                return run
        if history and history[-1].ok and tool.effect is not Effect.READ:
            return history[-1]
        shared = self.reads.get(self.key(tool, arguments)) if tool.effect is Effect.READ else None
        return replace(shared, reused=True) if shared is not None else None

    def _worth_repeating(self, run: StepRun, tool: Tool) -> bool:
        if run.verdict is Verdict.NOT_EXECUTED:
            return False
        changed = self.epochs.get(tool.server, 0) > self.marks.get(run.call_id, 0)
        return changed and may_send([run], tool, run.arguments, None) == ""

    @property
    def spent(self) -> bool:
        """Tell whether no call is left."""
        return self.calls >= self.limit

    def key(self, tool: Tool, arguments: Json) -> tuple[str, str, str, int]:
        """What a read-only result is kept under."""
        return tool.server, tool.name, canonical(arguments), self.epochs.get(tool.server, 0)

    def enter(self, tool: Tool, run: StepRun) -> None:
        """Note one sending."""
        self.history.setdefault(run.step, []).append(run)
        if tool.effect is Effect.READ:
            if run.ok:
                self.reads[self.key(tool, run.arguments)] = run
        else:
            self.epochs[tool.server] = self.epochs.get(tool.server, 0) + 1
