"""What a search tried: its candidates as a tree, and their scores as a chart. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Tried = Sequence[Mapping[str, Any]]

WIDTH, HEIGHT = 640, 210
_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 14, 14, 34


def tree(tried: Tried) -> list[dict[str, Any]]:
    """The candidates nested under what they were made from; those of no parent stand on top."""
    nodes: list[dict[str, Any]] = [{**one, "place": place, "children": []} for place, one in enumerate(tried)]
    best = _best(tried)
    tops: list[dict[str, Any]] = []
    for place, node in enumerate(nodes):
        node["best"] = place == best
        parent: Any = node["parent"]
        home: Any = nodes[parent]["children"] if isinstance(parent, int) and 0 <= parent < place else tops
        home.append(node)
    return tops


def chart(tried: Tried) -> dict[str, Any] | None:
    """Every candidate by its order and score, and the best score so far; None for fewer than two."""
    if len(tried) < 2:
        return None
    across, down = WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM

    def x(place: int) -> float:
        return round(_LEFT + across * place / (len(tried) - 1), 1)

    def y(score: float) -> float:
        return round(_TOP + down * (1 - min(max(score, 0.0), 1.0)), 1)

    best, line = 0.0, ""
    for place, one in enumerate(tried):
        best = max(best, float(one["score"]))
        line += f"M{x(0)} {y(best)}" if not place else f"H{x(place)}V{y(best)}"
    begins = [
        place for place, one in enumerate(tried) if not place or one["generation"] != tried[place - 1]["generation"]
    ]
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "line": line,
        "levels": [{"y": y(level), "text": f"{level:g}"} for level in (0, 0.25, 0.5, 0.75, 1)],
        "generations": [
            {"x": x(place), "text": tried[place]["generation"]}
            for at, place in enumerate(begins)
            if at in (0, len(begins) - 1) or len(begins) <= 16
        ],
        "points": [
            {"x": x(place), "y": y(one["score"]), "solved": one["solved"], "title": _title(place, one)}
            for place, one in enumerate(tried)
        ],
        "left": _LEFT,
        "right": WIDTH - _RIGHT,
        "floor": HEIGHT - _BOTTOM,
        "words": f"{len(tried)} candidates; the best score went from {tried[0]['score']:.2f} to {best:.2f}.",
    }


def _best(tried: Tried) -> int | None:
    """The candidate that the search ended with: the last that solved it, else the first of the highest score."""
    solved = [place for place, one in enumerate(tried) if one["solved"]]
    if solved:
        return solved[-1]
    return max(range(len(tried)), key=lambda place: tried[place]["score"], default=None)


def _title(place: int, one: Mapping[str, Any]) -> str:
    solved = ", solved" if one["solved"] else ""
    return f"candidate {place + 1}, generation {one['generation']}: score {one['score']:.2f}{solved}"
