"""The situations that are timed: a shop's catalog of about a thousand tokens, and sixteen repairs of one call."""

from __future__ import annotations

from dataclasses import replace

from proxy.planner import prompt
from proxy.ports import Question
from schemas.catalog import Tool
from schemas.plan import Plan, Step

NOUNS = ("customer", "order", "invoice", "parcel", "product", "supplier", "ticket", "refund")
VERBS = ("find", "list", "update")
ARGUMENTS = {
    "id": {"type": "integer", "description": "Its number"},
    "name": {"type": "string", "description": "Full name, or the beginning of one"},
    "state": {"enum": ["open", "paid", "closed", "lost"]},
    "since": {"type": "string", "format": "date", "description": "Only what is newer"},
}


def catalog() -> tuple[Tool, ...]:
    """Twenty-four tools."""
    return tuple(_tool(verb, noun) for noun in NOUNS for verb in VERBS)


def _tool(verb: str, noun: str) -> Tool:
    schema = {"type": "object", "properties": ARGUMENTS, "required": ["id"]}
    text = f"{verb.capitalize()} {noun} records of the shop by number, name, state or age, newest first"
    name = f"{verb}_{noun}"
    return Tool("shop", name, f"shop__{name}", {"name": name, "description": text, "inputSchema": schema})


def question(number: int = 0, tools: int = 16) -> Question:
    """A call to a tool that there is not; questions of different numbers differ in their goal alone."""
    step = Step("s1", "get_order_info", {"id": 4711, "state": "open"}, "shop")
    plan = Plan((step,), goal=f"What has become of order {4711 + number}, has it been paid?")
    return Question(plan, "s1", "Unknown tool: get_order_info", catalog()[:tools])


def contexts(number: int = 0) -> str:
    """The question as a prompt."""
    return prompt.ranking(question(number), 3000)


def swaps() -> list[str]:
    """Sixteen repaired calls that share nothing but their arguments: other tools."""
    asked = question()
    step = asked.plan.steps[0]
    return [prompt.repaired(asked, asked.plan.with_step(replace(step, tool=tool.name))) for tool in asked.tools]


def options() -> list[str]:
    """Sixteen repaired calls as rules propose them for one step: few tools, several names, values and sources."""
    asked = question()
    step = asked.plan.steps[0]
    since = {"since": "2026-01-31"}
    states = [{"id": 4711, **since, "state": state} for state in ("open", "paid", "closed", "lost")]
    sources = [
        {"state": "open", **since, "id": {"$ref": "s0", "path": path}}
        for path in ("id", "number", "order.id", "order.number", "items.0.id", "items.0.order", "customer.id")
    ]
    names = [{"state": "open", **since, name: 4711} for name in ("id", "name")]
    calls = [replace(step, tool="find_order", arguments=each) for each in (*states, *sources, *names)]
    calls += [replace(step, tool=tool, arguments=states[0]) for tool in ("list_order", "find_ticket", "find_refund")]
    return [prompt.repaired(asked, asked.plan.with_step(call)) for call in calls]
