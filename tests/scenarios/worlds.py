"""Small worlds in memory that conversations take place in: a shop, a calendar, units, files, a ticket desk, weather."""

# pyright: basic
from __future__ import annotations

from typing import Any

from tests.fakes import BOOLEAN, INTEGER, NUMBER, TEXT, TEXTS, RefusedError, Server, Style, succeeded

PRODUCTS = {
    "rake-12": {"sku": "rake-12", "title": "Leaf rake", "price": 19.5},
    "hose-30": {"sku": "hose-30", "title": "Garden hose", "price": 42.0},
    "can-05": {"sku": "can-05", "title": "Watering can", "price": 12.25},
}


def shop(style: Style = "jsonschema") -> Server:
    """Products, carts and orders; identifiers cannot be guessed from their names."""
    carts: dict[str, list[Any]] = {}

    def search_products(query: str, max_price: float = 1e9) -> Any:
        found = [p for p in PRODUCTS.values() if query.lower() in str(p["title"]).lower() and p["price"] <= max_price]
        return {"products": found, "count": len(found)}

    def get_product(sku: str) -> Any:
        if sku not in PRODUCTS:
            raise RefusedError(f"no product with sku '{sku}'")
        return {"product": PRODUCTS[sku]}

    def open_cart(customer: str) -> Any:
        carts[f"c-{len(carts) + 1}-f7"] = []
        return {"cart": {"id": list(carts)[-1], "customer": customer}}

    def add_to_cart(cart_id: str, sku: str, quantity: int) -> Any:
        lines = _cart(cart_id)
        lines.append(quantity * get_product(sku)["product"]["price"])
        return {"total": sum(lines)}

    def set_delivery(cart_id: str, speed: str) -> Any:
        _cart(cart_id)
        return {"delivery": {"speed": speed}}

    def place_order(cart_id: str) -> Any:
        return {"order": {"id": f"o-{cart_id}-k9", "total": sum(_cart(cart_id))}}

    def cancel_order(order_id: str) -> Any:
        if not order_id.endswith("-k9"):
            raise RefusedError(f"no order with order_id '{order_id}'")
        return {"order_id": order_id, "status": "cancelled"}

    def _cart(cart_id: str) -> list[Any]:
        if cart_id not in carts:
            raise RefusedError(f"no cart with cart_id '{cart_id}'")
        return carts[cart_id]

    server = Server("shop", style)
    server.tool("search_products", search_products, optional=["max_price"], query=TEXT, max_price=NUMBER)
    server.tool("get_product", get_product, sku=TEXT)
    server.tool("open_cart", open_cart, "write", customer=TEXT)
    server.tool("add_to_cart", add_to_cart, "write", cart_id=TEXT, sku=TEXT, quantity=INTEGER)
    speed = {"type": "string", "enum": ["standard", "express"]}
    server.tool("set_delivery", set_delivery, "idempotent", cart_id=TEXT, speed=speed)
    server.tool("place_order", place_order, "write", cart_id=TEXT)
    return server.tool("cancel_order", cancel_order, "destructive", order_id=TEXT)


def calendar(style: Style = "jsonschema") -> Server:
    """Events of a calendar."""

    def create_event(title: str, start_date: str, end_date: str = "", guests: list[str] | None = None) -> Any:
        return {"event": {"id": "ev-881", "title": title, "start_date": start_date, "end_date": end_date or start_date}}

    server = Server("calendar", style)
    day = {"type": "string", "format": "date"}
    server.tool(
        "create_event", create_event, "write", optional=["end_date", "guests"],
        title=TEXT, start_date=day, end_date=day, guests=TEXTS,
    )  # fmt: skip
    server.tool("list_events", lambda day: {"events": [{"id": "ev-17", "title": "Standup"}]}, day=day)
    return server.tool(
        "purge_events", lambda before, dry_run=False: {"purged": 0 if dry_run else 9}, "destructive",
        optional=["dry_run"], before=day, dry_run=BOOLEAN,
    )  # fmt: skip


LENGTHS = {"type": "string", "enum": ["meter", "centimeter", "inch", "foot"]}
METERS = {"meter": 1.0, "centimeter": 0.01, "inch": 0.0254, "foot": 0.3048}


def units(style: Style = "jsonschema") -> Server:
    """Conversions: nothing but reading."""

    def convert_length(value: float, from_unit: str, to_unit: str) -> Any:
        converted = round(value * METERS[from_unit] / METERS[to_unit], 6)
        return {"value": value, "from_unit": from_unit, "converted_value": converted, "to_unit": to_unit}

    server = Server("units", style)
    server.tool("convert_length", convert_length, value=NUMBER, from_unit=LENGTHS, to_unit=LENGTHS)
    server.tool("list_units", lambda: {"units": list(METERS)})

    def round_number(number: float, digits: int) -> float:
        return round(number, digits)

    return server.tool("round_number", round_number, number=NUMBER, digits=INTEGER)


FILES = {"notes/todo.md": "buy paint\ncall Ada", "notes/done.md": "", "report.json": '{"rows": [{"n": 4}, {"n": 9}]}'}


def files(style: Style = "plain") -> Server:
    """Files whose contents come as plain text, with no structured result."""

    def read_file(path: str) -> Any:
        if path not in FILES:
            raise RefusedError(f"ENOENT: no such file or directory, open '{path}'")
        return FILES[path]

    server = Server("files", style)
    server.tool("read_file", read_file, structured=False, path=TEXT)
    server.tool("list_files", lambda folder: succeeded([p for p in FILES if p.startswith(folder)]), folder=TEXT)
    server.tool("write_file", lambda path, content: f"wrote {len(content)} characters to {path}", "write",
                structured=False, path=TEXT, content=TEXT)  # fmt: skip
    return server.tool("delete_file", lambda path: f"deleted {path}", "destructive", structured=False, path=TEXT)


def tickets(style: Style = "pydantic") -> Server:
    """A ticket desk without any annotations, as most real servers are."""
    opened: list[str] = []

    def create_ticket(title: str, priority: str = "normal", labels: list[str] | None = None) -> Any:
        opened.append(title)
        return {"ticket_id": f"T-{len(opened)}04", "title": title, "priority": priority, "labels": labels or []}

    server = Server("tickets", style)
    level = {"type": "string", "enum": ["low", "normal", "urgent"]}
    server.tool("create_ticket", create_ticket, "unknown", optional=["priority", "labels"],
                title=TEXT, priority=level, labels=TEXTS)  # fmt: skip
    server.tool("get_ticket", lambda ticket_id: {"ticket": {"ticket_id": ticket_id, "assignee": "u-55"}}, "unknown",
                ticket_id=TEXT)  # fmt: skip
    server.tool("assign_ticket", lambda ticket_id, user_id: {"ok": True}, "unknown", ticket_id=TEXT, user_id=TEXT)
    return server.tool("find_user", lambda email: {"user": {"user_id": "u-31", "email": email}}, email=TEXT)


def weather(style: Style = "zod") -> Server:
    """Forecasts; a place that it does not know is an error inside a success."""

    def forecast(place: str, days: int = 1) -> Any:
        if place == "Atlantis":
            return {"error": f"unknown place {place}"}
        return {"place": place, "days": [{"rain_mm": 3 + n} for n in range(days)]}

    server = Server("weather", style)
    server.tool("forecast", forecast, optional=["days"], place=TEXT, days=INTEGER)
    return server.tool("list_places", lambda: {"places": ["Oslo", "Bergen"]})
