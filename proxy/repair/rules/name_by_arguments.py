"""A tool name that fits several tools, of which the arguments fit one."""

from __future__ import annotations

from collections.abc import Iterator

from catalog_cache.names import resolve
from proxy.repair.rule import INTEGER, TEXT, Example, Offer, Rule, Tier
from proxy.repair.view.step import StepView
from proxy.repair.view.tool_fit import argument_fit
from schemas.edit import Confidence, SwapTool
from schemas.problem import AmbiguousTool, UnknownTool

AHEAD = 0.3
"""Lead in fit that singles a tool out."""


def propose(problem: UnknownTool | AmbiguousTool, here: StepView) -> Iterator[Offer]:
    """Of several tools that one name fits, take the only one whose schema fits the arguments."""
    options = resolve(here.evidence.catalog, here.step.tool)
    fits = sorted(((argument_fit(tool, here), tool) for tool in options), key=lambda pair: -pair[0])
    if len(fits) > 1 and fits[0][0] - fits[1][0] >= AHEAD:
        fit, tool = fits[0]
        edit = SwapTool(here.step.id, tool.server, tool.name)
        evidence = f"of the {len(options)} tools of that name only {tool.public!r} fits the arguments"
        yield Offer((edit,), evidence, Confidence.EVIDENT, fit)


_TOOLS = {"get_page": {"url": TEXT}, "getPage": {"number": INTEGER}}
RULE = Rule(
    "name_by_arguments",
    (UnknownTool, AmbiguousTool),
    Tier.WRITTEN,
    propose,
    (
        Example({}, {"number": 7}, SwapTool("it", "s", "getPage"), called="GET_PAGE", tools=_TOOLS),
        Example({}, {}, called="GET_PAGE", tools=_TOOLS),
    ),
)
