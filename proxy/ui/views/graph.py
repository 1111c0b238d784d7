"""A plan as a drawing: steps in layers, each below everything it needs, and the references between them. Pure.

Drawn here and not by a library in the browser: it needs no script, prints, and each step is text that a screen reader
reads. A plan has some tens of steps, for which the longest path and two sweeps of averages are a clear layout.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from schemas.catalog import as_list, as_object
from schemas.plan import Plan, Step

WIDTH, HEIGHT = 172, 58
"""Of one step."""
_ACROSS, _DOWN, _EDGE = 18, 44, 10
_MOST = 200
"""Steps that are drawn; a larger plan is told in its list alone."""
_LETTERS = 21

Marks = Mapping[str, str]
"""Step id to what became of it: changed, added, removed."""


def plan_of(written: Any) -> Plan | None:
    """A journalled plan; None where it was not kept, or not whole."""
    steps = as_list((as_object(written) or {}).get("steps"))
    if steps is None:
        return None
    read = [as_object(step) or {} for step in steps]
    return Plan(
        tuple(
            Step(
                str(step.get("id", "")),
                str(step.get("tool", "")),
                step.get("arguments", {}),
                step.get("server"),
                tuple(str(name) for name in as_list(step.get("after")) or []),
            )
            for step in read
        ),
        str((as_object(written) or {}).get("goal") or ""),
        (as_object(written) or {}).get("output"),
    )


def marks(before: Plan, after: Plan) -> tuple[Marks, Marks]:
    """What each step of the first plan lost or changed, and what each of the second gained or changed."""
    old, new = before.by_id, after.by_id
    changed = {name: "changed" for name in old if name in new and old[name].json() != new[name].json()}
    removed = {name: "removed" for name in old if name not in new}
    added = {name: "added" for name in new if name not in old}
    return {**changed, **removed}, {**changed, **added}


def drawn(plan: Plan, marked: Marks, ended: Mapping[str, str]) -> dict[str, Any] | None:
    """Where each step and each reference stands, for the template; `ended` says how a step's last call ended.

    None where there is nothing to draw, or too much.
    """
    if not plan.by_id or len(plan.by_id) > _MOST:
        return None
    needs = {step.id: [name for name in plan.needs[at] if name in plan.by_id] for at, step in enumerate(plan.steps)}
    layers = _ordered(_layers(needs), needs)
    widest = max(len(layer) for layer in layers)
    width = widest * WIDTH + (widest - 1) * _ACROSS + 2 * _EDGE
    places: dict[str, tuple[int, int]] = {}
    for depth, layer in enumerate(layers):
        room = len(layer) * WIDTH + (len(layer) - 1) * _ACROSS
        for at, name in enumerate(layer):
            places[name] = ((width - room) // 2 + at * (WIDTH + _ACROSS), _EDGE + depth * (HEIGHT + _DOWN))
    return {
        "width": width,
        "height": 2 * _EDGE + len(layers) * HEIGHT + (len(layers) - 1) * _DOWN,
        "node": {"width": WIDTH, "height": HEIGHT},
        "nodes": [_node(plan.by_id[name], places[name], marked, ended) for layer in layers for name in layer],
        "edges": [_edge(places[source], places[name]) for name in needs for source in needs[name]],
        "words": _words(plan, needs, marked),
    }


def _layers(needs: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Steps by the longest way to them; those of a cycle come last, together."""
    depth: dict[str, int] = {}
    waiting = list(needs)
    while waiting:
        ready = [name for name in waiting if all(source in depth for source in needs[name])]
        for name in ready or waiting:
            known = [depth[source] for source in needs[name] if source in depth and source not in waiting]
            depth[name] = 1 + max(known, default=-1)
        waiting = [name for name in waiting if name not in depth]
    layers: list[list[str]] = [[] for _ in range(1 + max(depth.values()))]
    for name in needs:
        layers[depth[name]].append(name)
    return [layer for layer in layers if layer]


def _ordered(layers: list[list[str]], needs: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Each layer in the order of what its steps need, so that few lines cross."""
    done = [layers[0]]
    for layer in layers[1:]:
        at = {name: index / max(1, len(above) - 1) for above in done for index, name in enumerate(above)}

        def middle(name: str, at: Mapping[str, float] = at) -> float:
            found = [at[source] for source in needs[name] if source in at]
            return sum(found) / len(found) if found else 0.5

        done.append(sorted(layer, key=middle))
    return done


def _node(step: Step, place: tuple[int, int], marked: Marks, ended: Mapping[str, str]) -> dict[str, Any]:
    name = f"{step.server}/{step.tool}" if step.server else step.tool
    return {
        "x": place[0],
        "y": place[1],
        "id": _short(step.id, _LETTERS - 10 if step.id in marked else _LETTERS - 3),
        "tool": _short(step.tool),
        "title": f"{step.id}: {name}",
        "mark": marked.get(step.id, ""),
        "ended": ended.get(step.id, ""),
    }


def _edge(source: tuple[int, int], target: tuple[int, int]) -> str:
    x0, y0, x1, y1 = source[0] + WIDTH / 2, source[1] + HEIGHT, target[0] + WIDTH / 2, target[1] - 5
    bend = max(18.0, (y1 - y0) / 2)
    return f"M{x0:g} {y0:g}C{x0:g} {y0 + bend:g} {x1:g} {y1 - bend:g} {x1:g} {y1:g}"


def _words(plan: Plan, needs: Mapping[str, Sequence[str]], marked: Marks) -> str:
    """The drawing in one text."""
    parts = [
        f"{step.id} calls {step.tool}"
        + (f", needs {' and '.join(needs[step.id])}" if needs[step.id] else "")
        + (f", {marked[step.id]}" if step.id in marked else "")
        for step in plan.by_id.values()
    ]
    return f"{len(parts)} step{'s' if len(parts) != 1 else ''}: {'; '.join(parts)}."


def _short(text: str, longest: int = _LETTERS) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
