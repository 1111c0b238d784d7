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
    """What every step of a plan waits for; references and `after` beat the listed order.

    A step that another one waits for is left out where that one is waited for too: what follows from the others is not
    said again. Sets of steps are the bits of a number, so that a thousand steps take milliseconds.
    """
    ids = {step.id: index for index, step in enumerate(plan.steps)}
    needs = {
        step.id: tuple(name for name in names if name in ids)
        for step, names in zip(plan.steps, plan.needs, strict=True)
    }
    reads = [reads_only(catalog.origin(step.server or "", step.tool)) for step in plan.steps]
    reach = _reachability(needs, ids)
    surely = dict(reach)
    waits: dict[str, Waits] = {}
    for index, step in enumerate(plan.steps):
        follows: list[str] = []
        guards: list[str] = []
        ended, succeeded = 0, 0
        for before in range(index - 1, -1, -1):
            other, bit = plan.steps[before], 1 << before
            if other.id == step.id or reach[other.id] >> ids[step.id] & 1:
                continue
            if not reads[index] and not reads[before]:
                if not succeeded & bit:
                    guards.append(other.id)
                    succeeded |= bit | surely[other.id]
            elif not (reads[index] and reads[before]) and (
                other.server == step.server or None in (other.server, step.server)
            ):
                if not ended & bit:
                    follows.append(other.id)
                    ended |= bit | reach[other.id]
            else:
                continue
        surely[step.id] |= succeeded
        reach[step.id] |= ended | succeeded
        waits[step.id] = Waits(needs[step.id], tuple(reversed(follows)), tuple(reversed(guards)))
    return waits


def listed(plan: Plan) -> Mapping[str, Waits]:
    """What every step waits for where there is no graph: the steps listed before it, and nothing listed after it."""
    ids = plan.by_id
    waits: dict[str, Waits] = {}
    for step in ids.values():
        before = tuple(waits)
        waits[step.id] = Waits(tuple(name for name in dependencies(step, ids) if name in waits), before)
    return waits


def _reachability(needs: Mapping[str, tuple[str, ...]], ids: Mapping[str, int]) -> dict[str, int]:
    """Every step that each one needs, directly or through others, as bits; cycles included."""
    reach: dict[str, int] = {}
    for start in needs:
        front, seen = list(needs[start]), 0
        while front:
            step = front.pop()
            if not seen >> ids[step] & 1:
                known = reach.get(step)
                seen |= 1 << ids[step] | (known or 0)
                front.extend(needs[step] if known is None else ())
        reach[start] = seen
    return reach


def final_steps(plan: Plan) -> tuple[Step, ...]:
    """Steps that no other step depends on, in listed order."""
    needed = {name for names in plan.needs for name in names}
    return tuple(step for step in plan.steps if step.id not in needed)
