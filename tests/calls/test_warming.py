"""What a first failing call would wait for is loaded after the first list, while the process is idle."""

from __future__ import annotations

import asyncio
from pathlib import Path

import anyio
import pytest

from proxy import app
from proxy.aggregate.router import Router
from proxy.calls import warming
from proxy.repair.view import units
from proxy.wire.caller import Profile
from schemas.config import Config
from tests.telemetry.test_spans import Deaf


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_nothing_is_loaded_before_the_first_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warming, "QUIET", 0.01)
    monkeypatch.setattr(warming, "BUSY", 10.0)
    units._loaded.cache_clear()
    listed = asyncio.Event()
    warm = asyncio.create_task(warming.warm(listed))
    await anyio.sleep(0.1)
    assert units._loaded.cache_info().currsize == 0
    listed.set()
    async with asyncio.timeout(30):
        await warm
    assert units._loaded.cache_info().currsize == 1
    assert units.same_unit("kg", "kilogram")


async def test_a_busy_process_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = iter([0.0, 1.0, 2.0, 3.0, 3.001])
    monkeypatch.setattr(warming, "QUIET", 0.01)
    monkeypatch.setattr("proxy.calls.warming.time.process_time", lambda: next(looks))
    listed = asyncio.Event()
    listed.set()
    async with asyncio.timeout(30):
        await warming.warm(listed)
    assert list(looks) == []


async def test_a_list_is_what_it_waits_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MCP_MEND_HOME", str(tmp_path))
    async with app.running(Config.model_validate({"planner": {"backend": "none"}})) as proxy:
        router = Router(proxy.fleet, proxy.calls, None)
        assert not proxy.calls.listed.is_set()
        await router.answer("tools/list", {}, router.client_request(Deaf(), "session-1", Profile(), {}))
        assert proxy.calls.listed.is_set()
