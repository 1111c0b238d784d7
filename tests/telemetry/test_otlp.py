"""What a real proxy sends to a real collector over OTLP: spans, metrics and log lines, and nothing secret."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from proxy.telemetry import words
from proxy.telemetry.metrics import METRICS
from tests.frontends.httpclient import Http, free_port
from tests.frontends.rawclient import MEND, started
from tests.telemetry.collector import Collector, collecting, told
from tests.telemetry.proxies import TRACED, at_work, called, configured, traced_over_http

SECRETS = {
    "of the environment": "hush-environment",
    "of an option": "hush-option",
    "of a header": "hush-header",
    "of an address": "hush-address",
    "of an argument": "hush-argument",
    "of the collector": "hush-collector",
    "of a variable": "hush-variable",
}
PLANTED = """
[upstreams.a]
command = {command}
args = {args}
env = {{ API_TOKEN = "hush-environment", LEAKED = "${{WORD}} and ghp_hushhushhushhushhushhush" }}

[upstreams.b]
url = "{url}?token=hush-address"
headers = {{ Authorization = "Bearer hush-header" }}
"""


def exporting(collector: Collector) -> dict[str, str]:
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20hush-collector",
        "OTEL_SERVICE_NAME": "a-proxy-of-mine",
        "OTEL_BSP_SCHEDULE_DELAY": "50",
        "OTEL_BLRP_SCHEDULE_DELAY": "50",
        "OTEL_METRIC_EXPORT_INTERVAL": "200",
        "WORD": "hush-variable",
    }


async def arrived(collector: Collector, calls: int, *names: str) -> None:
    """Wait for spans of these names, and for the lines and figures of so many calls."""

    def enough() -> bool:
        lines = [line for line in collector.logs() if line.body.string_value == "call"]
        counted = collector.metrics().get("mcp_mend.calls")
        figures = sum(point.as_double or point.as_int for point in counted.sum.data_points) if counted else 0
        return set(names) <= collector.spans().keys() and len(lines) >= calls and figures >= calls

    await asyncio.to_thread(collector.wait, enough)


def total(metric: Any, **labels: str) -> float:
    return sum(point.as_double or point.as_int for point in metric.sum.data_points if told(point) == labels)


@pytest.mark.parametrize("content", ["", "true"])
async def test_a_collector_gets_spans_metrics_and_lines_without_a_secret(tmp_path: Path, content: str) -> None:
    with collecting() as collector, traced_over_http(free_port()) as url:
        args = [*TRACED[1:], "--token", "hush-option"]
        planted = PLANTED.format(command=json.dumps(TRACED[0]), args=json.dumps(args), url=url)
        file = configured(tmp_path, planted)
        env = {**exporting(collector), "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": content}
        async with at_work(tmp_path, file, **env) as (client, base):
            session = Http(client, f"{base}/mcp")
            await session.open()
            await called(session, "a__count", number="5")
            await called(session, "a__leak", password="hush-argument")  # noqa: S106
            await called(session, "b__look")
            await client.delete(f"{base}/mcp", headers=session.headers)
            page = (await client.get(f"{base}/metrics")).text
            await arrived(
                collector, 4, "tools/call count", "tools/call leak", "tools/call look", "candidate", "session"
            )
        lines = (tmp_path / "stderr").read_text(encoding="utf-8")
        assert all(headers["authorization"] == "Bearer hush-collector" for headers in collector.headers)
    spans, metrics = collector.spans(), collector.metrics()
    parents = {name: span.parent_span_id for name, span in spans.items()}
    assert parents["tools/call look"] == spans["tools/call b__look"].span_id
    assert parents["generation"] == spans["repair"].span_id
    generations = {span.span_id for span in collector.every_span() if span.name == "generation"}
    assert parents["candidate"] in generations
    assert collector.resource()["service.name"] == "a-proxy-of-mine"
    assert told(spans["session"])[words.TRANSPORT] == "tcp"
    assert set(metrics) <= {metric.name for metric in METRICS}
    assert total(metrics["mcp_mend.calls"], server="a", tool="count", outcome="ok") == 1
    assert total(metrics["mcp_mend.runs"], kind="call", status="repaired") == 1
    ids = {told(line).get("call_id") for line in collector.logs()}
    assert told(spans["tools/call look"])[words.CALL] in ids
    sent = b"".join(collector.raw).decode("utf-8", "replace") + page + lines
    assert (words.ARGUMENTS in told(spans["tools/call count"])) is bool(content)
    for where, secret in {**SECRETS, "of a known form": "ghp_hush"}.items():
        assert secret not in sent, where


async def test_a_collector_gets_everything_of_a_wrapped_server_on_stdio(tmp_path: Path) -> None:
    with collecting() as collector:
        command = [*MEND, "wrap", "--name", "a", "--", *TRACED]
        async with started(tmp_path, *command, env=exporting(collector)) as client:
            await client.initialize()
            look = {"name": "look", "arguments": {}}
            reply = await client.request("tools/call", look)
            carried = json.loads(reply["result"]["content"][0]["text"])["meta"]["traceparent"]
            assert await client.close() == 0
    span = collector.spans()["tools/call look"]
    assert carried.split("-")[1] == span.trace_id.hex()
    names = [told(one).get(words.SERVER) for one in collector.spans().values() if one.name == "tools/call look"]
    assert names
    assert told(collector.spans()["session"])[words.TRANSPORT] == "pipe"
    assert "call" in {line.body.string_value for line in collector.logs()}


async def test_a_collector_that_is_away_costs_no_call_and_is_told_in_words(tmp_path: Path) -> None:
    away = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{free_port()}", "OTEL_BSP_SCHEDULE_DELAY": "20"}
    async with started(tmp_path, *MEND, "wrap", "--", *TRACED, env=away) as client:
        await client.initialize()
        for number in range(5):
            reply = await client.request("tools/call", {"name": "count", "arguments": {"number": number}})
            assert reply["result"]["isError"] is False
        assert await client.close() == 0
    told_of_it = [json.loads(line) for line in (tmp_path / "stderr").read_text(encoding="utf-8").splitlines()]
    assert [line["level"] for line in told_of_it if line["event"] == "telemetry is not delivered"] == ["warning"]
    assert not [line for line in told_of_it if line["level"] == "error"]
