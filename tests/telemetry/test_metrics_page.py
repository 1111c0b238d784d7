"""What those read who look after a real proxy over HTTP: its metrics, and whether it is alive and ready."""

from __future__ import annotations

import asyncio
import shutil
import sys
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from proxy.telemetry.metrics import METRICS
from tests.frontends.httpclient import Http
from tests.frontends.rawclient import SERVERS
from tests.telemetry.proxies import TRACED, WRONG, at_work, called, configured


async def scraped(client: httpx2.AsyncClient, base: str, **headers: str) -> dict[str, Any]:
    """Every sample of `/metrics` by name, as Prometheus' own parser reads it: labels to value."""
    page = await client.get(f"{base}/metrics", headers=headers)
    assert page.status_code == 200, page.text
    assert page.headers["content-type"].startswith("text/plain")
    found: dict[str, Any] = {}
    for family in text_string_to_metric_families(page.text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[frozenset(sample.labels.items())] = sample.value
    return found


def labelled(**labels: str) -> frozenset[tuple[str, str]]:
    return frozenset(labels.items())


async def until(client: httpx2.AsyncClient, base: str, name: str, value: float) -> dict[str, Any]:
    """The samples once all of this name sum up to so much: the journal counts them, in its own time."""
    async with asyncio.timeout(20):
        while sum((found := await scraped(client, base)).get(name, {}).values()) < value:  # noqa: ASYNC110  another process
            await asyncio.sleep(0.05)
    return found


async def test_sound_failed_and_repaired_calls_are_counted(tmp_path: Path) -> None:
    file = configured(tmp_path, a=TRACED)
    async with at_work(tmp_path, file) as (client, base):
        session = Http(client, f"{base}/mcp")
        await session.open()
        for _ in range(3):
            await called(session, "a__look")
        mended = await called(session, "a__count", number="5")
        assert mended["_meta"]["mcp-mend/repair"]["repairs"][0]["op"] == "coerce_argument"
        assert (await called(session, "a__leak", **WRONG))["isError"] is True
        await session.ask("tools/call", {"name": "a__nothing_like_it_at_all", "arguments": {}})
        found = await until(client, base, "mcp_mend_calls_total", 7)
    assert found["mcp_mend_calls_total"] == {
        labelled(server="a", tool="look", outcome="ok"): 3,
        labelled(server="a", tool="count", outcome="refused"): 1,
        labelled(server="a", tool="count", outcome="ok"): 1,
        labelled(server="a", tool="leak", outcome="refused"): 1,
        labelled(server="other", tool="other", outcome="unknown_tool"): 1,
    }
    runs = found["mcp_mend_runs_total"]
    assert runs[labelled(kind="call", status="repaired")] == 1
    assert sum(runs.values()) == 2
    repaired = {dict(labels)["op"]: value for labels, value in found["mcp_mend_repairs_total"].items()}
    assert repaired == {"coerce_argument": 1}
    assert found["mcp_mend_abstentions_total"] == {labelled(kind="call", reason="no_edits"): 1}
    assert found["mcp_mend_added_duration_seconds_count"] == {
        labelled(handling="forwarded"): 3,
        labelled(handling="examined"): 2,
    }
    took = found["mcp_client_operation_duration_seconds_count"]
    of_leak = {
        "mcp_method_name": "tools/call", "gen_ai_tool_name": "leak", "error_type": "tool_error", "mcp_mend_server": "a"
    }  # fmt: skip
    assert took[frozenset(of_leak.items())] == 1
    assert found["mcp_mend_upstream_state"][labelled(server="a", state="ready")] == 1
    assert found["mcp_mend_upstream_state"][labelled(server="a", state="down")] == 0
    assert found["mcp_mend_upstream_tools"] == {labelled(server="a"): 3}
    assert found["mcp_mend_sessions"] == {frozenset(): 1}
    assert {"mcp_mend_journal_queue", "mcp_mend_journal_lost_total", "mcp_mend_planner_tokens_total"} <= found.keys()
    ours = {name for name in found if name.startswith(("mcp_", "gen_ai"))} - {"mcp_mend_info"}
    assert ours <= {name for metric in METRICS for name in metric.shown}


async def test_promtool_reads_the_page_and_has_nothing_to_say(tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("there is no promtool: apt-get install prometheus")
    async with at_work(tmp_path, configured(tmp_path, a=TRACED)) as (client, base):
        session = Http(client, f"{base}/mcp")
        await session.open()
        await called(session, "a__look")
        await called(session, "a__count", number="5")
        await called(session, "run_workflow", steps=[{"id": "one", "tool": "leak", "arguments": WRONG}])
        await until(client, base, "mcp_mend_runs_total", 2)
        page = (await client.get(f"{base}/metrics")).content
    checked = await anyio.run_process([promtool, "check", "metrics"], input=page, check=False)
    said = (checked.stdout + checked.stderr).decode()
    assert (checked.returncode, said) == (0, ""), said


async def test_a_workflow_and_why_it_was_not_repaired_are_counted(tmp_path: Path) -> None:
    async with at_work(tmp_path, configured(tmp_path, a=TRACED)) as (client, base):
        session = Http(client, f"{base}/mcp")
        await session.open()
        steps = [{"id": "one", "tool": "count", "arguments": {"number": 1}}]
        await called(session, "run_workflow", steps=steps)
        lost = [{"id": "one", "tool": "leak", "arguments": WRONG}]
        await called(session, "run_workflow", steps=lost)
        await called(session, "run_workflow", steps=lost, mode="off")
        found = await until(client, base, "mcp_mend_runs_total", 3)
    assert found["mcp_mend_runs_total"] == {
        labelled(kind="workflow", status="succeeded"): 1,
        labelled(kind="workflow", status="failed"): 2,
    }
    assert found["mcp_mend_abstentions_total"] == {labelled(kind="workflow", reason="no_edits"): 1}
    assert "mcp_mend_added_duration_seconds_count" not in found


async def test_figures_are_behind_the_same_door_as_calls_and_in_the_format_asked_for(tmp_path: Path) -> None:
    async with at_work(tmp_path, configured(tmp_path)) as (client, base):
        page = await client.get(f"{base}/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0"})
        assert page.headers["content-type"].startswith("application/openmetrics-text")
        assert page.text.endswith("# EOF\n")
        none = await client.get(f"{base}/readyz")
        assert (none.status_code, none.json()) == (200, {"status": "ready", "upstreams": {}})
        assert (await client.get(f"{base}/metrics", headers={"host": "evil.example"})).status_code == 421
        assert (await client.get(f"{base}/metrics", headers={"origin": "http://evil.example"})).status_code == 403
        assert (await client.post(f"{base}/metrics")).status_code == 405
    with_token = configured(tmp_path, '[http]\ntoken = "open-sesame-open"')
    async with at_work(tmp_path, with_token) as (client, base):
        assert (await client.get(f"{base}/metrics")).status_code == 401
        bearer = {"authorization": "Bearer open-sesame-open"}
        assert "mcp_mend_info" in await scraped(client, base, **bearer)


async def test_ready_is_said_once_the_first_upstream_is(tmp_path: Path) -> None:
    slow = [sys.executable, str(SERVERS / "echo.py"), "--slow", "600"]
    file = configured(tmp_path, slow=slow)
    async with at_work(tmp_path, file) as (client, base):
        assert (await client.get(f"{base}/healthz")).json() == {"status": "ok"}
        waiting = await client.get(f"{base}/readyz")
        told = {"status": "not ready", "upstreams": {"slow": "connecting"}}
        assert (waiting.status_code, waiting.json()) == (503, told)
        for headers in ({"host": "evil.example"}, {"origin": "http://evil.example"}):
            assert (await client.get(f"{base}/readyz", headers=headers)).json() == {"status": "not ready"}
    async with at_work(tmp_path, configured(tmp_path, slow=slow, quick=TRACED)) as (client, base):
        async with asyncio.timeout(20):
            while (ready := await client.get(f"{base}/readyz")).status_code == 503:  # noqa: ASYNC110  another process
                await asyncio.sleep(0.05)
        assert ready.json() == {"status": "ready", "upstreams": {"slow": "connecting", "quick": "ready"}}


async def test_who_may_not_come_in_hears_only_whether_it_is_ready(tmp_path: Path) -> None:
    file = configured(tmp_path, '[http]\ntoken = "open-sesame-open"', hush=["/nowhere/at/all"])
    async with at_work(tmp_path, file) as (client, base):
        bearer = {"authorization": "Bearer open-sesame-open"}
        for stranger in ({}, {"authorization": "Bearer wrong"}, {**bearer, "origin": "http://evil.example"}):
            told = await client.get(f"{base}/readyz", headers=stranger)
            assert (told.status_code, told.json()) == (503, {"status": "not ready"})
        assert list((await client.get(f"{base}/readyz", headers=bearer)).json()["upstreams"]) == ["hush"]
