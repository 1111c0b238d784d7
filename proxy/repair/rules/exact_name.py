"""A tool name that is another spelling of exactly one tool's. No swap: the same tool is meant."""

from __future__ import annotations

from collections.abc import Iterator

from catalog_cache.names import resolve
from proxy.repair.rule import TEXT, Example, Offer, Rule, Tier
from proxy.repair.view.step import StepView
from schemas.edit import Confidence, SwapTool
from schemas.problem import AmbiguousTool, UnknownTool


def propose(problem: UnknownTool | AmbiguousTool, here: StepView) -> Iterator[Offer]:
    """Resolve a spelling that means exactly one tool: prefixes, separators, case, template debris."""
    options = resolve(here.evidence.catalog, here.step.tool)
    if len(options) > 1:
        options = tuple(tool for tool in options if tool.server == here.step.server)
    if len(options) == 1:
        edit = SwapTool(here.step.id, options[0].server, options[0].name)
        evidence = f"{here.step.tool!r} is {options[0].public!r} but for prefix, separators, case or template debris"
        yield Offer((edit,), evidence, Confidence.LOSSLESS)


_TOOLS = {"read_page": {"url": TEXT}}
RULE = Rule(
    "exact_name",
    (UnknownTool, AmbiguousTool),
    Tier.WRITTEN,
    propose,
    (
        Example({}, {"url": "x"}, SwapTool("it", "s", "read_page"), called="functions.readPage", tools=_TOOLS),
        Example({}, {"url": "x"}, called="read_pages_all", tools=_TOOLS),
    ),
)
