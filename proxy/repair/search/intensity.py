"""How boldly the search explores: a growth signal and the probability that follows from it.

Pure. AdaEvolve as in arXiv 2606.12674, adaptive intensity: `G = rho*G + (1-rho)*delta^2` with
`delta = max((child - best) / best, 0)`, and `I = I_min + (I_max - I_min) / (1 + sqrt(G + eps))`. A best score of zero
has no relative growth; the absolute growth stands in for it, so that the signal neither explodes nor stays silent.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import sqrt

EPSILON = 1e-9


@dataclass(frozen=True)
class Intensity:
    """The state of the signal: `growth` is G, `stagnant` counts generations without growth."""

    rho: float = 0.9
    least: float = 0.1
    most: float = 0.7
    adaptive: bool = True
    growth: float = 0.0
    stagnant: int = 0

    def after(self, best: float, child: float) -> Intensity:
        """The state after a generation whose best child scored `child` against `best` before."""
        delta = max((child - best) / best if best > EPSILON else child - best, 0.0)
        growth = self.rho * self.growth + (1 - self.rho) * delta**2
        return replace(self, growth=growth, stagnant=0 if delta > 0 else self.stagnant + 1)

    @property
    def exploration(self) -> float:
        """Probability of exploring in the next generation; the least one where adaptation is off."""
        if not self.adaptive:
            return self.least
        scaled = 10.0 * sqrt(self.growth + EPSILON)
        return self.least + (self.most - self.least) / (1 + scaled)

    @property
    def breadth(self) -> int:
        """How many candidates that are not sure a generation tries: one to four."""
        return 1 + int(4 * self.exploration)
