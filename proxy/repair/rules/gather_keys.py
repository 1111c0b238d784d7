"""Keys that were written flat, and belong into the required object, or list of one object, whose keys they are."""

from __future__ import annotations

from collections.abc import Iterator

from proxy.repair.rule import INTEGER, TEXT, Example, Offer, Rule, Tier
from proxy.repair.view.choices import tagged
from proxy.repair.view.coerce import Target, coerce
from proxy.repair.view.schema import branches, deref, property_names
from proxy.repair.view.step import StepView
from proxy.repair.view.values import MISSING
from schemas.catalog import Json, as_list, as_object
from schemas.edit import Confidence, WrapValue
from schemas.plan import walk
from schemas.problem import MissingArgument

MOST_KEYS = 32
"""Unknown arguments beyond which a call is another tool's, and none is gathered."""


def propose(problem: MissingArgument, here: StepView) -> Iterator[Offer]:
    """Put arguments that the tool does not know into the required object, or list of one object, whose keys they are.

    All of them or none, and only where no other absent argument could hold them too.
    """
    if len(problem.at) != 1 or here.tool is None:
        return
    declared = dict.fromkeys(property_names(here.schema, here.schema))
    loose = {name: value for name, value in here.written.items() if name not in declared}
    gathered = _all_of_it(loose, problem.name, here) or _home(loose, problem.name, here, declared)
    if gathered is not None:
        rest = {name: inner for name, inner in here.written.items() if name not in loose}
        edit = WrapValue(here.step.id, (), {**rest, problem.name: gathered[0]})
        evidence = f"{', '.join(map(repr, loose))} are keys of {problem.name!r}, which is required and missing"
        yield Offer((edit,), evidence, gathered[1])


def _all_of_it(loose: dict[str, Json], name: str, here: StepView) -> tuple[Json, Confidence] | None:
    """The arguments as a whole, where every one is a key of the object that the tool requires."""
    keys = property_names(here.argument_schema(name) or {}, here.schema)
    whole = loose and len(loose) == len(here.written) and set(loose) <= set(keys)
    return (loose, Confidence.LOSSLESS) if whole else None


def _home(
    loose: dict[str, Json], name: str, here: StepView, declared: dict[str, None]
) -> tuple[Json, Confidence] | None:
    made = _made_of(loose, name, here) if 0 < len(loose) <= MOST_KEYS else None
    others = (other for other in declared if other not in here.written and other != name)
    return None if made is None or any(_made_of(loose, other, here) for other in others) else made


def _made_of(loose: dict[str, Json], name: str, here: StepView) -> tuple[Json, Confidence] | None:
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
    sure = Confidence.LOSSLESS if len(options) == 1 and required[0] == set(loose) else Confidence.EVIDENT
    target = Target(inner, root, name)
    made = loose if target.takes(values) or coerce(values, target) else None
    if made is None or not any(names <= set(loose) for names in required):
        made, sure = tagged(values, inner, root), Confidence.EVIDENT
    if made is None:
        return None
    return ([{**made, **loose}] if lists else {**made, **loose}), sure


_ITEM = {"type": "object", "properties": {"sku": TEXT, "quantity": INTEGER}, "required": ["sku", "quantity"]}
RULE = Rule(
    "gather_keys",
    (MissingArgument,),
    Tier.MISPLACED,
    propose,
    (
        Example({"item": _ITEM}, {"sku": "can-05", "quantity": 2}, {"item": {"sku": "can-05", "quantity": 2}}),
        Example(
            {"customer": TEXT, "items": {"type": "array", "items": _ITEM}},
            {"customer": "Ada", "sku": "can-05", "quantity": 2},
            {"customer": "Ada", "items": [{"sku": "can-05", "quantity": 2}]},
        ),
        Example({"customer": TEXT, "item": _ITEM, "gift": _ITEM}, {"customer": "Ada", "sku": "can-05", "quantity": 2}),
        Example({"customer": TEXT, "item": _ITEM}, {"customer": "Ada", "sku": "can-05", "colour": "red"}),
    ),
)
