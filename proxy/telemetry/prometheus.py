"""Metrics as Prometheus reads them, in a registry of this proxy's own."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import version

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    Info,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from proxy.telemetry.metrics import METRICS, Labels, Metric, Read


class Prometheus:
    """Implements `Backend`; `page` is what `/metrics` answers."""

    def __init__(self) -> None:
        disable_created_metrics()
        self._registry = CollectorRegistry()
        self._counters = {m: self._counter(m) for m in METRICS if m.kind == "counter" and not m.kept}
        self._histograms = {m: self._histogram(m) for m in METRICS if m.kind == "histogram"}
        self._counted: dict[tuple[Metric, Labels], Counter] = {}
        self._timed: dict[tuple[Metric, Labels], Histogram] = {}
        ProcessCollector(registry=self._registry)
        Info("mcp_mend", "The program.", registry=self._registry).info({"version": version("mcp-mend")})

    def add(self, metric: Metric, amount: float, labels: Labels = ()) -> None:
        """Count."""
        key = metric, labels
        found = self._counted.get(key)
        if found is None:
            whole = self._counters[metric]
            found = self._counted[key] = whole.labels(*labels) if labels else whole
        found.inc(amount)

    def record(self, metric: Metric, value: float, labels: Labels = ()) -> None:
        """Take one value of a histogram."""
        key = metric, labels
        found = self._timed.get(key)
        if found is None:
            whole = self._histograms[metric]
            found = self._timed[key] = whole.labels(*labels) if labels else whole
        found.observe(value)

    def watch(self, metric: Metric, read: Read) -> None:
        """Have a gauge, or a counter kept elsewhere, read whenever somebody looks."""
        self._registry.register(_Watched(metric, read))

    def page(self, accept: str = "") -> tuple[bytes, str]:
        """Everything in the format that a scraper asks for, and that format's media type."""
        encode, media_type = choose_encoder(accept)
        return encode(self._registry), media_type

    def _counter(self, metric: Metric) -> Counter:
        return Counter(metric.prometheus, metric.help, metric.prometheus_labels, registry=self._registry)

    def _histogram(self, metric: Metric) -> Histogram:
        names = metric.prometheus_labels
        return Histogram(metric.prometheus, metric.help, names, buckets=metric.buckets, registry=self._registry)


class _Watched(Collector):
    def __init__(self, metric: Metric, read: Read) -> None:
        self._metric = metric
        self._read = read

    def collect(self) -> Iterable[CounterMetricFamily | GaugeMetricFamily]:
        metric = self._metric
        family = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
        made = family(metric.prometheus, metric.help, labels=metric.prometheus_labels)
        for labels, value in self._read():
            made.add_metric(labels, value)
        yield made
