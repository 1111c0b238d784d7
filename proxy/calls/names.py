"""What a tool name that nobody bears was meant to be, and what to answer where that is not clear. Pure.

A name is another spelling of exactly one tool's (prefix, separators, case, template debris), or one with typing
errors, or it is told to the client with the nearest tools.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from catalog_cache.names import resolve
from proxy.calls.mend import STEP, with_diagnosis
from proxy.repair import explain
from proxy.repair.rules import exact_name, misspelled_tool
from proxy.repair.view.step import Evidence, StepView
from proxy.repair.view.tool_fit import ranked_tools
from schemas.catalog import Catalog, Json, Tool
from schemas.edit import Confidence, Proposal, SwapTool
from schemas.plan import Plan, Step
from schemas.problem import UnknownTool
from schemas.trial import Reply

LISTED = 8
"""Tools named where none is near."""


def spelled(name: str, arguments: Json, known: Evidence) -> Proposal | None:
    """The one tool of which the name is another spelling."""
    found = exact_name.RULE.proposals(_unknown(name), _call(name, arguments, known))
    return next((proposal for proposal in found if proposal.confidence is Confidence.LOSSLESS), None)


def mistyped(name: str, arguments: Json, known: Evidence) -> Proposal | None:
    """The one tool from whose name only typing errors keep it."""
    found = misspelled_tool.RULE.proposals(_unknown(name), _call(name, arguments, known))
    return next((proposal for proposal in found if proposal.confidence is not Confidence.GUESS), None)


def tool_of(swap: Proposal, view: Catalog) -> Tool | None:
    """The tool that a resolved name leads to."""
    edit = swap.edits[0]
    return view.origin(edit.server, edit.tool) if isinstance(edit, SwapTool) else None


def near(name: str, arguments: Json, known: Evidence) -> list[Tool]:
    """The tools to name to a client that asked for one that is not there."""
    view = known.catalog
    found = ranked_tools(_call(name, arguments, known))
    return list(resolve(view, name)) or [fit.tool for fit in found[:5] if fit.name >= 0.3] or list(view)[:LISTED]


def pointed(reply: Reply, name: str, tools: Sequence[Tool], shown: Callable[[Tool], str], how: str) -> Reply:
    """The refusal of a name that no tool bears, with the nearest tools and their schemas; `how` as `repair.suggest`."""
    names = tuple(map(shown, tools))
    problem = replace(_unknown(name), message=nobody(name, names), candidates=names)
    schemas = [
        {"name": shown(tool), "description": tool.description[:200], "inputSchema": tool.schema} for tool in tools
    ]
    told = {"problems": [explain.problem_json(problem)], "nearest": schemas}
    return with_diagnosis(reply, told, problem.message, how)


def nobody(name: str, nearest: Sequence[str]) -> str:
    """The sentence that says so."""
    return f"no tool is called {name!r}" + (f"; nearest: {', '.join(nearest)}" if nearest else "")


def _unknown(name: str) -> UnknownTool:
    return UnknownTool(step=STEP, tool=name, message=f"no upstream offers a tool {name!r}")


def _call(name: str, arguments: Json, known: Evidence) -> StepView:
    step = Step(STEP, name, arguments)
    return StepView(Plan((step,)), step, None, known)
