"""Candidates from candidates: which parent is taken, and which typed edits make its child.

Pure but for the random numbers that it is handed. Exploiting takes the parents in order of their worth and, of each,
the likeliest combination of repairs that no candidate has had yet; exploring draws a parent and compound edits at
random (arXiv 2606.12674, parent selection and compound exploration; structured edits).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from proxy.repair.edits import Inapplicable, apply
from proxy.repair.read.diagnose import situation
from proxy.repair.search.effects import is_call, may_send
from proxy.repair.search.gates import TIE, sure_enough, sure_output, tied
from proxy.repair.search.laws import objection
from proxy.repair.search.outcome import failing
from proxy.repair.search.population import Population
from proxy.repair.search.propose import Repair, repairs
from proxy.repair.search.validators import acted_upon, guarded
from proxy.repair.view.step import OUTPUT, Evidence
from schemas.config import Evolution
from schemas.edit import Confidence, Proposal
from schemas.plan import Plan, dependencies
from schemas.trial import Candidate, StepRun, Tie, Verdict

WIDTH = 3
"""Repairs of one step among which an exploring draw chooses."""
COMBINATIONS = 40
"""Combinations of one parent's repairs that are looked at, likeliest first, before the next parent is taken."""
DRAWS = 3
"""Random draws before an exploring generation exploits after all."""

Proposed = dict[tuple[int, str, str], tuple[Candidate, list[Repair]]]
"""Parent (kept, so that its identity stays its own), plan so far and step to the repairs proposed for it."""

Chooser = Callable[[str, int], int]
"""Step id and the number of its repairs (at least one) to the index of the one to take; out of range: no child."""


@dataclass(frozen=True)
class Nursery:
    """What is needed to make children: the evidence, what was sent, what was tried, and what is switched off.

    `frozen` are upstreams whose calls are never changed, `undecided` steps of whose likeliest repairs trying has not
    singled out one.
    """

    submitted: Plan
    evidence: Evidence
    history: Callable[[str], list[StepRun]]
    population: Population
    settings: Evolution
    frozen: frozenset[str] = frozenset()
    undecided: frozenset[str] = frozenset()
    late: Callable[[], bool] = lambda: False
    """Whether time is over: then no more children are made."""
    proposed: Proposed = field(default_factory=Proposed)
    """What was proposed before, which holds as long as the search: the same parent, so far mended, and step."""
    _known: dict[tuple[int, str, str], list[Repair]] = field(default_factory=dict[tuple[int, str, str], list[Repair]])

    def child(self, rng: random.Random, exploration: float, generation: int) -> Candidate | None:
        """The next candidate by typed edits, None where no untried one is left.

        The first generation never explores: the likeliest repair of every step has not been tried yet.
        """
        if not self.settings.edits:
            return None
        if self.settings.explore and generation > 1 and rng.random() < exploration:
            found = self._explored(rng)
            if found is not None:
                return found
        for parent in self._parents(rng):
            found = self._combined(parent)
            if found is not None:
                return found
        return None

    def _parents(self, rng: random.Random) -> list[Candidate]:
        """The parents to exploit: the winner of a tournament first, then all others by their worth."""
        members = self.population.ranked()
        if not self.settings.selection:
            return members[:1]
        first = self.population.parent(rng, self.settings.tournament, explore=False)
        return [first, *(member for member in members if member is not first)]

    def _explored(self, rng: random.Random) -> Candidate | None:
        """A random repair for every step that failed, of a parent drawn at random."""
        for _ in range(DRAWS):
            best = self.population.ranked()[0]
            parent = self.population.parent(rng, 1, explore=True) if self.settings.selection else best
            found = self._mended(parent, lambda _, count: rng.randrange(min(WIDTH, count)))
            if found is not None:
                return found
        return None

    def _combined(self, parent: Candidate) -> Candidate | None:
        """The likeliest untried combination of repairs of the steps that failed."""
        steps = failing(parent)
        for picks in islice(_picks(len(steps)), COMBINATIONS):
            if self.late():
                return None
            wanted = dict(zip(steps, picks, strict=True))
            found = self._mended(parent, lambda step, _, wanted=wanted: wanted[step])
            if found is not None:
                return found
        return None

    def _mended(self, parent: Candidate, choose: Chooser) -> Candidate | None:
        """Mend every step of a parent that failed by itself, each by the repair chosen for it; None: no new plan."""
        evidence = replace(self.evidence, runs=parent.execution.runs)
        plan, lineage, ties = parent.plan, parent.lineage, parent.ties
        for step in failing(parent):
            if self.late():
                return None
            if step in plan.by_id and plan.by_id[step].server in self.frozen:
                continue
            options = self._options_once(parent, plan, step, evidence)
            index = choose(step, len(options)) if options else 0
            if index >= max(1, len(options)):
                return None
            if not options:
                continue
            changed = apply(plan, [edit for proposal in options[index].proposals for edit in proposal.edits])
            if not isinstance(changed, Inapplicable):
                plan, lineage = changed, (*lineage, *options[index].proposals)
                rivals = self._rivals(options[index], step, options, evidence)
                ties = (*(tie for tie in ties if tie.step != step), *((Tie(step, rivals),) if rivals else ()))
        fresh = plan is not parent.plan and self.population.untried(plan.key)
        return replace(parent, plan=plan, lineage=lineage, ties=ties) if fresh else None

    def _rivals(self, chosen: Repair, step: str, options: Sequence[Repair], evidence: Evidence) -> tuple[Plan, ...]:
        """The plans of other repairs of a step that are as likely as a tied one."""
        if not self._tied(chosen, step, evidence):
            return ()
        held = chosen.plan.by_id[step].expect is None
        near = [option for option in options if option is not chosen and abs(option.score - chosen.score) <= TIE]
        return tuple(option.plan for option in near if (option.plan.by_id[step].expect is None) == held)

    def _options_once(self, parent: Candidate, plan: Plan, step: str, evidence: Evidence) -> list[Repair]:
        key = id(parent), plan.key, step
        if key not in self._known:
            if key not in self.proposed:
                self.proposed[key] = (parent, repairs(plan, step, evidence))
            self._known[key] = self._options(plan, step, evidence, self.proposed[key][1])
        return self._known[key]

    def _options(self, plan: Plan, step: str, evidence: Evidence, found: Sequence[Repair]) -> list[Repair]:
        """The repairs found for one step that may be tried, best first; guesses under validators before bare ones."""
        acted = acted_upon(plan, step, evidence)
        sure = list(self._admitted(found, plan, step, evidence, trial=not acted))
        if not self.settings.validators or (len(sure) < 2 and not acted):
            return sure
        held = [(option, guarded(option, step, evidence)) for option in sure]
        bare = [option for option, guard in held if guard is not None and not acted]
        return [*(guard or option for option, guard in held), *bare]

    def _admitted(
        self, found: Sequence[Repair], parent: Plan, step: str, evidence: Evidence, *, trial: bool
    ) -> Iterator[Repair]:
        """What may be tried, best first; no guess less likely than a tie that may not be tried."""
        closed = False
        for option in found:
            if closed and option.confidence is Confidence.GUESS:
                continue
            if self.may_try(option, parent, step, evidence) or (
                trial and self._on_trial(option, parent, step, evidence)
            ):
                yield option
            elif self._tied(option, step, evidence) and self.may_send(option, parent, step, evidence):
                closed = True

    def _on_trial(self, option: Repair, parent: Plan, step_id: str, evidence: Evidence) -> bool:
        """Tell whether a tied repair may be tried, to be kept only if its rivals fail what reads them."""
        if not self.settings.feedback or step_id in self.undecided or not self._tied(option, step_id, evidence):
            return False
        return guarded(option, step_id, evidence) is not None and self.may_send(option, parent, step_id, evidence)

    def _tied(self, option: Repair, step_id: str, evidence: Evidence) -> bool:
        step = option.plan.by_id.get(step_id)
        tool = evidence.catalog.origin(step.server or "", step.tool) if step is not None else None
        return tool is not None and tied(option, tool)

    def may_try(self, option: Repair, parent: Plan, step_id: str, evidence: Evidence) -> bool:
        """Tell whether a repair is new, complete, sure enough, and may be sent."""
        if not self.may_send(option, parent, step_id, evidence):
            return False
        step = option.plan.by_id.get(step_id)
        if step is None or step_id == OUTPUT:
            return sure_output(option)
        tool = evidence.catalog.origin(step.server or "", step.tool)
        return tool is not None and sure_enough(option, tool)

    def may_send(self, option: Repair, parent: Plan, step_id: str, evidence: Evidence) -> bool:
        """Tell whether a repair of `parent` breaks no law, is new, and is allowed by what was sent for its step."""
        if option.open:
            return False
        if objection(self.submitted, parent, option.proposals, evidence):
            return False
        step = option.plan.by_id.get(step_id)
        if step is None or step_id == OUTPUT:
            return True
        tool = evidence.catalog.origin(step.server or "", step.tool)
        if tool is None:
            return False
        arguments = situation(option.plan, step, evidence).resolved[0]
        history = self.history(step_id)
        failed = [run for run in history if not run.ok and run.verdict is not Verdict.NOT_SENT]
        again = step.map is None and any(is_call(run, tool, arguments) for run in failed)
        if again and not _changes_others(option.proposals):
            return False
        return may_send(history, tool, arguments, option.confidence) == ""


def _changes_others(proposals: Sequence[Proposal]) -> bool:
    """Tell whether a repair changes what runs before its step, so that the same call may end otherwise."""
    return any(edit.op in ("add_step", "dedupe") for proposal in proposals for edit in proposal.edits)


def probe(tie: Tie, rival: Plan) -> Plan:
    """What has to run to see whether a rival would have done as well: its step, and what that step needs."""
    ids, needed = rival.by_id, {tie.step}
    while True:
        more = {name for step in needed for name in dependencies(ids[step], ids) if name in ids} - needed
        if not more:
            return Plan(tuple(step for step in rival.steps if step.id in needed), rival.goal)
        needed |= more


def _picks(steps: int) -> Iterator[tuple[int, ...]]:
    """Which repair to take for each step: all first ones, then one second choice, and so on."""
    if not steps:
        return
    frontier = [(0,) * steps]
    seen = set(frontier)
    for picks in frontier:
        yield picks
        for place in range(steps):
            more = (*picks[:place], picks[place] + 1, *picks[place + 1 :])
            if more not in seen:
                seen.add(more)
                frontier.append(more)
