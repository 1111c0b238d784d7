"""Rules for an object whose keys were written flat, or without the one that says which kind of object it is."""

from __future__ import annotations

from collections.abc import Iterator

from proxy.repair.rules.keys import MOST_UNKNOWN
from proxy.repair.view.coerce import Target, coerce
from proxy.repair.view.schema import branches, deref, fits, property_names
from proxy.repair.view.step import StepView
from proxy.repair.view.unions import tagged
from proxy.repair.view.values import MISSING
from schemas.catalog import Json, as_list, as_object
from schemas.edit import Confidence, Proposal, SetArgument, WrapValue
from schemas.plan import walk
from schemas.problem import MissingArgument, WrongType


def gathered(problem: MissingArgument, here: StepView) -> Iterator[Proposal]:
    """Put arguments that the tool does not know into the required object, or list of one object, whose keys they are.

    All of them or none, and only where no other absent argument could hold them too.
    """
    if len(problem.at) != 1 or here.tool is None:
        return
    declared = dict.fromkeys(property_names(here.schema, here.schema))
    loose = {name: value for name, value in here.written.items() if name not in declared}
    home = _home(loose, problem.name, here) if 0 < len(loose) <= MOST_UNKNOWN else None
    others = (name for name in declared if name not in here.written and name != problem.name)
    if home is None or any(_home(loose, name, here) for name in others):
        return
    value, sure = home
    rest = {name: inner for name, inner in here.written.items() if name not in loose}
    edit = WrapValue(here.step.id, (), {**rest, problem.name: value})
    evidence = f"{', '.join(map(repr, loose))} are keys of {problem.name!r}, which is required and missing"
    yield Proposal(problem, (edit,), "gathered_keys", evidence, sure)


def _home(loose: dict[str, Json], name: str, here: StepView) -> tuple[Json, Confidence] | None:
    """What an argument becomes that is made up of these keys, and how sure that is; None where it cannot be."""
    schema, root = here.argument_schema(name) or {}, here.schema
    values = {key: here.arguments.get(key, MISSING) for key in loose}
    lists = [branch for branch in branches(schema, root) if branch.get("type") == "array"]
    inner = deref(lists[0].get("items"), root) if lists else schema
    if len(lists) > 1 or any(value is MISSING for _, value in walk(values)):
        return None
    options = [
        option for option in branches(inner, root) if set(loose) <= set(as_object(option.get("properties")) or {})
    ]
    required = [set(as_list(option.get("required")) or []) for option in options]
    exact = Confidence.LOSSLESS if len(options) == 1 and required[0] == set(loose) else Confidence.EVIDENT
    target = Target(inner, root, name)
    definitions = {key: root[key] for key in ("$defs", "definitions") if key in root}
    made, sure = (loose, exact) if fits({**definitions, **inner}, values) or coerce(values, target) else (None, exact)
    if made is None or not any(names <= set(loose) for names in required):
        made, sure = tagged(values, inner, root), Confidence.EVIDENT
    if made is None:
        return None
    return ([{**made, **loose}] if lists else {**made, **loose}), sure


def untagged(problem: WrongType, here: StepView) -> Iterator[Proposal]:
    """Say of which kind the arguments as a whole are, where only one of the kinds that the tool takes fits them."""
    filled = tagged(here.arguments, here.schema, here.schema) if not problem.at else None
    if filled is not None:
        new = {name: value for name, value in filled.items() if name not in here.written}
        edits = tuple(SetArgument(here.step.id, (name,), value) for name, value in new.items())
        evidence = f"only the alternative with {', '.join(f'{name} = {value!r}' for name, value in new.items())} fits"
        yield Proposal(problem, edits, "discriminator", evidence, Confidence.LOSSLESS)
