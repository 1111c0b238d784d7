"""`pause` and `resume`: a switch that running proxies follow, on real processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest

from proxy.settings.state import State, paused_path, read_state, with_state
from schemas.config import Config, Upstream
from tests.promises import promise

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "tests" / "frontends"))
from rawclient import ECHO, MEND, Raw, started  # noqa: E402

Said = subprocess.CompletedProcess[str]


def mend(folder: Path, *args: str) -> Said:
    env = {**os.environ, "HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "MCP_MEND_HOME": str(folder)}
    line = [*MEND, *args]
    return subprocess.run(line, env=env, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


async def until(client: Raw, sound: Callable[[Mapping[str, Any]], bool]) -> None:
    """Send the misspelled call until its answer is as wanted: the proxy looks at its files once a second."""
    with anyio.fail_after(20):
        while not sound(await client.call("Echo", "hello")):
            await anyio.lowlevel.checkpoint()


def repaired(reply: Mapping[str, Any]) -> bool:
    return "mcp-mend/repair" in (reply["result"].get("_meta") or {})


@promise("pause-forwards-untouched")
async def test_a_paused_server_is_forwarded_untouched_until_it_is_resumed(tmp_path: Path) -> None:
    """In a running proxy, without a restart, and in one that starts later."""
    command = [*MEND, "wrap", "--name", "mine", "--", *ECHO]
    async with started(tmp_path, *command) as client:
        await client.initialize()
        await client.request("tools/list")
        assert repaired(await client.call("Echo", "hello"))
        done = await anyio.to_thread.run_sync(mend, tmp_path, "pause", "mine")
        assert done.returncode == 0, done.stderr
        await until(client, lambda reply: not repaired(reply))
        async with started(tmp_path, *command) as other:
            await other.initialize()
            assert not repaired(await other.call("Echo", "hello"))
        assert (await anyio.to_thread.run_sync(mend, tmp_path, "pause")).stdout == "mine\n"
        assert (await anyio.to_thread.run_sync(mend, tmp_path, "resume", "mine")).returncode == 0
        await until(client, repaired)


def test_a_name_that_is_not_known_is_refused_with_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "mend.toml").write_text('[upstreams.github]\ncommand = "x"\n', encoding="utf-8")
    refused = mend(tmp_path, "pause", "gihtub", "-c", str(tmp_path / "mend.toml"))
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "'gihtub' is no server that is known here; nearest: github" in refused.stderr
    assert "'github' is not paused" in mend(tmp_path, "resume", "github").stderr


def test_a_configuration_that_is_broken_does_not_stand_before_the_switch(tmp_path: Path) -> None:
    (tmp_path / "catalog").mkdir()
    (tmp_path / "catalog" / "x.json").write_text(json.dumps({"server": "github"}), encoding="utf-8")
    (tmp_path / "mend.toml").write_text("nonsense = 1\n", encoding="utf-8")
    done = mend(tmp_path, "pause", "github", "-c", str(tmp_path / "mend.toml"))
    assert done.returncode == 0
    assert "nonsense" in done.stderr
    assert (tmp_path / "paused.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ["", "[]", '{"servers": 3}', '{"servers": [1]}', "[" * 100_000, "\udcff"])
def test_a_pause_file_that_cannot_be_read_pauses_every_server(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MCP_MEND_HOME", str(tmp_path))
    paused_path().write_bytes(text.encode(errors="surrogateescape"))
    assert read_state() == State(all_paused=True)
    config = Config(upstreams={"a": Upstream(command="x", repair="auto"), "b": Upstream(url="http://b")})
    assert [each.repair for each in with_state(config, read_state()).upstreams.values()] == ["off", "off"]
