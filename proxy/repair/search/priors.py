"""How often guesses were right on the plans of `benchmarks.search`; made by its `--parts priors`."""

from __future__ import annotations

PRIORS: dict[str, tuple[int, int]] = {
    "allowed_value_within value_not_allowed": (9, 0),
    "bind_by_name dangling_dependency": (13, 4),
    "bind_by_name missing_argument": (13, 47),
    "break_cycle cyclic_dependency": (11, 4),
    "goal_beside_name missing_argument": (0, 1),
    "missing_producer dangling_dependency": (0, 17),
    "named_in_goal type_mismatch": (4, 0),
    "narrow_reference type_mismatch": (17, 40),
    "nearest_tool unknown_tool": (138, 256),
    "only_holder dangling_dependency": (5, 4),
    "repath_reference wrong_reference_path": (60, 264),
    "same_path_elsewhere wrong_reference_path": (3, 0),
    "unused_result missing_argument": (12, 1),
}
