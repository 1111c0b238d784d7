"""What may solve a problem: one file a rule, named by its id, collected by file name. Pure.

A file whose name begins with an underscore is no rule.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Iterable, Mapping
from importlib import import_module
from itertools import groupby
from typing import get_args

from proxy.repair.rule import Rule
from schemas.problem import Problem

Table = Mapping[type[Problem], tuple[tuple[Rule, ...], ...]]
"""Problem kind to the rules that may solve it, in tiers; an empty row is a problem that no edit mends."""


def collected(folders: Iterable[str]) -> tuple[Rule, ...]:
    """The rules in the files of these folders, by tier, order and name."""
    names = {module.name for module in pkgutil.iter_modules(folders) if not module.name.startswith("_")}
    rules = (import_module(f"{__name__}.{name}").RULE for name in names)
    return tuple(sorted(rules, key=lambda rule: (rule.tier, rule.order, rule.id)))


def by_problem(rules: Iterable[Rule]) -> Table:
    """The table from problem kind to the rules that may solve it."""
    rules = tuple(rules)
    return {
        kind: tuple(
            tuple(tier) for _, tier in groupby((rule for rule in rules if kind in rule.solves), lambda rule: rule.tier)
        )
        for kind in get_args(Problem)
    }


RULES = collected(__path__)
BY_PROBLEM = by_problem(RULES)
