"""How times, durations and names are written on the page. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from proxy.repair.view.shown import shown

SINCE = {"15m": 900, "1h": 3600, "24h": 86400, "7d": 604800}
"""Periods that the list can be cut to, in seconds."""


def clock(at: float) -> str:
    """A time of day in UTC; the browser writes its own zone over it."""
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S")


def day(at: float) -> str:
    """A time as ISO 8601, for the browser."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def milliseconds(ms: float) -> str:
    """A duration in the unit that a person reads."""
    if ms < 1000:
        return f"{ms:.1f} ms" if ms < 10 else f"{ms:.0f} ms"
    return f"{ms / 1000:.1f} s" if ms < 60_000 else f"{ms / 60_000:.0f} min"


def ago(at: float, now: float) -> str:
    """How long ago a time was, in its largest unit."""
    seconds = max(0, int(now - at))
    for name, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {name}"
    return f"{seconds} s"


def words(name: str) -> str:
    """A name of the report as words: `coerce_argument` is `coerce argument`."""
    return name.replace("_", " ")


def pairs(names: Iterable[str]) -> list[tuple[str, str]]:
    """Options that are called what they are, as far as that can be shown."""
    return [(name, shown(name)) for name in names]


def tail(identifier: str) -> str:
    """The end of an id, which finds it too."""
    return identifier[-8:]
