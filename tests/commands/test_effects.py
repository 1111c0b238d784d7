"""`effects`: what tools do as nobody has said it, a person's word on it, and that proxies go by that word."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
from hypothesis import given
from hypothesis import strategies as st

from catalog_cache.merge import effect_of
from proxy.commands.deciding import printable
from proxy.settings.classes import with_classes
from proxy.settings.state import State, literally, way, with_state
from schemas.catalog import Effect
from schemas.config import Config, ToolRules, Upstream
from tests.promises import promise

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "tests" / "frontends"))
from rawclient import MEND, started  # noqa: E402

SERVER = """
import json, sys
TOOLS = [{"name": name, "description": "", "inputSchema": {"type": "object", "properties": {"n": {"type": "integer"}},
          "required": ["n"]}} for name in ("show_tide", "send_mail", "gezeiten", "odd*\\x1b[2J")]
for line in sys.stdin:
    asked = json.loads(line)
    if asked.get("method") == "initialize":
        result = {"protocolVersion": asked["params"]["protocolVersion"], "capabilities": {"tools": {}},
                  "serverInfo": {"name": "tide", "version": "1"}}
    elif asked.get("method") == "tools/list":
        result = {"tools": TOOLS}
    elif asked.get("method") == "tools/call":
        sound = asked["params"]["arguments"].get("n") == 7
        result = {"content": [{"type": "text", "text": "high" if sound else "n: there is no such number"}],
                  "isError": not sound}
    else:
        continue
    if "id" in asked:
        print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}), flush=True)
"""


def mend(folder: Path, *args: str, answers: str = "") -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "MCP_MEND_HOME": str(folder / "state")}
    return subprocess.run(
        [*MEND, *args], env=env, cwd=ROOT, input=answers, capture_output=True, text=True, timeout=60, check=False
    )


def server(folder: Path) -> list[str]:
    (folder / "tide.py").write_text(SERVER, encoding="utf-8")
    return [sys.executable, str(folder / "tide.py")]


def toml(folder: Path) -> Path:
    command, script = server(folder)
    path = folder / "mend.toml"
    lines = f"# mine\n[upstreams.tide]  # by the sea\ncommand = {json.dumps(command)}\nargs = [{json.dumps(script)}]\n"
    path.write_text(lines + '\n[repair]\nmode = "auto" # always\n', encoding="utf-8")
    return path


def classes(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    assert done.returncode == 0, done.stderr
    return {row["tool"]: row["effect"] for row in map(json.loads, done.stdout.splitlines()) if "tool" in row}


def test_unknown_tools_are_listed_with_a_proposal_and_nothing_a_terminal_obeys(tmp_path: Path) -> None:
    done = mend(tmp_path, "effects", "-c", str(toml(tmp_path)))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("tide: 4 tools (4 unknown)\n")
    assert "perhaps read: its name says 'show'" in done.stdout
    assert "\x1b" not in done.stdout


def test_a_server_that_cannot_start_is_said_to_be_so(tmp_path: Path) -> None:
    done = mend(tmp_path, "effects", "--", "no-such-program-anywhere")
    assert done.returncode == 0
    assert "no-such-program-anywhere: cannot be asked: " in done.stdout


@promise("effects-are-the-persons-to-say")
def test_proposals_go_into_our_own_configuration_and_leave_the_rest_unknown(tmp_path: Path) -> None:
    file = toml(tmp_path)
    assert mend(tmp_path, "effects", "-c", str(file), "--write", "--yes").returncode == 0
    text = file.read_text(encoding="utf-8")
    assert text.startswith("# mine\n[upstreams.tide]  # by the sea\n")
    assert 'mode = "auto" # always' in text
    found = tomllib.loads(text)["upstreams"]["tide"]["tools"]
    assert found == {"effects": {"show_tide": "read", "send_mail": "write"}}
    now = classes(mend(tmp_path, "effects", "-c", str(file), "--json"))
    assert now == {"show_tide": "read", "send_mail": "write", "gezeiten": "unknown", "odd*\x1b[2J": "unknown"}


@promise("effects-are-the-persons-to-say")
def test_a_person_decides_tool_by_tool_and_enter_takes_the_proposal(tmp_path: Path) -> None:
    """Groups come from harmless to worst, those without a proposal last; then the change itself is asked about."""
    file = toml(tmp_path)
    done = mend(tmp_path, "effects", "-c", str(file), "--write", answers="\nno\neach\nr\nd\ny\n")
    assert done.returncode == 0, done.stderr
    found = classes(mend(tmp_path, "effects", "-c", str(file), "--json"))
    assert found == {"show_tide": "read", "send_mail": "unknown", "gezeiten": "read", "odd*\x1b[2J": "destructive"}
    again = mend(tmp_path, "effects", "-c", str(file), "--write", "--dry-run", answers="\n\n")
    assert "nothing was changed" in again.stderr
    assert classes(mend(tmp_path, "effects", "-c", str(file), "--json")) == found


@promise("effects-are-the-persons-to-say")
async def test_a_running_wrap_goes_by_the_word_on_its_command_line(tmp_path: Path) -> None:
    """A client's own file stays as it is; the answers go to the state folder, and a number as text is repaired then."""
    line = server(tmp_path)
    (tmp_path / "state").mkdir()
    file = tmp_path / "client.json"
    file.write_text(json.dumps({"mcpServers": {"x": {"command": line[0], "args": line[1:]}}}), encoding="utf-8")
    before = file.read_bytes()
    async with started(tmp_path / "state", *MEND, "wrap", "--", *line) as client:
        await client.initialize()
        await client.request("tools/list")
        call = {"name": "show_tide", "arguments": {"n": "7"}}
        assert (await client.request("tools/call", call))["result"]["isError"]
        done = await anyio.to_thread.run_sync(mend, tmp_path, "effects", "-c", str(file), "--write", "--yes")
        assert done.returncode == 0, done.stderr
        with anyio.fail_after(20):
            while (await client.request("tools/call", call))["result"].get("isError"):
                await anyio.lowlevel.checkpoint()
        other = {"name": "gezeiten", "arguments": {"n": "7"}}
        assert (await client.request("tools/call", other))["result"]["isError"]
    assert file.read_bytes() == before
    assert (tmp_path / "state" / "effects.json").stat().st_mode & 0o777 == 0o600


@promise("effects-are-the-persons-to-say")
def test_the_configuration_wins_over_the_state_folder() -> None:
    one = Upstream(command="x", args=["1"], tools=ToolRules(effects={"get_*": Effect.WRITE}))
    config = Config(upstreams={"a": one, "b": Upstream(command="x", args=["2"])})
    state = State({way(one): {"get_a": Effect.READ, "b": Effect.READ}})
    decided = with_state(config, state).upstreams
    assert effect_of("get_a", decided["a"].tools) is Effect.WRITE
    assert effect_of("b", decided["a"].tools) is Effect.READ
    assert effect_of("b", decided["b"].tools) is None


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


@promise("effects-are-the-persons-to-say")
@given(chosen=st.dictionaries(names, st.sampled_from(Effect), max_size=4), other=names)
def test_a_choice_holds_for_its_very_name_alone(chosen: dict[str, Effect], other: str) -> None:
    text = '# a\n[upstreams.s]\ncommand = "x"\ntools = { exclude = ["y"] } # b\n'
    written = with_classes(text, {"s": chosen})
    assert written is not None
    rules = ToolRules.model_validate(tomllib.loads(written)["upstreams"]["s"]["tools"])
    assert {name: effect_of(name, rules) for name in chosen} == chosen
    if other not in {*chosen, *map(literally, chosen)}:
        assert effect_of(other, rules) is None


@given(st.text())
def test_what_is_printed_is_printable(text: str) -> None:
    assert printable(text).isprintable()


def test_a_configuration_that_cannot_be_written_soundly_is_left_alone() -> None:
    chosen: Any = {"s": {"a": Effect.READ}}
    assert with_classes('[upstreams.t]\ncommand = "x"\n', chosen) is None
    assert with_classes("nonsense", chosen) is None
    assert with_classes('[upstreams.s]\ncommand = "x"\ntools = 3\n', chosen) is None
