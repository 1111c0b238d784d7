"""Ask the person what the evidence did not decide (`repair.ask`, MCP elicitation).

Which of several repairs was meant, or whether a tool only reads, where nothing but that keeps a repair from being sent.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace

import anyio.to_thread
import structlog

from proxy.ports import Client
from proxy.repair.search.propose import Repair
from proxy.repair.view.shown import json_text, one_line
from proxy.settings.state import choose
from schemas.catalog import Effect, Tool
from schemas.config import Upstream
from schemas.edit import Confidence
from schemas.plan import Step

_log: structlog.stdlib.BoundLogger = structlog.get_logger("proxy.workflows.asking")

QUESTIONS = 10_000
"""Questions to persons that are remembered as asked."""
OFFERED = 4
"""Repairs shown at once."""
NONE = "none of these"
YES, NO = "yes", "no"
SHOWN = 100
"""Characters of a name that are shown."""


async def ask(client: Client, step: Step, options: Sequence[Repair]) -> Repair | None:
    """Show the calls that the repairs lead to; the chosen one comes back as evident, None where none was chosen."""
    offered = {call: option for option in options[:OFFERED] if (call := _call(option, step.id)) is not None}
    if not offered:
        return None
    choice = {"type": "string", "enum": [*offered, NONE], "title": "Send instead"}
    schema = {"type": "object", "properties": {"call": choice}, "required": ["call"]}
    answer = await client.elicit(f"The call of {one_line(step.tool)[:SHOWN]} failed. Which of these was meant?", schema)
    chosen = offered.get(str((answer or {}).get("call")))
    return None if chosen is None else _by_the_person(chosen)


class Reads:
    """Asks once in a session whether a tool only reads; `keep` keeps the answer with the user's other choices."""

    def __init__(self, *, keep: bool = True) -> None:
        self._keep = keep
        self._asked: OrderedDict[tuple[str, str, str], None] = OrderedDict()

    async def __call__(self, client: Client, tool: Tool, upstream: Upstream | None) -> bool:
        """Tell whether the person said that it only reads."""
        key = client.session, tool.server, tool.name
        if key in self._asked:
            return False
        self._asked[key] = None
        if len(self._asked) > QUESTIONS:
            self._asked.popitem(last=False)
        effect = await only_reads(client, tool)
        if effect is not None and upstream is not None and self._keep:
            try:
                await anyio.to_thread.run_sync(choose, upstream, {tool.name: effect})
            except (OSError, ValueError) as error:
                _log.warning("answer not kept", server=tool.server, tool=tool.name, reason=str(error))
        return effect is Effect.READ


async def only_reads(client: Client, tool: Tool) -> Effect | None:
    """Ask whether a tool only reads: read, or unknown where the answer is no; None where there was no answer."""
    choice = {"type": "string", "enum": [YES, NO], "title": "It only reads"}
    schema = {"type": "object", "properties": {"only_reads": choice}, "required": ["only_reads"]}
    name, server = tool.name[:SHOWN], tool.server[:SHOWN]
    answer = await client.elicit(f"Does the tool {name!r} of {server!r} only read, and never change anything?", schema)
    return {YES: Effect.READ, NO: Effect.UNKNOWN}.get(str((answer or {}).get("only_reads")))


def _call(option: Repair, step_id: str) -> str | None:
    step = option.plan.by_id.get(step_id)
    return f"{one_line(step.tool)} {json_text(step.arguments)}" if step is not None else None


def _by_the_person(option: Repair) -> Repair:
    chosen = tuple(
        replace(
            proposal,
            rule=f"{proposal.rule}, chosen by the person",
            confidence=min(proposal.confidence, Confidence.EVIDENT, key=lambda confidence: confidence.rank),
        )
        for proposal in option.proposals
    )
    return replace(option, proposals=chosen)
