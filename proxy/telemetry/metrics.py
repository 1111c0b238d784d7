"""Every metric, once: its name, unit, labels and help. Pure.

A label holds only what is bounded: names of the configuration and the catalog, words of ours, codes of the protocol.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, Protocol

Labels = tuple[str, ...]
Read = Callable[[], Iterable[tuple[Labels, float]]]

OTHER = "other"
"""Stands for every name that is not in the catalog."""

_CALL_SECONDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300)
"""The boundaries that the semantic conventions of MCP ask for."""
_ADDED_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)


@dataclass(frozen=True, eq=False)
class Metric:
    """One metric; `name` is OpenTelemetry's, `labels` are its attributes."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    unit: str
    help: str
    labels: Labels = ()
    buckets: tuple[float, ...] = ()
    kept: bool = False
    """Whether its values are kept elsewhere and read whenever somebody looks."""

    @property
    def prometheus(self) -> str:
        """Its name for Prometheus, without what the format adds to counters and histograms."""
        return _word(self.name) + ("_seconds" if self.unit == "s" else "")

    @property
    def shown(self) -> tuple[str, ...]:
        """The names under which Prometheus shows its samples."""
        name = self.prometheus
        if self.kind == "histogram":
            return f"{name}_bucket", f"{name}_sum", f"{name}_count"
        return (f"{name}_total",) if self.kind == "counter" else (name,)

    @property
    def prometheus_labels(self) -> Labels:
        """Its labels for Prometheus."""
        return tuple(_word(label) for label in self.labels)


CALLS = Metric(
    "mcp_mend.calls", "counter", "{call}", "tools/call sent upstream, or answered for want of a tool.",
    ("server", "tool", "outcome"),
)  # fmt: skip
DURATION = Metric(
    "mcp.client.operation.duration", "histogram", "s", "What upstreams took to answer a tools/call.",
    ("mcp.method.name", "gen_ai.tool.name", "error.type", "mcp_mend.server"), _CALL_SECONDS,
)  # fmt: skip
ADDED = Metric(
    "mcp_mend.added.duration", "histogram", "s",
    "What a client's tools/call took less what upstreams took for it: the time that mcp-mend itself added.",
    ("handling",), _ADDED_SECONDS,
)  # fmt: skip
RUNS = Metric(
    "mcp_mend.runs", "counter", "{run}", "Failed calls that were looked at, and workflows, by how they ended.",
    ("kind", "status"),
)  # fmt: skip
RUN_DURATION = Metric(
    "mcp_mend.run.duration", "histogram", "s", "What such a run took, its upstream calls included.",
    ("kind", "status"), _CALL_SECONDS,
)  # fmt: skip
REPAIRS = Metric(
    "mcp_mend.repairs", "counter", "{repair}", "Changes made or proposed, by the status of their run.",
    ("op", "rule", "confidence", "outcome"),
)  # fmt: skip
ABSTENTIONS = Metric(
    "mcp_mend.abstentions", "counter", "{run}", "Runs that ended without a repair that could be claimed, and why.",
    ("kind", "reason"),
)  # fmt: skip
PLANNER_DURATION = Metric(
    "mcp_mend.planner.duration", "histogram", "s", "What the planner took for a question.",
    ("question", "answered"), _CALL_SECONDS,
)  # fmt: skip
PLANNER_TOKENS = Metric("mcp_mend.planner.tokens", "counter", "{token}", "Tokens that the planner read and wrote.")
PLANNER_AVAILABLE = Metric(
    "mcp_mend.planner.available", "gauge", "1",
    "1 while the planner is asked, 0 while it is left alone after failures.", kept=True,
)  # fmt: skip
STATE = Metric(
    "mcp_mend.upstream.state", "gauge", "1", "1 for the state that an upstream is in.", ("server", "state"),
    kept=True,
)  # fmt: skip
TOOLS = Metric("mcp_mend.upstream.tools", "gauge", "{tool}", "Tools that an upstream lists.", ("server",), kept=True)
QUEUE = Metric(
    "mcp_mend.journal.queue", "gauge", "{record}", "Records that the journal has not yet written.", kept=True
)
LOST = Metric("mcp_mend.journal.lost", "counter", "{record}", "Records that the journal could not keep.", kept=True)
SESSIONS = Metric(
    "mcp_mend.sessions", "gauge", "{session}", "Sessions of clients that have introduced themselves.", kept=True
)

METRICS = (
    *(CALLS, DURATION, ADDED, RUNS, RUN_DURATION, REPAIRS, ABSTENTIONS, PLANNER_DURATION, PLANNER_TOKENS),
    *(PLANNER_AVAILABLE, STATE, TOOLS, QUEUE, LOST, SESSIONS),
)


class Backend(Protocol):
    """Where metrics go; safe to use from any thread."""

    def add(self, metric: Metric, amount: float, labels: Labels = ()) -> None:
        """Count."""
        ...

    def record(self, metric: Metric, value: float, labels: Labels = ()) -> None:
        """Take one value of a histogram."""
        ...

    def watch(self, metric: Metric, read: Read) -> None:
        """Have a gauge, or a counter kept elsewhere, read whenever somebody looks."""
        ...


class Meters:
    """All backends as one."""

    def __init__(self, *backends: Backend) -> None:
        self._backends = backends

    def add(self, metric: Metric, amount: float, labels: Labels = ()) -> None:
        """Count."""
        for backend in self._backends:
            backend.add(metric, amount, labels)

    def record(self, metric: Metric, value: float, labels: Labels = ()) -> None:
        """Take one value of a histogram."""
        for backend in self._backends:
            backend.record(metric, value, labels)

    def watch(self, metric: Metric, read: Read) -> None:
        """Have a gauge, or a counter kept elsewhere, read whenever somebody looks."""
        for backend in self._backends:
            backend.watch(metric, read)


def _word(name: str) -> str:
    return name.replace(".", "_")
