"""Whether a value that a step returned is measured in the unit that an argument wants.

Units are read where tools say them: beside the value, in its name, in the docstring of the tool that returned it; in
the argument's name and description, or in the argument that tells its unit (`from_unit`). Pure.
"""

from __future__ import annotations

from proxy.repair.view.coerce import Target, spoken_unit
from proxy.repair.view.notes import note
from proxy.repair.view.step import Source, StepView
from proxy.repair.view.units import same_unit, unit_of
from proxy.repair.view.values import at, join
from proxy.repair.view.words import stems, words
from schemas.catalog import as_object

SOUGHT = frozenset({"to", "target", "destination", "dest", "into", "output", "new"})
"""Words in the name of an argument that speaks of what comes out, not of what goes in."""


def agreement(source: Source, wanted: Target, here: StepView) -> int:
    """1 where value and argument are in one unit, -1 where in two, 0 where either does not say."""
    if not isinstance(source.value, int | float) or isinstance(source.value, bool):
        return 0
    asked = wanted_unit(wanted, here)
    ours = result_unit(source, here) if asked is not None else None
    if asked is None or ours is None:
        return 0
    return 1 if same_unit(ours, asked) else -1


def wanted_unit(wanted: Target, here: StepView) -> str | None:
    """The unit of an argument: as it is described, else as another argument of the step tells it."""
    described = spoken_unit(wanted)
    if described is not None:
        return described
    told = [
        value
        for name, value in here.written.items()
        if "unit" in stems(name)
        and name != wanted.name
        and not set(words(name)) & SOUGHT
        and isinstance(value, str)
        and unit_of(value) is not None
    ]
    return told[0] if len(told) == 1 else None


def result_unit(source: Source, here: StepView) -> str | None:
    """The unit of a value that a step returned."""
    parent = as_object(at(here.evidence.value(source.step), join(list(source.parts[:-1])))) or {}
    mine = words(source.name)[:1]
    beside = [
        value
        for key, value in parent.items()
        if isinstance(value, str)
        and "unit" in stems(key)
        and (words(key)[:1] == mine or key.lower() == "unit")
        and unit_of(value) is not None
    ]
    if beside:
        return beside[0]
    step = here.plan.by_id.get(source.step)
    tool = here.evidence.catalog.origin(step.server or "", step.tool) if step is not None else None
    described = note(tool, source.name) if tool is not None else ""
    return spoken_unit(Target({"description": described}, {}, source.name))
