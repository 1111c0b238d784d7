"""The state files that several processes change at once: what each of them wrote is there."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from filelock import FileLock

from proxy.settings import state
from schemas.catalog import Effect
from schemas.config import Upstream
from tests.promises import promise

ROOT = Path(__file__).parents[2]
CODE = """
import sys
from proxy.settings.state import choose, pause
from schemas.catalog import Effect
from schemas.config import Upstream
sys.stdin.readline()
for number in range(20):
    choose(Upstream(command=sys.argv[1]), {f"tool_{number}": Effect.READ})
    pause([f"{sys.argv[1]}_{number}"])
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder of its own."""
    monkeypatch.setenv("MCP_MEND_HOME", str(tmp_path))
    return tmp_path


@promise("effects-are-the-persons-to-say", "pause-forwards-untouched")
def test_processes_that_write_at_once_lose_nothing_of_each_other() -> None:
    """They begin together: each waits for a line."""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    line = [sys.executable, "-c", CODE]
    writers = [subprocess.Popen([*line, name], stdin=subprocess.PIPE, env=env) for name in "ab"]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write(b"go\n")
        writer.stdin.close()
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0]
    found = state.read_state()
    for name in "ab":
        assert len(found.choices[state.way(Upstream(command=name))]) == 20
    assert len(found.paused) == 40


@promise("effects-are-the-persons-to-say")
def test_threads_that_write_at_once_lose_nothing_of_each_other() -> None:
    servers = [Upstream(command=f"server-{number}") for number in range(16)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(written, servers))
    assert state.read_state().choices == {state.way(server): {"tool": Effect.WRITE} for server in servers}


def written(server: Upstream) -> None:
    state.choose(server, {"tool": Effect.WRITE})


def test_a_lock_that_is_not_let_go_of_is_said_and_nothing_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "LOCKED", 0.1)
    with FileLock(f"{state.effects_path()}.lock"), pytest.raises(OSError, match="another process holds its lock"):
        state.choose(Upstream(command="a"), {"tool": Effect.READ})
    assert not state.effects_path().exists()


def test_a_file_that_cannot_be_read_is_not_replaced() -> None:
    state.paused_path().write_text("[", encoding="utf-8")
    with pytest.raises(ValueError, match="Expecting"):
        state.pause(["a"])
    assert state.paused_path().read_text(encoding="utf-8") == "["
