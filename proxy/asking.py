"""Let the person choose among repairs that the evidence did not decide between (`repair.ask`, MCP elicitation)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from proxy.repair.ports import Client
from proxy.repair.propose import Repair
from schemas.edit import Confidence
from schemas.plan import Step

OFFERED = 4
"""Repairs shown at once."""
NONE = "none of these"


async def ask(client: Client, step: Step, options: Sequence[Repair]) -> Repair | None:
    """Show the calls that the repairs lead to; the chosen one comes back as evident, None where none was chosen."""
    offered = {call: option for option in options[:OFFERED] if (call := _call(option, step.id)) is not None}
    if not offered:
        return None
    choice = {"type": "string", "enum": [*offered, NONE], "title": "Send instead"}
    schema = {"type": "object", "properties": {"call": choice}, "required": ["call"]}
    answer = await client.elicit(f"The call of {step.tool} failed. Which of these was meant?", schema)
    chosen = offered.get(str((answer or {}).get("call")))
    return None if chosen is None else _by_the_person(chosen)


def _call(option: Repair, step_id: str) -> str | None:
    step = option.plan.by_id.get(step_id)
    return f"{step.tool} {json.dumps(step.arguments, ensure_ascii=False)}" if step is not None else None


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
