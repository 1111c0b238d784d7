"""The planner's process: it answers, it is shared, and whatever becomes of it costs one suggestion at most."""

from __future__ import annotations

import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import anyio
import psutil
import pytest
from structlog.testing import capture_logs

from proxy.model.client import LocalPlanner
from proxy.model.wire import Settings

pytestmark = pytest.mark.model
Open = Callable[..., LocalPlanner]

CAPITALS = ("What is the capital of France?", ["a potato", "Paris", "Berlin"])
LONG = "Read this list and sum it up. " + " ".join(f"{n} sheep and {n * 7} goats." for n in range(90))
NUMBER = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}


def worker_of(planner: LocalPlanner) -> psutil.Process:
    assert planner._remote.link is not None
    return psutil.Process(planner._remote.link._pid)


async def gone(process: psutil.Process) -> None:
    with anyio.fail_after(10):
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:  # noqa: ASYNC110 - another process
            await anyio.sleep(0.01)


async def busy(planner: LocalPlanner) -> psutil.Process:
    """Wait until the worker has taken a request in hand: its processor time grows."""
    with anyio.fail_after(30):
        while planner._remote.link is None or not planner._remote.link._pid:  # noqa: ASYNC110 - another process
            await anyio.sleep(0.005)
        process = worker_of(planner)
        begun = sum(process.cpu_times()[:2])
        while sum(process.cpu_times()[:2]) < begun + 0.1:  # noqa: ASYNC110 - another process
            await anyio.sleep(0.005)
    return process


async def test_the_likely_option_gets_the_best_score(open_local: Open) -> None:
    scores = await open_local().rank(*CAPITALS)
    assert scores is not None
    assert max(range(3), key=scores.__getitem__) == 1


async def test_no_options_need_no_worker(open_local: Open) -> None:
    planner = open_local()
    assert await planner.rank("Which?", []) == []
    assert planner._remote.link is None


async def test_an_answer_follows_its_schema(open_local: Open) -> None:
    value = await open_local().generate("How many legs has a dog? Answer in JSON.", NUMBER, 30)
    assert isinstance(value["n"], int)


async def test_usage_counts_requests_and_tokens(open_local: Open) -> None:
    planner = open_local()
    await planner.rank(*CAPITALS)
    first = planner.usage
    await planner.rank(*CAPITALS)
    assert first.calls == 1
    assert first.tokens > 10
    assert planner.usage.calls == 2
    assert planner.usage.tokens - first.tokens < first.tokens, "the prompt was still held"


async def test_an_answer_cut_off_by_its_limit_is_no_answer(open_local: Open) -> None:
    schema = {"type": "array", "items": {"type": "integer"}, "minItems": 50, "maxItems": 50}
    assert await open_local().generate("Count.", schema, 10) is None


async def test_an_impossible_schema_is_refused_and_the_worker_lives(open_local: Open) -> None:
    planner = open_local()
    with capture_logs() as lines:
        assert await planner.generate("x", {"type": "string", "pattern": "("}) is None
    assert [line["why"] for line in lines if "why" in line] == ["schema"]
    assert await planner.rank(*CAPITALS)


async def test_a_prompt_beyond_the_context_is_refused_and_the_worker_lives(open_local: Open) -> None:
    planner = open_local()
    with capture_logs() as lines:
        assert await planner.rank("word " * 5000, ["a", "b"]) is None
    assert [line["why"] for line in lines if "why" in line] == ["too_long"]
    assert await planner.rank(*CAPITALS)


async def test_a_killed_worker_is_replaced_within_the_same_request(open_local: Open) -> None:
    planner = open_local()
    scores = None

    async def ask() -> None:
        nonlocal scores
        scores = await planner.rank(LONG, ["yes", "no"])

    with anyio.fail_after(120):
        async with anyio.create_task_group() as group:
            group.start_soon(ask)
            process = await busy(planner)
            process.kill()
    assert scores is not None
    assert worker_of(planner).pid != process.pid


async def test_a_worker_that_always_dies_costs_its_suggestions_and_is_reported_once(
    open_local: Open, settings: Settings
) -> None:
    planner = open_local(replace(settings, memory_mb=300))
    with capture_logs() as lines, anyio.fail_after(60):
        assert await planner.rank(*CAPITALS) is None
        assert await planner.rank(*CAPITALS) is None
    warnings = [line for line in lines if line["log_level"] == "warning"]
    assert len(warnings) == 1
    assert "by rules alone" in warnings[0]["event"]


async def test_a_missing_model_is_named(open_local: Open, settings: Settings, tmp_path: Path) -> None:
    planner = open_local(replace(settings, model=str(tmp_path / "none.gguf")))
    with capture_logs() as lines:
        assert await planner.rank(*CAPITALS) is None
    assert any("none.gguf" in line.get("reason", "") for line in lines)


async def test_a_corrupt_model_is_named_and_a_mended_one_is_used(
    open_local: Open, settings: Settings, tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.model.breaker.FIRST_PAUSE", 0.0)
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + bytes(1000))
    planner = open_local(replace(settings, model=str(broken)))
    with capture_logs() as lines:
        assert await planner.rank(*CAPITALS) is None
        broken.unlink()
        broken.symlink_to(model)
        assert await planner.rank(*CAPITALS)
    assert any("broken.gguf" in line.get("reason", "") for line in lines)
    assert lines[-1]["event"] == "the planner is available again"


async def test_a_request_ends_at_its_deadline_and_the_next_one_works(open_local: Open) -> None:
    planner = open_local()
    await planner.rank(*CAPITALS)
    before = worker_of(planner)
    planner._deadline = 0.1
    with anyio.fail_after(5):
        assert await planner.rank(LONG, ["yes", "no"]) is None
    planner._deadline = 60
    assert await planner.rank(*CAPITALS)
    assert worker_of(planner).pid == before.pid


async def test_a_cancelled_request_frees_the_worker(open_local: Open) -> None:
    planner = open_local()
    async with anyio.create_task_group() as group:
        group.start_soon(planner.rank, LONG, ["yes", "no"])
        before = await busy(planner)
        group.cancel_scope.cancel()
    assert await planner.rank(*CAPITALS)
    assert worker_of(planner).pid == before.pid


async def test_a_worker_that_hangs_is_ended(open_local: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.model.client.GRACE", 0.1)
    planner = open_local()
    await planner.rank(*CAPITALS)
    process = worker_of(planner)
    process.send_signal(signal.SIGSTOP)
    planner._deadline = 0.1
    assert await planner.rank(*CAPITALS) is None
    await gone(process)
    planner._deadline = 60
    assert await planner.rank(*CAPITALS)


async def test_two_proxies_share_one_worker_which_only_their_user_can_reach(open_local: Open, tmp_path: Path) -> None:
    first, second = open_local(), open_local()
    async with anyio.create_task_group() as group:
        group.start_soon(first.rank, *CAPITALS)
        group.start_soon(second.rank, *CAPITALS)
    assert worker_of(first).pid == worker_of(second).pid
    (address,) = [path async for path in anyio.Path(tmp_path).glob("*.sock")]
    assert stat.S_IMODE((await address.stat()).st_mode) == 0o600
    process = worker_of(first)
    await first._remote.close()
    assert await second.rank(*CAPITALS)
    await second._remote.close()
    await gone(process)


async def test_a_request_that_waits_for_another_proxys_ends_at_its_own_deadline(
    open_local: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.model.client.GRACE", 0.1)
    first, second = open_local(), open_local(deadline=0.2)
    scores = None

    async def ask() -> None:
        nonlocal scores
        scores = await first.rank(LONG, ["yes", "no"])

    async with anyio.create_task_group() as group:
        group.start_soon(ask)
        process = await busy(first)
        assert await second.rank(*CAPITALS) is None
    assert scores is not None
    assert worker_of(first).pid == process.pid


async def test_a_state_folder_too_long_for_a_socket_has_a_worker_of_its_own(open_local: Open, tmp_path: Path) -> None:
    planner = open_local(folder=tmp_path / ("long" * 30))
    assert await planner.rank(*CAPITALS)


async def test_a_clients_folder_cannot_shadow_the_program(
    open_local: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shadow = tmp_path / "proxy"
    shadow.mkdir()
    (shadow / "__init__.py").write_text("raise SystemExit('shadowed')")
    monkeypatch.chdir(tmp_path)
    assert await open_local().rank(*CAPITALS)


async def test_an_idle_worker_leaves_and_comes_back_when_needed(open_local: Open, settings: Settings) -> None:
    planner = open_local(replace(settings, idle=0.2))
    assert await planner.rank(*CAPITALS)
    process = worker_of(planner)
    await gone(process)
    with capture_logs() as lines:
        assert await planner.rank(*CAPITALS)
    assert [line for line in lines if line["log_level"] != "debug"] == []


def test_the_worker_ends_with_a_killed_proxy(settings: Settings, tmp_path: Path) -> None:
    program = f"""
import anyio, pathlib
from proxy.model.client import LocalPlanner, Remote
from proxy.model.wire import Settings, decode
async def main():
    settings = Settings(**decode({settings.json()!r}.encode()))
    planner = LocalPlanner(Remote(settings, pathlib.Path({str(tmp_path)!r})), 60)
    await planner.rank("Who?", ["I", "you"])
    print(planner._remote.link._pid, flush=True)
    await anyio.sleep_forever()
anyio.run(main)
"""
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as proxy:
        assert proxy.stdout is not None
        process = psutil.Process(int(proxy.stdout.readline()))
        proxy.kill()
    anyio.run(gone, process)
