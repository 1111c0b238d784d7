"""What telemetry asks of the proxy around it: upstreams, catalog and journal as they are now."""

from __future__ import annotations

from typing import Protocol
from urllib.parse import urlsplit

from proxy.ports import Planner
from proxy.telemetry.metrics import LOST, PLANNER_AVAILABLE, QUEUE, STATE, TOOLS, Backend
from proxy.upstreams.fleet import Fleet
from proxy.upstreams.supervisor import State


class Queue(Protocol):
    """The journal, as far as it can fall behind."""

    @property
    def waiting(self) -> int:
        """Records that are not on disk yet."""
        ...

    @property
    def lost(self) -> int:
        """Records that could not be kept."""
        ...


class Surroundings:
    """Asks the fleet, once there is one; safe from any thread, as everything asked is swapped whole."""

    def __init__(self) -> None:
        self._fleet: Fleet | None = None
        self._own: frozenset[str] = frozenset()

    def attach(self, fleet: Fleet, journal: Queue, planner: Planner, own: tuple[str, ...], meters: Backend) -> None:
        """Ask these from now on; `own` are the proxy's own tools."""
        self._fleet, self._own = fleet, frozenset(own)
        meters.watch(
            STATE, lambda: [((s, each), float(each is now)) for s, now in self.states().items() for each in State]
        )
        meters.watch(TOOLS, lambda: [((server,), float(self.tools(server))) for server in fleet.names])
        meters.watch(QUEUE, lambda: [((), float(journal.waiting))])
        if planner.available is not None:
            meters.watch(PLANNER_AVAILABLE, lambda: [((), float(planner.available or False))])
        meters.watch(LOST, lambda: [((), float(journal.lost))])

    def states(self) -> dict[str, State]:
        """Every configured upstream and where it stands."""
        if self._fleet is None:
            return {}
        members = ((name, self._fleet.member(name)) for name in self._fleet.names)
        return {name: member.state for name, member in members if member is not None}

    def tools(self, server: str) -> int:
        """How many tools an upstream lists."""
        return len(self._fleet.catalog.of(server)) if self._fleet is not None else 0

    def known(self, server: str, tool: str) -> bool:
        """Tell whether an upstream lists a tool."""
        return self._fleet is not None and self._fleet.tool(server, tool) is not None

    def tool(self, name: str) -> bool:
        """Tell whether a client may know a tool by this name, on whichever endpoint."""
        if self._fleet is None or name in self._own:
            return self._fleet is not None
        catalog = self._fleet.catalog
        return catalog.public(name) is not None or any(catalog.origin(server, name) for server in self._fleet.names)

    def version(self, server: str) -> str:
        """The version of the protocol that an upstream speaks, "" while it is not connected."""
        connection = self._fleet.connection(server) if self._fleet is not None else None
        return connection.version if connection is not None else ""

    def address(self, server: str) -> tuple[str, int] | None:
        """Host and port of a remote upstream, None for one on stdio."""
        member = self._fleet.member(server) if self._fleet is not None else None
        if member is None or member.config.url is None:
            return None
        parts = urlsplit(member.config.url)
        try:
            port = parts.port
        except ValueError:
            port = None
        return parts.hostname or "", port or (443 if parts.scheme == "https" else 80)
