"""The candidates of a search, and how boldly it looks for more.

Pure but for its own list (arXiv 2606.12674: parent selection, adaptive intensity). The population belongs to the
caller of the search: a deadline leaves the best so far in hand.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import sqrt

from schemas.trial import Candidate

EPSILON = 1e-9


def worth(candidate: Candidate) -> tuple[bool, float, int]:
    """Sort key, best last: solved, total score, fewest edits."""
    return candidate.outcome.solved, candidate.outcome.score.total, -len(candidate.lineage)


@dataclass
class Population:
    """At most `size` candidates; `tried` remembers every plan ever recorded, by its canonical form."""

    size: int = 10
    members: list[Candidate] = field(default_factory=list[Candidate])
    tried: dict[str, Candidate] = field(default_factory=dict[str, Candidate])

    def untried(self, key: str) -> bool:
        """Tell whether no candidate of this canonical form was ever recorded."""
        return key not in self.tried

    def record(self, candidate: Candidate) -> None:
        """Take a candidate in, and prune."""
        self.tried[candidate.plan.key] = candidate
        self.members.append(candidate)
        self.members = sorted(self.members, key=worth, reverse=True)[: self.size]

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


@dataclass(frozen=True)
class Intensity:
    """A growth signal G and the boldness that follows from it; `stagnant` counts generations without growth.

    `G = rho*G + (1-rho)*delta^2` with `delta = max((child - best) / best, 0)`, and `I = I_min + (I_max - I_min) /
    (1 + sqrt(G + eps))`. A best score of zero has no relative growth; the absolute growth stands in for it, so that the
    signal neither explodes nor stays silent.
    """

    rho: float = 0.9
    least: float = 0.1
    most: float = 0.7
    adaptive: bool = True
    growth: float = 0.0
    stagnant: int = 0

    def after(self, best: float, child: float) -> Intensity:
        """The state after a candidate that scored `child` against `best` before."""
        delta = max((child - best) / best if best > EPSILON else child - best, 0.0)
        growth = self.rho * self.growth + (1 - self.rho) * delta**2
        return replace(self, growth=growth, stagnant=0 if delta > 0 else self.stagnant + 1)

    @property
    def exploration(self) -> float:
        """How bold the next generation is; the least where adaptation is off."""
        if not self.adaptive:
            return self.least
        return self.least + (self.most - self.least) / (1 + 10.0 * sqrt(self.growth + EPSILON))

    @property
    def breadth(self) -> int:
        """How many candidates that are not sure a generation tries: one to four."""
        return 1 + int(4 * self.exploration)
