"""Write docs/rules.md from the rules: `python -m proxy.repair.rules > docs/rules.md`."""

from __future__ import annotations

import sys

from proxy.repair.rule import TOOL, Example, Rule, Tier
from proxy.repair.rules import BY_PROBLEM, RULES
from proxy.repair.view.values import MISSING
from schemas.catalog import Json, canonical
from schemas.edit import Edit

_HEAD = """# Rules

What may be changed about a step that fails, before any model is asked. Each rule is one file of `proxy/repair/rules`,
named by its id; a new file is a new rule. This page is written by `python -m proxy.repair.rules > docs/rules.md` from
what the files hold; the examples are their tests.

A rule offers edits with evidence and a confidence ([design.md](design.md)). It is asked in a *tier*: a tier is asked
only where those before it are not sure.

"""


def page() -> str:
    """The whole page."""
    tiers = "".join(f"{tier.value}. *{tier.name.lower()}*: {_TIERS[tier]}\n" for tier in Tier)
    return "\n".join([_HEAD + tiers, "## From problem to rules\n", _table(), "## The rules\n", *map(_entry, RULES)])


_TIERS = {
    Tier.WRITTEN: "what was meant stands there, written another way",
    Tier.ALIKE: "what was meant looks like what stands there",
    Tier.MISPLACED: "what was meant stands in another place, or under another name",
    Tier.DECLARED: "the schema, or the upstream, says what is taken",
    Tier.ELSEWHERE: "what was meant stands in the goal, in a result, or in another tool",
    Tier.DEFAULT: "what is used where nothing is given; asked only where nothing else was found",
}


def _table() -> str:
    rows = ["| problem | rules, in the order in which they are asked |", "|---|---|"]
    for kind, tiers in BY_PROBLEM.items():
        asked = " → ".join(f"{_linked(tier)}" for tier in tiers)
        rows.append(f"| `{kind.kind}` | {asked or 'none: no edit mends it'} |")
    return "\n".join(rows) + "\n"


def _linked(tier: tuple[Rule, ...]) -> str:
    return ", ".join(f"[{rule.id}](#{rule.id})" for rule in tier)


def _entry(rule: Rule) -> str:
    told = " ".join((rule.propose.__doc__ or "").split())
    solves = ", ".join(f"`{kind.kind}`" for kind in rule.solves)
    return "\n".join(
        [
            f"### {rule.id}\n",
            f"{told}\n",
            f"Solves {solves}; tier *{rule.tier.name.lower()}*.\n",
            *map(_line, rule.examples),
            "",
        ]
    )


def _line(example: Example) -> str:
    """An example as one line: what was sent, within what, and what becomes of it."""
    known = {
        "takes": example.takes if example.called == TOOL else {},
        "tools": dict(example.tools),
        "goal": example.goal,
        "earlier results": {one.id: one.returned for one in example.before if one.returned is not MISSING},
        "other steps": {one.id: one.sent for one in (*example.before, *example.after) if one.sent},
        "session": list(example.session),
        "refused": example.refused,
    }
    within = "; ".join(f"{name} {_shown(value)}" for name, value in known.items() if value)
    called = "" if example.called == TOOL else f"`{example.called}` "
    became = "left alone" if example.becomes is MISSING else f"→ {_became(example.becomes)}"
    return f"- {called}{_shown(example.sent)} {became} ({within})"


def _became(value: Json | Edit) -> str:
    return f"`{value}`" if isinstance(value, Edit) else _shown(value)


def _shown(value: Json) -> str:
    return f"`{value if isinstance(value, str) else canonical(value)}`"


if __name__ == "__main__":
    sys.stdout.write(page())
