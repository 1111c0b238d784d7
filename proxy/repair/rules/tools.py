"""Rules for a tool name that leads nowhere, or to several tools.

A name is resolved by exact normalisation first; that is no swap. Only a submitted plan may get another tool, by how
well name and arguments fit, and never one that deletes, sends, pays or stops unless the plan named such a verb.
"""

from __future__ import annotations

from collections.abc import Iterator

from catalog_cache.names import resolve as resolve_name
from proxy.repair.view.step import StepView
from proxy.repair.view.tool_fit import FAR_BEHIND, NEAR, argument_fit, may_correct, may_swap, ranked_tools, same_words
from schemas.catalog import Effect, Tool
from schemas.edit import Confidence, Proposal, SwapTool
from schemas.problem import AmbiguousTool, UnknownTool


def exact_name(problem: UnknownTool | AmbiguousTool, here: StepView) -> Iterator[Proposal]:
    """Resolve a spelling that means exactly one tool: prefixes, separators, case, template debris."""
    options = resolve_name(here.evidence.catalog, here.step.tool)
    if len(options) > 1:
        options = tuple(tool for tool in options if tool.server == here.step.server) or options
    if len(options) == 1:
        tool = options[0]
        evidence = f"{here.step.tool!r} is {tool.public!r} but for prefix, separators, case or template debris"
        yield _swap(problem, here, tool, "exact_name", evidence, Confidence.LOSSLESS, 1.0)


def ambiguous_by_arguments(problem: UnknownTool | AmbiguousTool, here: StepView) -> Iterator[Proposal]:
    """Of several tools that one name fits, take the only one whose schema fits the arguments."""
    options = resolve_name(here.evidence.catalog, here.step.tool)
    if len(options) < 2:
        return
    ranked = sorted(((argument_fit(tool, here), tool) for tool in options), key=lambda pair: -pair[0])
    if ranked[0][0] - ranked[1][0] >= 0.3:
        tool = ranked[0][1]
        evidence = f"of the {len(options)} tools of that name only {tool.public!r} fits the arguments"
        yield _swap(problem, here, tool, "name_by_arguments", evidence, Confidence.EVIDENT, ranked[0][0])


def nearest_tool(problem: UnknownTool, here: StepView) -> Iterator[Proposal]:
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
        evidence = f"{fit.tool.public!r}: name {fit.name:.2f} alike, arguments fit {fit.arguments:.2f}"
        yield _swap(problem, here, fit.tool, "nearest_tool", evidence, sure, fit.total)


def _swap(
    problem: UnknownTool | AmbiguousTool,
    here: StepView,
    tool: Tool,
    rule: str,
    evidence: str,
    sure: Confidence,
    score: float,
) -> Proposal:
    edit = SwapTool(here.step.id, tool.server, tool.name)
    return Proposal(problem, (edit,), rule, evidence, sure, score)
