"""Which step waits for which: data, `after`, listed order on one server, and effects.

Pure; the rules are those of the documented plan format (section Order). With `plan.refs_in` this is the typed workflow
graph of Evoflux (arXiv 2606.12674): references make the edges, and steps without one between them run in parallel.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from schemas.catalog import Catalog, Effect, Tool
from schemas.plan import Plan, Step, dependencies


def reads_only(tool: Tool | None) -> bool:
    """Tell whether a tool is known to change nothing."""
    return tool is not None and tool.effect is Effect.READ


@dataclass(frozen=True)
class Waits:
    """What one step waits for.

    `needs` must have succeeded; `follows` (listed order on one server) must have ended; `guards` (earlier steps that
    may change something, before a step with an effect) must have succeeded.
    """

    needs: tuple[str, ...] = ()
    follows: tuple[str, ...] = ()
    guards: tuple[str, ...] = ()

    @property
    def all(self) -> frozenset[str]:
        """Every step waited for."""
        return frozenset((*self.needs, *self.follows, *self.guards))


def order(plan: Plan, catalog: Catalog) -> Mapping[str, Waits]:
    """What every step of a plan waits for; references and `after` beat the listed order."""
    ids = plan.by_id
    needs = {
        step.id: tuple(name for name in names if name in ids)
        for step, names in zip(plan.steps, plan.needs, strict=True)
    }
    tools = {step.id: catalog.origin(step.server or "", step.tool) for step in plan.steps}
    waits: dict[str, Waits] = {}
    reach = _reachability(needs)
    for index, step in enumerate(plan.steps):
        follows: list[str] = []
        guards: list[str] = []
        effect = not reads_only(tools[step.id])
        for other in plan.steps[:index]:
            if other.id == step.id or step.id in reach.get(other.id, ()):
                continue
            both_read = reads_only(tools[step.id]) and reads_only(tools[other.id])
            if effect and not reads_only(tools[other.id]):
                guards.append(other.id)
            elif not both_read and (other.server == step.server or None in (other.server, step.server)):
                follows.append(other.id)
            else:
                continue
            reach[step.id] = reach.get(step.id, frozenset()) | {other.id} | reach.get(other.id, frozenset())
        waits[step.id] = Waits(needs[step.id], tuple(follows), tuple(guards))
    return waits


def listed(plan: Plan) -> Mapping[str, Waits]:
    """What every step waits for where there is no graph: the steps listed before it, and nothing listed after it."""
    ids = plan.by_id
    waits: dict[str, Waits] = {}
    for step in ids.values():
        before = tuple(waits)
        waits[step.id] = Waits(tuple(name for name in dependencies(step, ids) if name in waits), before)
    return waits


def _reachability(needs: Mapping[str, tuple[str, ...]]) -> dict[str, frozenset[str]]:
    reach: dict[str, frozenset[str]] = {}

    def visit(step: str, path: frozenset[str]) -> frozenset[str]:
        if step in reach:
            return reach[step]
        found: set[str] = set()
        for target in needs.get(step, ()):
            found.add(target)
            if target not in path:
                found |= visit(target, path | {target})
        reach[step] = frozenset(found)
        return reach[step]

    for step in needs:
        visit(step, frozenset({step}))
    return reach


def final_steps(plan: Plan) -> tuple[Step, ...]:
    """Steps that no other step depends on, in listed order."""
    needed = {name for names in plan.needs for name in names}
    return tuple(step for step in plan.steps if step.id not in needed)
