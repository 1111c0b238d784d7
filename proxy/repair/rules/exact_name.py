"""A tool name that is another spelling of exactly one tool's, or of several of which the arguments fit one."""

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
    """Resolve a spelling (prefixes, separators, case, template debris) that means one tool, or one that fits.

    Of several tools it is the only one of the named server, or else the only one whose schema fits the arguments.
    """
    options = resolve(here.evidence.catalog, here.step.tool)
    mine = [tool for tool in options if len(options) == 1 or tool.server == here.step.server]
    fits = sorted(((argument_fit(tool, here), tool) for tool in options), key=lambda pair: -pair[0])
    if len(mine) == 1:
        edit = SwapTool(here.step.id, mine[0].server, mine[0].name)
        evidence = f"{here.step.tool!r} is {mine[0].public!r} but for prefix, separators, case or template debris"
        yield Offer((edit,), evidence, Confidence.LOSSLESS)
    if len(fits) > 1 and fits[0][0] - fits[1][0] >= AHEAD:
        fit, tool = fits[0]
        edit = SwapTool(here.step.id, tool.server, tool.name)
        evidence = f"of the {len(options)} tools of that name only {tool.public!r} fits the arguments"
        yield Offer((edit,), evidence, Confidence.EVIDENT, fit)


_PAGE = {"read_page": {"url": TEXT}}
_PAGES = {"get_page": {"url": TEXT}, "getPage": {"number": INTEGER}}
RULE = Rule(
    "exact_name",
    (UnknownTool, AmbiguousTool),
    Tier.WRITTEN,
    propose,
    (
        Example({}, {"url": "x"}, SwapTool("it", "s", "read_page"), called="functions.readPage", tools=_PAGE),
        Example({}, {"number": 7}, SwapTool("it", "s", "getPage"), called="GET_PAGE", tools=_PAGES),
        Example({}, {"url": "x"}, called="read_pages_all", tools=_PAGE),
        Example({}, {}, called="GET_PAGE", tools=_PAGES),
    ),
)
