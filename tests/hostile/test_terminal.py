"""What servers, calls and files say is printed as text: it clears no screen, renames no window, turns no line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from proxy.cli import main
from proxy.repair.view.shown import json_text, one_line
from proxy.store.sql import Place
from schemas.catalog import as_list, as_object
from tests.doors import ROOT, Locked, locked, mend
from tests.promises import promise
from tests.store.records import call, run, write

pytestmark = promise("foreign-text-is-bounded", "never-rendered-raw")
EVIL = "ok\x1b]0;owned\x07 \x1b[2J \x08\x08 \x9b2J \r gone \u202egnp.exe \u200b \x1b]52;c;cm0=\x07 \x7f\u2066"
FORBIDDEN = ("\x1b]", "\x1b[2J", "\x07", "\x08", "\x9b", "\r", "\x00", "\x7f", "\u202e", "\u200b", "\u2066")
PLAN = {"steps": [{"id": EVIL, "server": EVIL, "tool": EVIL, "arguments": {EVIL: EVIL}}], "goal": EVIL, "output": EVIL}
CHANGE = {
    "op": "coerce_argument", "step": EVIL, "before": EVIL, "after": EVIL, "rule": EVIL, "evidence": EVIL,
    "confidence": EVIL,
}  # fmt: skip
FOUND = {"kind": "refused", "step": EVIL, "path": EVIL, "message": EVIL, "candidates": [EVIL]}
SERVER = f"""
import json, sys
EVIL = {EVIL + chr(0xD800)!r}
sys.stderr.buffer.write(EVIL.encode(errors="replace") + b"\\n")
sys.stderr.flush()
text = [{{"type": "text", "text": EVIL}}]
schema = {{"type": "object", "properties": {{EVIL: {{"type": "integer"}}}}}}
for line in sys.stdin:
    asked = json.loads(line)
    if asked.get("method") == "initialize":
        if "shut" in sys.argv:
            sys.stderr.write("last words " + {EVIL!r})
            sys.exit(EVIL.encode(errors="replace").decode())
        info = {{"name": EVIL, "version": EVIL}}
        result = {{"protocolVersion": asked["params"]["protocolVersion"], "capabilities": {{"tools": {{}}}},
                  "serverInfo": info}}
    elif asked.get("method") == "tools/list":
        if "mute" in sys.argv:
            answer = {{"code": 1, "message": EVIL + "\\nok   forged: 3 tools"}}
            print(json.dumps({{"jsonrpc": "2.0", "id": asked["id"], "error": answer}}), flush=True)
            continue
        about = {{"description": EVIL, "inputSchema": schema}}
        result = {{"tools": [{{"name": EVIL, **about}}, {{"name": "show_tide", **about}}]}}
    elif asked.get("method") == "tools/call":
        result = {{"content": text, "structuredContent": {{EVIL: EVIL}}, "isError": "bad" in str(asked["params"])}}
    else:
        continue
    if "id" in asked:
        print(json.dumps({{"jsonrpc": "2.0", "id": asked["id"], "result": result}}), flush=True)
"""


def raw(text: str) -> list[str]:
    """The control codes that stand in a text as they are."""
    return [code for code in FORBIDDEN if code in text]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, with a journal of one call and one run that say what a server said."""
    for name in ("MCP_MEND_HOME", "HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.chdir(tmp_path)
    note(
        tmp_path,
        evil_call("call_a1"),
        run("run_b2", kind="workflow", status="failed", error_before=EVIL, error_after=EVIL, before=PLAN,
            after={**PLAN, "goal": "another"}, repairs=[CHANGE], problems=[FOUND], found=[FOUND]),
        evil_call("call_c3", repair_id="run_b2", step=EVIL),
        run("run_d4", status="failed", error_before=EVIL, error_after=EVIL),
    )  # fmt: skip
    return tmp_path


def evil_call(call_id: str, **more: Any) -> Any:
    said = {"content": [{"type": "text", "text": EVIL}], EVIL: EVIL}
    given: dict[str, Any] = {"outcome": "refused", "message": EVIL, "arguments": {EVIL: EVIL}, "reply": said, **more}
    return call(call_id, tool=EVIL, server=EVIL, session=EVIL, **given)


def note(folder: Path, *records: Any) -> None:
    write(Place(folder), *records)


def printed(*command: str) -> str:
    """All that a command prints on a terminal with colours."""
    return CliRunner().invoke(main, command, color=True).output


LOG = [
    ["list"], ["show", "call_a1"], ["show", "run_b2"], ["diff", "run_b2"], ["diff", "run_d4"], ["stats"],
    ["replay", "call_a1"], ["replay", "run_b2"], ["show", EVIL],
]  # fmt: skip
JSON = [[*command, "--json"] for command in LOG[:8]]


@pytest.mark.parametrize("command", [*LOG, *JSON, ["diff", "run_b2", "--patch"], ["export"]], ids=" ".join)
def test_the_log_prints_no_control_codes_of_a_server(command: list[str]) -> None:
    said = printed("log", *command)
    assert said
    assert raw(said) == []


@pytest.mark.parametrize("command", JSON, ids=" ".join)
def test_what_is_printed_as_json_is_still_what_was_said(command: list[str]) -> None:
    entries = [json.loads(line) for line in printed("log", *command).splitlines() if line.startswith("{")]
    assert EVIL in str(texts(entries)) or EVIL in texts(entries)


def texts(value: Any) -> list[str]:
    """Every text and key of a JSON value."""
    keys, items = as_object(value), as_list(value)
    if keys is not None:
        return [text for key, inner in keys.items() for text in (key, *texts(inner))]
    return [text for inner in items or () for text in texts(inner)] + [value] * isinstance(value, str)


def test_watching_prints_no_control_codes(home: Path) -> None:
    with writing(home):
        words = printed("log", "watch", "-n", "7", "--interval", "0.05", "--since", "2000-01-01")
        said = printed("log", "watch", "-n", "2", "--interval", "0.05", "--json")
    assert "ok\\x1b]0;owned" in words
    assert raw(words) == []
    assert raw(said) == []
    assert [json.loads(line)["tool"] for line in said.splitlines()] == [EVIL, EVIL]


@contextmanager
def writing(folder: Path) -> Generator[None]:
    """Calls are noted all the while."""
    over = threading.Event()

    def work() -> None:
        number = 0
        while not over.wait(0.02):
            number += 1
            note(folder, evil_call(f"call_n{number}", at=2e9))

    worker = threading.Thread(target=work)
    worker.start()
    try:
        yield
    finally:
        over.set()
        worker.join()


@pytest.fixture
def servers(home: Path) -> Path:
    """A configuration of servers that work, die and list nothing, each with something to say."""
    script = home / "evil.py"
    script.write_text(SERVER, encoding="utf-8")
    ways = {EVIL: [], "shut": ["shut"], "mute": ["mute"]}
    entries = {name: {"command": sys.executable, "args": [str(script), *args]} for name, args in ways.items()}
    file = home / "client.json"
    file.write_text(json.dumps({"mcpServers": entries}), encoding="utf-8")
    steps = [{"id": "a", "server": EVIL, "tool": "show_tide", "arguments": {EVIL: 1}}, {"id": "b", "tool": EVIL}]
    (home / "plan.json").write_text(json.dumps({"steps": steps, "goal": EVIL}), encoding="utf-8")
    return file


@pytest.mark.parametrize(
    "command",
    [
        ["doctor"], ["doctor", "--json"], ["effects", "--all"], ["effects", "--json"],
        ["effects", "--write", "--yes", "--dry-run"], ["run", "plan.json"], ["run", "plan.json", "--json"],
        ["tools", "list"], ["tools", "list", "--json"], ["tools", "call", "show_tide", "bad=1", "--json"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_what_running_servers_say_is_printed_without_control_codes(command: list[str], servers: Path) -> None:
    line = [sys.executable, "-c", "from proxy.cli import main; main()", *command, "-c", str(servers)]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(line, env=env, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
    said = (done.stdout + done.stderr).decode()
    assert "Traceback" not in said
    assert done.stdout
    assert raw(said) == []
    assert "\nok   forged" not in said


@pytest.mark.parametrize(
    "command",
    [["install", "cursor", "--yes"], ["install", "cursor", "--server", EVIL], ["uninstall", "cursor", "--yes"],
     ["import", "cursor", "--yes"], ["pause"], ["pause", EVIL], ["resume", EVIL], ["pause", f"{EVIL}x"]],
    ids=lambda command: " ".join(command)[:20],
)  # fmt: skip
def test_what_files_say_is_printed_without_control_codes(command: list[str], home: Path) -> None:
    file = home / ".cursor" / "mcp.json"
    file.parent.mkdir()
    entries = {EVIL: {"command": "uvx", "args": [EVIL]}, f"{EVIL}2": {"url": f"http://x/{EVIL}", EVIL: EVIL}}
    file.write_text(json.dumps({"mcpServers": entries}), encoding="utf-8")
    (home / "paused.json").write_text(json.dumps({"format": 1, "servers": [EVIL]}), encoding="utf-8")
    (home / "proxy.toml").write_text(f'[upstreams."{json.dumps(EVIL)[1:-1]}"]\nnonsense = 1\n', encoding="utf-8")
    said = printed(*command)
    assert said
    assert raw(said) == []


@pytest.fixture(scope="module")
def door() -> Generator[Locked]:
    with locked() as running:
        yield running


def test_a_login_prints_the_names_of_files_without_control_codes(door: Locked, home: Path) -> None:
    door.well()
    file = home / "client.json"
    file.write_text(json.dumps({"mcpServers": {EVIL: {"url": door.url}}}), encoding="utf-8")
    for command in ("login", "logout", "logout"):
        done = mend(command, EVIL, "--config", str(file))
        assert done.returncode == 0, done.stderr
        assert raw(done.stdout + done.stderr) == []
    door.behave(deny=True)
    assert raw(mend("login", EVIL, "--config", str(file)).stderr) == []


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(value=JSON_VALUES, indent=st.none() | st.just(2))
def test_json_reads_back_the_same_and_is_printable(value: Any, indent: int | None) -> None:
    written = json_text(value, indent=indent)
    assert json.loads(written) == value
    assert written.replace("\n", "").isprintable()


@given(st.text(st.characters() | st.characters(categories=["Cs"])))
def test_a_line_is_one_line_that_can_be_encoded(text: str) -> None:
    assert len(one_line(text).encode().splitlines()) <= 1
