"""`install`, `uninstall` and `clients` on whole homes: what is started, what is kept, what is refused."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from proxy.cli import main

ROOT = Path(__file__).parents[2]
ECHO = {"command": sys.executable, "args": [str(ROOT / "tests" / "servers" / "echo.py"), "--tools", "3"]}
DIES = {"command": sys.executable, "args": ["-c", "import sys; sys.exit('dead on arrival')"]}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home."""
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("MCP_MEND_HOME", str(tmp_path / "state"))
    for name in ("CLAUDE_CONFIG_DIR", "CODEX_HOME", "COPILOT_HOME", "MCP_MEND_CONFIG", "MCP_MEND_MODE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put(file: Path, text: str | bytes) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def servers(**entries: object) -> str:
    return json.dumps({"mcpServers": entries}, indent=2)


def mend(*args: str, code: int = 0) -> Result:
    done = CliRunner().invoke(main, args)
    assert done.exit_code == code, done.output
    return done


def everything(folder: Path) -> dict[str, bytes]:
    return {str(file): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_what_was_written_is_started_once(home: Path) -> None:
    file = put(home / ".cursor" / "mcp.json", servers(echo=ECHO, dies=DIES, off={**ECHO, "disabled": True}))
    done = mend("install", "cursor", "--yes")
    assert "echo: started, 3 tools" in done.stderr
    assert "warning: dies does not start" in done.stderr
    assert "dead on arrival" in done.stderr
    assert "off: not started, it is switched off" in done.stderr
    assert file.read_text(encoding="utf-8").count('"wrap"') == 3


def test_a_list_of_tools_from_before_hides_no_server_that_is_broken_now(home: Path) -> None:
    program = put(home / "server.py", (ROOT / "tests" / "servers" / "echo.py").read_bytes())
    put(home / ".cursor" / "mcp.json", servers(echo={"command": sys.executable, "args": [str(program)]}))
    assert "echo: started" in mend("install", "cursor", "--yes").stderr
    mend("uninstall", "cursor", "--yes")
    put(program, "import sys; sys.exit('broken now')")
    assert "broken now" in mend("install", "cursor", "--yes").stderr


def test_a_variable_that_is_not_set_is_said_and_nothing_is_started(home: Path) -> None:
    put(home / ".cursor" / "mcp.json", servers(echo={**ECHO, "env": {"A": "${NOT_SET_ANYWHERE}"}}))
    assert "not started, the environment variable NOT_SET_ANYWHERE" in mend("install", "cursor", "--yes").stderr


def test_copies_are_few_and_private(home: Path) -> None:
    for number in range(4):
        put(home / ".cursor" / "mcp.json", servers(time={"command": f"x{number}"}))
        mend("install", "cursor", "--yes", "--no-start")
        mend("uninstall", "cursor", "--yes")
    kept = [one for one in (home / ".cursor").iterdir() if "before-mcp-mend" in one.name]
    assert len(kept) == 3
    assert {one.stat().st_mode & 0o777 for one in kept} == {0o600}
    listed = mend("clients").stdout
    assert all(f"kept copy: {one}" in listed for one in kept)


def test_uninstall_gives_back_a_file_that_was_not_touched_since_to_the_byte(home: Path) -> None:
    odd = '{"mcpServers" : {\n\t"a": {"command": "x" , "args" : null},}\n,"b":1}'
    file = put(home / ".cursor" / "mcp.json", odd)
    mend("install", "cursor", "--yes", "--no-start")
    mend("install", "cursor", "--serve", "--yes", "--no-start")
    assert file.read_text(encoding="utf-8") != odd
    mend("uninstall", "cursor", "--yes")
    assert file.read_text(encoding="utf-8") == odd
    mend("install", "cursor", "--yes", "--no-start")
    file.write_text(file.read_text(encoding="utf-8").replace('"b":1', '"b":2'), encoding="utf-8")
    mend("uninstall", "cursor", "--yes")
    assert file.read_text(encoding="utf-8") == odd.replace(' , "args" : null', "").replace('"b":1', '"b":2')


def test_remote_servers_stay_unless_asked_for_and_those_that_want_a_header_always(home: Path) -> None:
    far = {"type": "sse", "url": "https://example.com/mcp"}
    text = servers(far=far, signed={**far, "headers": {"A": "b"}}, near={"command": "x"})
    file = put(home / ".cursor" / "mcp.json", text)
    assert "far stays as it is: remote" in mend("install", "cursor", "--dry-run").stderr
    done = mend("install", "cursor", "--remote", "--yes", "--no-start")
    assert "signed stays as it is: remote, and its headers must come from its client" in done.stderr
    assert json.loads(file.read_bytes())["mcpServers"]["far"]["args"][-2:] == ["--url", "https://example.com/mcp"]
    mend("uninstall", "cursor", "--yes")
    assert file.read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"[]", ":1: expected an object"),
        (b'{"mcpServers": null}', ":1: mcpServers is null"),
        (b'{"mcpServers": {},\n"mcpServers": {}}', ":2: mcpServers is there twice"),
        (b'{"mcpServers": {"a": }}', ":1: expected a value"),
        (b"\xff\xfe{\x00}\x00", "not UTF-8 text"),
    ],
)
@pytest.mark.parametrize("command", [("install",), ("install", "--serve"), ("uninstall",)])
def test_an_odd_file_is_refused_and_nothing_is_changed(
    home: Path, text: bytes, said: str, command: tuple[str, ...]
) -> None:
    put(home / ".cursor" / "mcp.json", text)
    before = everything(home)
    assert said in mend(command[0], "cursor", *command[1:], "--yes", code=2).stderr
    assert everything(home) == before
    assert said in mend("clients").stdout


@pytest.mark.parametrize(("what", "mode"), [("mcp.json", 0o444), (".", 0o555)])
def test_what_its_owner_may_not_write_stays(home: Path, what: str, mode: int) -> None:
    file = put(home / ".cursor" / "mcp.json", servers(a={"command": "x"}))
    before = everything(home)
    locked = file.parent / what
    locked.chmod(mode)
    try:
        assert "is read-only; make it writable" in mend("install", "cursor", "--yes", code=2).stderr
    finally:
        locked.chmod(0o755)
    assert everything(home) == before


def test_every_client_that_is_found_gets_it(home: Path) -> None:
    put(home / ".cursor" / "mcp.json", servers(a={"command": "x"}))
    put(home / ".codex" / "config.toml", '[mcp_servers.b]\ncommand = "x"\n')
    put(home / "config" / "goose" / "config.yaml", "extensions:\n  c:\n    cmd: x\n    type: stdio\n")
    put(home / ".gemini" / "settings.json", "[]")
    before = everything(home)
    done = mend("install", "--all", "--yes", "--no-start", code=2)
    assert "settings.json:1: expected an object" in done.stderr
    found = {one["client"]: one for one in map(json.loads, mend("clients", "--json").stdout.splitlines())}
    assert {name: one["wrapped"] for name, one in found.items() if name != "gemini"} == {
        "cursor": ["a"],
        "codex": ["b"],
        "goose": ["c"],
    }
    assert "expected an object" in found["gemini"]["broken"]
    for name in ("cursor", "codex", "goose"):
        mend("uninstall", name, "--yes")
    after = everything(home)
    assert {file: after[file] for file in before} == before


def test_a_variable_moves_a_client_and_a_project_has_a_file_of_its_own(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = put(home / ".claude.json", servers(a={"command": "x"}))
    moved = put(home / "elsewhere" / ".claude.json", servers(b={"command": "x"}))
    project = put(home / ".mcp.json", servers(c={"command": "x"}))
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(moved.parent))
    mend("install", "claude-code", "--yes", "--no-start")
    mend("install", "claude-code", "--project", "--yes", "--no-start")
    assert [b"wrap" in file.read_bytes() for file in (usual, moved, project)] == [False, True, True]


def test_one_client_is_named_or_all(home: Path) -> None:
    assert "name one CLIENT" in mend("install", code=2).stderr
    assert "name one CLIENT" in mend("install", "cursor", "--all", code=2).stderr
    assert "no client is found here" in mend("clients").stderr


def test_servers_are_imported_from_yaml_and_lists(home: Path) -> None:
    put(home / ".continue" / "config.yaml", "mcpServers:\n  - name: a\n    command: x\n    args: [1]\n")
    put(home / "config" / "goose" / "config.yaml", "extensions:\n  b: {cmd: y, args: [], envs: {K: v}, type: stdio}\n")
    for client in ("continue", "goose"):
        mend("import", client, "--to", "own.toml", "--yes")
    from proxy.settings import load

    found = load(Path("own.toml"), env={}).config.upstreams
    assert (found["a"].command, found["a"].args) == ("x", ["1"])
    assert (found["b"].command, found["b"].env) == ("y", {"K": "v"})
