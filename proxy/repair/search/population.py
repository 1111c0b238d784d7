"""The candidates of a search: recorded through one door, chosen as parents, pruned by niche.

Pure but for its own list (arXiv 2606.12674, diversity pruning; parent selection). Randomness comes in as an argument.
The population belongs to the caller of the search, so that a deadline leaves the best so far in hand.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from schemas.trial import Candidate

Niche = tuple[tuple[str, ...], frozenset[str]]


def niche(candidate: Candidate) -> Niche:
    """The idea behind a candidate: its tools in order, and the kinds of problems it still has."""
    tools = tuple(f"{step.server}/{step.tool}" for step in candidate.plan.steps)
    return tools, frozenset(problem.kind for problem in candidate.outcome.problems)


def worth(candidate: Candidate) -> tuple[bool, float, int]:
    """Sort key, best last: solved, total score, fewest edits."""
    return candidate.outcome.solved, candidate.outcome.score.total, -len(candidate.lineage)


@dataclass
class Population:
    """At most `size` candidates; `tried` remembers the canonical form of every plan ever recorded."""

    size: int = 10
    niches: bool = True
    members: list[Candidate] = field(default_factory=list[Candidate])
    tried: set[str] = field(default_factory=set[str])

    def untried(self, key: str) -> bool:
        """Tell whether no candidate of this canonical form was ever recorded."""
        return key not in self.tried

    def record(self, candidate: Candidate) -> bool:
        """Take a candidate in, prune, and tell whether it is the new best."""
        before = self.best
        self.tried.add(candidate.plan.key)
        self.members.append(candidate)
        self._prune()
        return before is None or worth(candidate) > worth(before)

    def drop(self, unwanted: Callable[[Candidate], bool]) -> None:
        """Take members out; what they tried stays tried."""
        self.members = [member for member in self.members if not unwanted(member)]

    @property
    def best(self) -> Candidate | None:
        """The worthiest candidate, None while there is none."""
        return max(self.members, key=worth, default=None)

    def ranked(self) -> list[Candidate]:
        """Every member, worthiest first; of equals the one that has come furthest."""
        return sorted(self.members, key=lambda member: (worth(member)[:2], member.generation), reverse=True)

    def _prune(self) -> None:
        if len(self.members) <= self.size:
            return
        ranked = sorted(self.members, key=worth, reverse=True)
        kept: list[Candidate] = []
        if self.niches:
            taken: set[Niche] = set()
            for candidate in ranked:
                if niche(candidate) not in taken:
                    taken.add(niche(candidate))
                    kept.append(candidate)
            kept = kept[: self.size]
        kept += [candidate for candidate in ranked if candidate not in kept][: self.size - len(kept)]
        self.members = kept

    def parent(self, rng: random.Random, tournament: int, *, explore: bool) -> Candidate:
        """Choose a parent: uniformly when exploring, else by tournament within the best quarter."""
        ranked = self.ranked()
        if explore:
            return rng.choice(ranked)
        best = max(1, len(ranked) // 4)
        return ranked[min(rng.sample(range(best), min(tournament, best)))]
