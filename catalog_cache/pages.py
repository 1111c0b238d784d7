"""Follow a paginated list of an upstream to its end. Knows neither the method nor the connection."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from schemas.catalog import as_list, as_object
from schemas.trial import Reply

PAGES = 1000
"""Most pages followed: a server whose cursor never ends must not hold us for ever."""


@dataclass(frozen=True)
class Listing:
    """All pages as one: `items` as they came, `extra` the first page's other fields, or why there is none."""

    items: tuple[Mapping[str, Any], ...] = ()
    extra: Mapping[str, Any] | None = None
    failure: str | None = None


async def every_page(ask: Callable[[Mapping[str, Any]], Awaitable[Reply]], key: str = "tools") -> Listing:
    """Ask for page after page until no cursor (or one already seen) comes back."""
    items: list[Mapping[str, Any]] = []
    extra: Mapping[str, Any] = {}
    seen: set[str] = set()
    cursor: str | None = None
    for number in range(PAGES):
        reply = await ask({} if cursor is None else {"cursor": cursor})
        if reply.result is None:
            return Listing(failure=str(reply.error.get("message")) if reply.error is not None else reply.message)
        page = as_list(reply.result.get(key)) or []
        items += [item for each in page if (item := as_object(each)) is not None]
        if number == 0:
            extra = {name: value for name, value in reply.result.items() if name not in (key, "nextCursor")}
        following = reply.result.get("nextCursor")
        if not isinstance(following, str) or not following or following in seen:
            break
        seen.add(following)
        cursor = following
    return Listing(tuple(items), extra)
