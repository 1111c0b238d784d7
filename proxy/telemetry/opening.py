"""Opens what was asked for: metrics for a page, and whatever the `OTEL_*` variables want exported."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import structlog

from proxy.ports import Planner
from proxy.telemetry import wishes
from proxy.telemetry.latency import Latency
from proxy.telemetry.metrics import SESSIONS, Backend, Meters
from proxy.telemetry.planner import TimedPlanner
from proxy.telemetry.records import Counting
from proxy.telemetry.surroundings import Queue, Surroundings
from proxy.tracing import following
from proxy.upstreams.fleet import Fleet
from schemas.record import CallRecord, RunRecord

if TYPE_CHECKING:
    from proxy.telemetry.otlp import Providers

log = structlog.get_logger("telemetry")

Page = Callable[[str], tuple[bytes, str]]


@dataclass
class Telemetry:
    """What the rest of the program needs of it; where nothing is measured, all of it does nothing.

    `page` writes the metrics for a scraper; `lines` takes log lines along; `record` counts what the journal keeps.
    """

    around: Surroundings = field(default_factory=Surroundings)
    page: Page | None = None
    lines: logging.Handler | None = None
    record: Callable[[CallRecord | RunRecord], None] | None = None
    meters: Backend | None = None
    hide: Callable[[Any], Any] = lambda value: value

    def hidden(self, value: Any) -> Any:
        """A value without its secrets, once the journal knows them."""
        return self.hide(value)

    def attach(
        self, fleet: Fleet, journal: Queue, planner: Planner, own: tuple[str, ...], hide: Callable[[Any], Any]
    ) -> None:
        """Look at these from now on."""
        self.hide = hide
        self.around.attach(fleet, journal, planner, own, self.meters or Meters())

    def timed(self, planner: Planner) -> Planner:
        """The same planner, timed where anything is measured."""
        return planner if self.meters is None else TimedPlanner(planner, self.meters)


@contextmanager
def open_telemetry(env: Mapping[str, str], *, page: bool) -> Generator[Telemetry]:
    """Measure within the block: for a `page` of metrics, and for what `env` asks to be exported."""
    told = Telemetry()
    providers = _providers(env)
    backends = _backends(told, providers, page=page)
    tracer = None if providers is None else providers.traces
    if not backends and tracer is None and (providers is None or providers.logs is None):
        yield told
        return
    meters = Meters(*backends)
    follower: Latency
    if providers is not None and providers.traces is not None:
        from proxy.telemetry.otlp import SCOPE
        from proxy.telemetry.spans import Spans

        tracer = providers.traces.get_tracer(SCOPE)
        follower = Spans(tracer, meters, told.around, told.hidden, content=wishes.content(env))
    else:
        follower = Latency(meters)
    if backends:
        told.meters = meters
        told.record = Counting(meters, told.around.known)
        meters.watch(SESSIONS, lambda: [((), float(follower.sessions))])
    if providers is not None and providers.logs is not None:
        from proxy.telemetry.lines import Lines

        told.lines = Lines(providers.logs)
    try:
        with following(follower if backends or tracer is not None else None):
            yield told
    finally:
        follower.close()
        if providers is not None:
            providers.close()


def _backends(told: Telemetry, providers: Providers | None, *, page: bool) -> list[Backend]:
    backends: list[Backend] = []
    if page:
        from proxy.telemetry.prometheus import Prometheus

        shown = Prometheus()
        told.page = shown.page
        backends.append(shown)
    if providers is not None and providers.metrics is not None:
        from proxy.telemetry.otlp import SCOPE, Otlp

        backends.append(Otlp(providers.metrics.get_meter(SCOPE)))
    return backends


def _providers(env: Mapping[str, str]) -> Providers | None:
    """The SDK where anything is asked for and it is installed; says so where it is not."""
    if not wishes.wanted(env):
        return None
    if not _installed("opentelemetry.sdk"):
        log.warning("OTEL_* variables ask for telemetry, which is not installed: install mcp-mend[otel] for it")
        return None
    from proxy.telemetry.otlp import Providers

    return Providers(env)


def _installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False
