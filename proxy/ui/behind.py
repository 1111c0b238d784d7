"""What the page can ask of the program that it belongs to: a proxy at work, or a look into the journal beside one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from proxy.store.health import Writing
from proxy.store.sql import Place
from proxy.upstreams.auth.logins import Logins
from schemas.catalog import Catalog
from schemas.config import Config

Send = Callable[[Sequence[Mapping[str, Any]], bool], Awaitable[list[Mapping[str, Any]]]]
"""Sends recorded calls again; true: also those that may change something."""


@dataclass(frozen=True)
class UpstreamState:
    """How one upstream of a proxy at work is; times in seconds since the epoch."""

    name: str
    state: str
    reason: str = ""
    stderr: tuple[str, ...] = ()
    since: float | None = None
    """When its connection was made; None while there is none."""
    connections: int = 0
    """How often it was connected, the first time included."""


@dataclass(frozen=True)
class Behind:
    """The program behind the page; everything is asked anew for each request.

    `states` is None beside a proxy that serves on stdio: only that process knows its connections.
    """

    journal: Place
    config: Callable[[], Config]
    catalog: Callable[[], Catalog]
    send: Send
    states: Callable[[], Sequence[UpstreamState]] | None = None
    writing: Writing | None = None
    """The journal where this program writes it; None beside a proxy."""
    logins: Logins | None = None
    """Where logins are kept; None beside a proxy."""
    source: str = ""
    """The file that the configuration was read from, "" where there is none."""
