"""How often guesses were right on the plans of `evals.search`; made by its `--parts priors`."""

from __future__ import annotations

PRIORS: dict[str, tuple[int, int]] = {
    "earlier_result missing_argument": (24, 28),
    "missing_producer dangling_dependency": (0, 17),
    "named_in_goal type_mismatch": (1, 0),
    "names_in_goal missing_argument": (72, 0),
    "narrow_reference type_mismatch": (17, 40),
    "nearest_tool unknown_tool": (139, 255),
    "rebind_step cyclic_dependency": (11, 4),
    "rebind_step dangling_dependency": (18, 8),
    "rename_argument missing_argument": (12, 1),
    "rename_argument unexpected_argument": (13, 4),
    "repath_reference wrong_reference_path": (63, 260),
    "rewrite_value value_not_allowed": (9, 0),
    "rewrite_value wrong_type": (3, 0),
}
