"""Which signals of OpenTelemetry the environment asks for, by the standard variables. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote

SIGNALS = ("traces", "metrics", "logs")
CONTENT = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
"""The variable that lets arguments and results into spans."""

_INTO_SPANS = frozenset({"true", "1", "span_only", "span_and_event"})


def exporters(signal: str, env: Mapping[str, str]) -> tuple[str, ...]:
    """The exporters of one signal; none where nothing names an exporter or an endpoint.

    The specification's default, a collector on this machine, would have every proxy knock there without being asked.
    Metrics for Prometheus are at `/metrics` anyhow.
    """
    name = signal.upper()
    endpoints = ("OTEL_EXPORTER_OTLP_ENDPOINT", f"OTEL_EXPORTER_OTLP_{name}_ENDPOINT")
    chosen = env.get(f"OTEL_{name}_EXPORTER", "").strip()
    if env.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return ()
    if not chosen:
        return ("otlp",) if any(env.get(key, "").strip() for key in endpoints) else ()
    named = (each.strip() for each in chosen.split(","))
    return tuple(each for each in named if each not in ("", "none", "prometheus"))


def wanted(env: Mapping[str, str]) -> bool:
    """Tell whether any signal is asked for."""
    return any(exporters(signal, env) for signal in SIGNALS)


def content(env: Mapping[str, str]) -> bool:
    """Tell whether arguments, results and error messages may stand in spans."""
    return env.get(CONTENT, "").strip().lower() in _INTO_SPANS


def secrets(env: Mapping[str, str]) -> frozenset[str]:
    """The values of the headers that exporters are to send: they are how one logs in to a collector."""
    keys = ("OTEL_EXPORTER_OTLP_HEADERS", *(f"OTEL_EXPORTER_OTLP_{signal.upper()}_HEADERS" for signal in SIGNALS))
    pairs = (pair.partition("=")[2].strip() for key in keys for pair in env.get(key, "").split(","))
    found = {form for value in pairs if value for form in (value, unquote(value))}
    return frozenset(found | {value.partition(" ")[2] for value in found if " " in value})
