"""Metrics, traces and logs for those who look after a proxy: Prometheus and OpenTelemetry.

Metrics come from the journal's records, in the journal's thread; spans from `proxy.tracing`.
"""
