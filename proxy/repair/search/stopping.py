"""When a search ends (arXiv 2606.12674, budgets): solved, or out of generations or upstream calls.

Pure. Time and cancellation cut a search off from outside; running out of edits is found where edits are sought.
"""

from __future__ import annotations

from schemas.report import Stop
from schemas.trial import Candidate


def why_stop(best: Candidate | None, generation: int, generations: int, *, spent: bool, early: bool) -> Stop | None:
    """Why to end before the next generation, None to go on; `early` ends at the first solved plan."""
    solved = best is None or best.outcome.solved
    if solved and early:
        return Stop.SOLVED
    if generation >= generations or spent:
        return Stop.SOLVED if solved else Stop.BUDGET
    return None
