"""The SDK of OpenTelemetry, set up by its own environment variables. Needs the extra `otel`.

Exporters, samplers, propagators, limits and intervals are read from `OTEL_*` by the SDK itself; here is only what says
which signals are wanted and by which exporter.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import entry_points, version
from typing import Any
from uuid import uuid4

import structlog
from opentelemetry.metrics import CallbackOptions, Meter, Observation
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from proxy.telemetry.metrics import METRICS, Labels, Metric, Read
from proxy.telemetry.wishes import exporters

CLOSING = 3.0
"""Seconds for what is left to be delivered when the program ends."""
AGAIN = 60.0
"""Seconds between two words on a collector that cannot be reached."""

SCOPE = "mcp-mend"
_PROTOCOLS = {"http/protobuf": "otlp_proto_http", "grpc": "otlp_proto_grpc"}

log = structlog.get_logger("telemetry")


class Providers:
    """The SDK's three providers; one whose signal is not wanted, or has no exporter, is None."""

    def __init__(self, env: Mapping[str, str]) -> None:
        resource = _resource()
        self._complaints = _Complaints()
        self.traces: TracerProvider | None = None
        self.metrics: MeterProvider | None = None
        self.logs: LoggerProvider | None = None
        if found := _made("traces", env):
            self.traces = TracerProvider(resource=resource, shutdown_on_exit=False)
            for exporter in found:
                self.traces.add_span_processor(BatchSpanProcessor(exporter))
        if found := _made("metrics", env):
            readers = [PeriodicExportingMetricReader(exporter) for exporter in found]
            self.metrics = MeterProvider(readers, resource, shutdown_on_exit=False)
        if found := _made("logs", env):
            self.logs = LoggerProvider(resource, shutdown_on_exit=False)
            for exporter in found:
                self.logs.add_log_record_processor(BatchLogRecordProcessor(exporter))

    def close(self) -> None:
        """Deliver what is left, but not for long."""
        closing = threading.Thread(target=self._close, name="telemetry", daemon=True)
        closing.start()
        closing.join(CLOSING)
        if closing.is_alive():
            log.warning("telemetry that was left has not been delivered", seconds=CLOSING)
        self._complaints.end()

    def _close(self) -> None:
        for provider in (self.traces, self.metrics, self.logs):
            if provider is not None:
                provider.shutdown()


class Otlp:
    """Implements `proxy.telemetry.metrics.Backend` on a meter."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        counted = [metric for metric in METRICS if metric.kind == "counter" and not metric.kept]
        timed = [metric for metric in METRICS if metric.kind == "histogram"]
        self._counters = {m: meter.create_counter(m.name, m.unit, m.help) for m in counted}
        self._histograms = {
            m: meter.create_histogram(m.name, m.unit, m.help, explicit_bucket_boundaries_advisory=m.buckets)
            for m in timed
        }

    def add(self, metric: Metric, amount: float, labels: Labels = ()) -> None:
        """Count."""
        self._counters[metric].add(amount, _attributes(metric, labels))

    def record(self, metric: Metric, value: float, labels: Labels = ()) -> None:
        """Take one value of a histogram."""
        self._histograms[metric].record(value, _attributes(metric, labels))

    def watch(self, metric: Metric, read: Read) -> None:
        """Have a gauge, or a counter kept elsewhere, read whenever it is exported."""

        def observed(_: CallbackOptions) -> Iterable[Observation]:
            return [Observation(value, _attributes(metric, labels)) for labels, value in read()]

        gauge, counter = self._meter.create_observable_gauge, self._meter.create_observable_counter
        (counter if metric.kind == "counter" else gauge)(metric.name, [observed], metric.unit, metric.help)


def _attributes(metric: Metric, labels: Labels) -> dict[str, str]:
    return {key: value for key, value in zip(metric.labels, labels, strict=True) if value}


def _resource() -> Resource:
    """Who we are; what `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` say comes first."""
    ours = {"service.name": "mcp-mend", "service.version": version("mcp-mend"), "service.instance.id": str(uuid4())}
    return Resource.create({**ours, **OTELResourceDetector().detect().attributes})


def _made(signal: str, env: Mapping[str, str]) -> list[Any]:
    """The exporters of a signal; one that cannot be made is told, and costs nothing else."""
    made: list[Any] = []
    for name in exporters(signal, env):
        protocol = env.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_PROTOCOL") or env.get("OTEL_EXPORTER_OTLP_PROTOCOL")
        entry = _PROTOCOLS.get(protocol or "http/protobuf", protocol or "") if name == "otlp" else name
        found = next(iter(entry_points(group=f"opentelemetry_{signal}_exporter", name=entry)), None)
        if found is None:
            log.warning("telemetry cannot be exported: its exporter is not installed", signal=signal, exporter=entry)
            continue
        try:
            make: Callable[[], Any] = found.load()
            made.append(make())
        except Exception as error:  # noqa: BLE001  whatever an exporter raises, the proxy goes on without it
            log.warning("telemetry cannot be exported", signal=signal, exporter=entry, reason=str(error))
    return made


class _Complaints(logging.Handler):
    """Takes what the SDK logs, and says seldom and in our own way that nothing is delivered."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._logger = logging.getLogger("opentelemetry")
        self._logger.addHandler(self)
        self._logger.propagate = False
        self._next = 0.0

    def emit(self, record: logging.LogRecord) -> None:
        """Pass one on, where none has been for a while."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + AGAIN
            log.warning("telemetry is not delivered", reason=record.getMessage()[:300])

    def end(self) -> None:
        """Let the SDK log as it did."""
        self._logger.removeHandler(self)
        self._logger.propagate = True
