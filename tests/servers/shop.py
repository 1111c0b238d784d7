"""A small real MCP server with effects: a garden shop, strict about its arguments.

Usage: python shop.py LOG. Every executed call that changes the shop adds a JSON line to LOG; the first line holds the
process id. Refusals read like those of real servers: what is wrong, and the value that was sent.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import anyio
import jsonschema
from mcp import types
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

PRODUCTS = {
    "rake-12": {"sku": "rake-12", "title": "Leaf rake", "price": 19.5, "department": "tools"},
    "hose-30": {"sku": "hose-30", "title": "Garden hose, 30 m", "price": 42.0, "department": "watering"},
    "can-05": {"sku": "can-05", "title": "Watering can, 5 l", "price": 12.25, "department": "watering"},
}
READ = {"readOnlyHint": True}
WRITE = {"readOnlyHint": False, "destructiveHint": False}
DESTROY = {"readOnlyHint": False, "destructiveHint": True}


def _tool(name: str, description: str, hints: dict[str, bool], **properties: Any) -> dict[str, Any]:
    optional = [key for key, schema in properties.items() if schema.pop("optional", False)]
    return {
        "name": name,
        "description": description,
        "annotations": hints,
        "inputSchema": {
            "type": "object",
            "properties": properties,
            "required": [key for key in properties if key not in optional],
            "additionalProperties": False,
        },
    }


_CART = {"type": "string", "description": "Identifier of an open cart."}
_SKU = {"type": "string", "description": "Article number."}
TOOLS = [
    _tool(
        "search_products",
        "Find products by words in their title.",
        READ,
        query={"type": "string"},
        department={"type": "string", "enum": ["tools", "watering", "seeds"], "optional": True},
        max_price={"type": "number", "optional": True},
    ),
    _tool("get_product", "Look one product up.", READ, sku=_SKU),
    _tool("open_cart", "Open an empty cart.", WRITE, customer={"type": "string"}),
    _tool("add_to_cart", "Put a product into a cart.", WRITE, cart_id=_CART, sku=_SKU, quantity={"type": "integer"}),
    _tool(
        "set_delivery",
        "Choose how and when a cart is delivered.",
        {**WRITE, "idempotentHint": True},
        cart_id=_CART,
        speed={"type": "string", "enum": ["standard", "express"]},
        day={"type": "string", "format": "date", "optional": True},
    ),
    _tool("place_order", "Order what is in a cart.", WRITE, cart_id=_CART),
    _tool("order_status", "Tell how far an order is.", READ, order_id={"type": "string"}),
    _tool("cancel_order", "Cancel an order for good.", DESTROY, order_id={"type": "string"}),
]


class Shop:
    """The carts and orders of one process; identifiers are not guessable from their names."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._carts: dict[str, list[dict[str, Any]]] = {}
        self._orders: dict[str, str] = {}
        self._note({"pid": os.getpid()})

    def call(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Do what the tool says, or raise `LookupError` with a sentence."""
        done: dict[str, Any] = getattr(self, f"_{name}")(**arguments)
        if next(tool for tool in TOOLS if tool["name"] == name)["annotations"] is not READ:
            self._note({"tool": name, "arguments": arguments})
        return done

    def _note(self, line: dict[str, Any]) -> None:
        with self._log.open("a") as log:
            log.write(json.dumps(line) + "\n")

    def _search_products(self, query: str, department: str = "", max_price: float = 1e9) -> dict[str, Any]:
        words = query.lower().split()
        found = [
            product
            for product in PRODUCTS.values()
            if any(word in product["title"].lower() for word in words)
            and department in ("", product["department"])
            and product["price"] <= max_price
        ]
        return {"products": found, "count": len(found)}

    def _get_product(self, sku: str) -> dict[str, Any]:
        if sku not in PRODUCTS:
            raise LookupError(f"no product with sku '{sku}'")
        return {"product": PRODUCTS[sku]}

    def _open_cart(self, customer: str) -> dict[str, Any]:
        cart = f"c-{len(self._carts) + 1}-{len(customer)}f7"
        self._carts[cart] = []
        return {"cart": {"id": cart, "customer": customer}}

    def _add_to_cart(self, cart_id: str, sku: str, quantity: int) -> dict[str, Any]:
        product = self._get_product(sku)["product"]
        self._cart(cart_id).append({"sku": sku, "quantity": quantity, "price": product["price"]})
        return {"total": sum(line["price"] * line["quantity"] for line in self._cart(cart_id))}

    def _set_delivery(self, cart_id: str, speed: str, day: str = "") -> dict[str, Any]:
        self._cart(cart_id)
        return {"delivery": {"speed": speed, "day": day or "next working day"}}

    def _place_order(self, cart_id: str) -> dict[str, Any]:
        lines = self._cart(cart_id)
        order = f"o-{len(self._orders) + 1}-{len(lines)}k9"
        self._orders[order] = "placed"
        return {"order": {"id": order, "total": sum(line["price"] * line["quantity"] for line in lines)}}

    def _order_status(self, order_id: str) -> dict[str, Any]:
        if order_id not in self._orders:
            raise LookupError(f"no order with order_id '{order_id}'")
        return {"order_id": order_id, "status": self._orders[order_id]}

    def _cancel_order(self, order_id: str) -> dict[str, Any]:
        self._order_status(order_id)
        self._orders[order_id] = "cancelled"
        return {"order_id": order_id, "status": "cancelled"}

    def _cart(self, cart_id: str) -> list[dict[str, Any]]:
        if cart_id not in self._carts:
            raise LookupError(f"no cart with cart_id '{cart_id}'")
        return self._carts[cart_id]


def answer(shop: Shop, name: str, arguments: dict[str, Any]) -> types.CallToolResult:
    """Validate, then call; every refusal is an error result."""
    tool = next((tool for tool in TOOLS if tool["name"] == name), None)
    if tool is None:
        return _result(f"Unknown tool: {name}", failed=True)
    checker = jsonschema.FormatChecker()
    validator = jsonschema.Draft202012Validator(tool["inputSchema"], format_checker=checker)
    error = next(iter(validator.iter_errors(arguments)), None)
    if error is not None:
        place = f" ({'.'.join(map(str, error.absolute_path))})" if error.absolute_path else ""
        return _result(f"Input validation error: {error.message}{place}", failed=True)
    try:
        return _result(shop.call(name, arguments))
    except LookupError as refusal:
        return _result(str(refusal.args[0]), failed=True)


def _result(value: Any, *, failed: bool = False) -> types.CallToolResult:
    text = value if isinstance(value, str) else json.dumps(value)
    structured = None if isinstance(value, str) else value
    block = types.TextContent(type="text", text=text)
    return types.CallToolResult(content=[block], structured_content=structured, is_error=failed)


async def main() -> None:
    """Serve on stdio until the client leaves."""
    shop = Shop(Path(sys.argv[1]))

    async def list_tools(_ctx: Any, _params: Any) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[types.Tool.model_validate(tool) for tool in TOOLS])

    async def call_tool(_ctx: Any, params: Any) -> types.CallToolResult:
        return answer(shop, params.name, params.arguments or {})

    server: Server[Any] = Server("shop", version="1", on_list_tools=list_tools, on_call_tool=call_tool)
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


if __name__ == "__main__":
    anyio.run(main)
