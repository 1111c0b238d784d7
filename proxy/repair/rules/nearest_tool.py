"""A tool name that nobody bears, in a plan: the tools that are near by name and arguments.

Never one that deletes, sends, pays or stops unless the plan named such a verb.
"""

from __future__ import annotations

from collections.abc import Iterator

from proxy.repair.rule import TEXT, Example, Offer, Rule, Tier
from proxy.repair.view.step import StepView
from proxy.repair.view.tool_fit import may_correct, may_swap, ranked_tools, same_words
from schemas.catalog import Effect
from schemas.edit import Confidence, SwapTool
from schemas.problem import UnknownTool

NEAR = 0.62
"""Least fit of name and arguments together that is worth proposing."""
FAR_BEHIND = 0.25
"""Distance behind a tool whose very name was meant at which no other is worth proposing."""


def propose(problem: UnknownTool, here: StepView) -> Iterator[Offer]:
    """Propose tools whose name and arguments are near, within the effects policy."""
    if here.evidence.single:
        return
    meant, ranked = 0.0, ranked_tools(here)[:5]
    same = [fit for fit in ranked if same_words(here.step.tool, fit.tool.name) and fit.arguments >= 0.5]
    for fit in ranked:
        if fit.total < max(NEAR, meant - FAR_BEHIND):
            return
        allowed = may_swap(here, fit.tool)
        if not allowed and (fit.tool.effect is Effect.READ or not may_correct(here, fit.tool)):
            if fit.name >= 0.6:
                return
            continue
        typo = fit.name >= 0.85 and fit.arguments >= 0.5
        meant = max(meant, fit.total if typo else 0.0)
        likely_one = typo or (fit.arguments >= 0.99 and fit.name >= 0.4)
        sure = Confidence.EVIDENT if allowed and likely_one and (len(same) != 1 or fit in same) else Confidence.GUESS
        edit = SwapTool(here.step.id, fit.tool.server, fit.tool.name)
        evidence = f"{fit.tool.public!r}: name {fit.name:.2f} alike, arguments fit {fit.arguments:.2f}"
        yield Offer((edit,), evidence, sure, fit.total)


_TOOLS = {"search_products": {"query": TEXT}}
RULE = Rule(
    "nearest_tool",
    (UnknownTool,),
    Tier.ELSEWHERE,
    propose,
    (
        Example({}, {"query": "rake"}, SwapTool("it", "s", "search_products"), called="find_products", tools=_TOOLS),
        Example({}, {"query": "rake"}, called="delete_products", tools=_TOOLS),
    ),
)
