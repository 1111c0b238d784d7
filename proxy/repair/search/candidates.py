"""Candidates from candidates: which parent is taken, and how its child is made.

Pure. A child is the likeliest combination of repairs that no candidate has
had yet, or it is recombined: of every step the version that ran well in any member (arXiv 2606.12674, parent selection
and structured edits).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from proxy.repair.edits import Inapplicable, apply
from proxy.repair.search.gates import Gate, guessed
from proxy.repair.search.outcome import failing
from proxy.repair.search.population import Population
from proxy.repair.search.propose import Repair, repairs
from proxy.repair.search.recall import Counts, likelihood
from proxy.repair.search.validators import guarded
from proxy.repair.view.step import Evidence
from schemas.config import Evolution
from schemas.edit import Confidence, InsertValidator, Proposal
from schemas.plan import Plan
from schemas.trial import Candidate, Rivals

COMBINATIONS = 40
"""Combinations of one parent's repairs that are looked at, likeliest first, before the next parent is taken."""

Proposed = dict[tuple[int, str, str], tuple[Candidate, list[Repair]]]
"""Parent (kept, so that its identity stays its own), plan so far and step to the repairs proposed for it."""

Chooser = Callable[[str, Sequence[Repair]], int]
"""Step id and its repairs (at least one) to the index of the one to take, or `LEAVE`; out of range: no child."""
LEAVE = -1


@dataclass(frozen=True)
class Variation:
    """Makes children: from the evidence, what may be tried, what was tried, and what is switched off."""

    submitted: Plan
    evidence: Evidence
    gate: Gate
    population: Population
    settings: Evolution
    counts: Counts = field(default_factory=dict[str, tuple[int, int]])
    """How often guesses were right, which decides the order in which they are tried."""
    late: Callable[[], bool] = lambda: False
    """Whether time is over: then no more children are made."""
    proposed: Proposed = field(default_factory=Proposed)
    """What was proposed before, which holds as long as the search: the same parent, so far mended, and step."""
    settled: frozenset[str] = frozenset()
    """Steps of which several guesses ran to the end with different values: no more guesses are taken for them."""
    _known: dict[tuple[int, str, str], list[Repair]] = field(default_factory=dict[tuple[int, str, str], list[Repair]])

    def sure(self) -> Candidate | None:
        """The best member with the likeliest of the repairs that are no guess, for every step that has one."""
        children = (self._mended(parent, _if_sure) for parent in self._parents())
        return next((child for child in children if child is not None), None)

    def child(self) -> Candidate | None:
        """The next candidate by recombination and typed edits, None where no untried one is left."""
        children = (self._combined(parent) for parent in self._parents())
        return self._recombined() or next((child for child in children if child is not None), None)

    def mended(self, parent: Candidate, guesses: int) -> Candidate | None:
        """A candidate with the likeliest repairs of what failed, or the sure ones: at most so many guesses."""
        for choose in _likeliest, _if_sure:
            child = self._mended(parent, choose)
            if child is not None and len(guessed(child.lineage)) <= guesses:
                return child
        return None

    def _recombined(self) -> Candidate | None:
        """The submitted plan with, of every step, the repairs by which it ran well in any member."""
        ranked = self.population.ranked()
        if not self.settings.selection or len(ranked) < 2:
            return None
        taken: dict[str, Candidate] = {}
        for member in ranked:
            for step, run in member.execution.runs.items():
                if run.ok:
                    taken.setdefault(step, member)
        if len({id(member) for member in taken.values()}) < 2:
            return None
        lineage: list[Proposal] = []
        for step, member in taken.items():
            lineage += [proposal for proposal in member.lineage if proposal.problem.step == step]
        plan = apply(self.submitted, [edit for proposal in lineage for edit in proposal.edits])
        if isinstance(plan, Inapplicable) or not self.population.untried(plan.key):
            return None
        kept = [rivals for step, member in taken.items() for rivals in member.rivals if rivals.step == step]
        return Candidate(plan, tuple(lineage), rivals=tuple(kept))

    def _parents(self) -> list[Candidate]:
        """The members to go on from, worthiest first."""
        members = self.population.ranked()
        return members if self.settings.selection else members[:1]

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
        child = parent
        for step in failing(parent):
            if self.late():
                return None
            options = self.options(parent, child.plan, step, evidence)
            if not options:
                continue
            index = choose(step, options)
            if index >= len(options):
                return None
            if index != LEAVE:
                child = with_repair(child, step, options[index], options) or child
        fresh = child is not parent and self.population.untried(child.plan.key)
        return child if fresh else None

    def options(self, parent: Candidate, plan: Plan, step: str, evidence: Evidence) -> list[Repair]:
        """The repairs of one step that may be tried, best first; guesses are held against what reads their results."""
        key = id(parent), plan.key, step
        if key not in self._known:
            if key not in self.proposed:
                self.proposed[key] = (parent, repairs(plan, step, evidence))
            found = self.proposed[key][1]
            found = [option for option in found if _is_sure(option) or step not in self.settled]
            open_ = [option for option in found if not self.gate.closed(option, plan, step, evidence)]
            open_.sort(key=lambda option: (not _is_sure(option), -likelihood(option.proposals, self.counts)))
            self._known[key] = self._held(open_, step, evidence)
        return self._known[key]

    def _held(self, options: Sequence[Repair], step: str, evidence: Evidence) -> list[Repair]:
        """The same, each guess under a validator first, and bare behind all: its reader may be what is wrong."""
        if not self.settings.validators:
            return [*options]
        held = [(option, guarded(option, step, evidence)) for option in options]
        return [*(guard or option for option, guard in held), *(option for option, guard in held if guard)]


def _likeliest(step: str, options: Sequence[Repair]) -> int:
    return 0


def _if_sure(step: str, options: Sequence[Repair]) -> int:
    return 0 if _is_sure(options[0]) else LEAVE


def _is_sure(option: Repair) -> bool:
    return option.confidence is not Confidence.GUESS


def with_repair(parent: Candidate, step: str, chosen: Repair, options: Sequence[Repair]) -> Candidate | None:
    """A candidate with one repair more, which remembers what else that step could have been given; None: unfit."""
    changed = apply(parent.plan, [edit for proposal in chosen.proposals for edit in proposal.edits])
    if isinstance(changed, Inapplicable):
        return None
    rivals = parent.rivals
    if not _is_sure(chosen):
        mine = _unguarded(chosen.proposals)
        meant = {repr(bare): bare for bare in (_unguarded(option.proposals) for option in options)}
        others = tuple(bare for bare in meant.values() if bare != mine)
        rivals = (*rivals, Rivals(step, len(parent.lineage), len(chosen.proposals), others))
    return replace(parent, plan=changed, lineage=(*parent.lineage, *chosen.proposals), rivals=rivals)


def _unguarded(proposals: Sequence[Proposal]) -> tuple[Proposal, ...]:
    """The proposals of a repair but for the validators that it is held against: a rival's reader may be mended."""
    return tuple(each for each in proposals if not any(isinstance(edit, InsertValidator) for edit in each.edits))


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
