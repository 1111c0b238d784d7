"""Tools and a stuck plan that several tests speak of."""

from __future__ import annotations

from typing import Any

from proxy.ports import Question
from schemas.catalog import Tool
from schemas.plan import Plan, Step


def tool(name: str, properties: dict[str, Any], *, required: list[str] | None = None, **raw: Any) -> Tool:
    schema = {
        "type": "object",
        "properties": properties,
        "required": list(properties if required is None else required),
    }
    return Tool("shop", name, f"shop__{name}", {"name": name, "inputSchema": schema, **raw})


FIND = tool(
    "find_customer",
    {"name": {"type": "string", "description": "Full name"}},
    description="Find a customer by name.\n\nReturns:\n    the customer",
)
ORDERS = tool(
    "list_orders",
    {"customer_id": {"type": "integer"}, "state": {"enum": ["open", "paid"]}},
    required=["customer_id"],
    description="List orders.\n\nArgs:\n    customer_id: The number of the customer\n    state: Which orders",
)
PLAN = Plan(
    (
        Step("find", "find_customer", {"name": "Jane Roe"}, "shop"),
        Step("orders", "list_orders", {"customer_id": {"$ref": "find", "path": "name"}}, "shop"),
    ),
    goal="List the orders of Jane Roe.",
)
RESULT = {"id": 7, "name": "Jane Roe", "tags": ["new", "vip"]}
QUESTION = Question(
    PLAN, "orders", "customer_id: Input should be a valid integer", (FIND, ORDERS), results={"find": RESULT}
)
