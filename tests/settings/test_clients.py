"""Files of MCP clients, taken unchanged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from proxy.settings import ConfigError, load, load_text
from proxy.settings.selfcall import Ours, ours
from schemas.config import Config, OAuth, Upstream

CLAUDE_DESKTOP = r"""{
  "globalShortcut": "Ctrl+Space",
  "mcpServers": {
    "files": {
      "command": "C:\\Program Files\\nodejs\\npx.cmd",
      "args": ["-y", "@modelcontextprotocol/server-filesystem", "C:\\Users\\me\\new"],
      "env": {"TOKEN": "${TOKEN}"},
      "disabled": false,
      "autoApprove": ["read_file"]
    }
  }
}"""

VS_CODE = """{
  // servers of this workspace
  "inputs": [],
  "servers": {
    "remote": {"type": "http", "url": "https://example.com/mcp", "headers": {"Authorization": "Bearer ${env:TOKEN}"},},
    "local": {"type": "stdio", "command": "uvx", "args": ["srv", "${workspaceFolder}"], "envFile": ".env"},
  },
}"""

CODEX = """
model = "some-model"
[mcp_servers.docs]
command = "npx"
args = ["-y", "docs"]
startup_timeout_sec = 20
tool_timeout_sec = 90.5
enabled_tools = ["search"]
[mcp_servers.remote]
url = "https://example.com/mcp"
bearer_token_env_var = "TOKEN"
enabled = false
"""


def upstreams(text: str, name: str = "config.json", **places: str) -> dict[str, Upstream]:
    return load_text(name, text, {"TOKEN": "t0ps3cret"}, places=places).config.upstreams


def of_one(entry: dict[str, object]) -> Upstream:
    return upstreams(json.dumps({"mcpServers": {"one": entry}}))["one"]


def test_a_claude_desktop_file_is_taken_unchanged() -> None:
    loaded = load_text("claude_desktop_config.json", CLAUDE_DESKTOP, {"TOKEN": "t0ps3cret"})
    files = loaded.config.upstreams["files"]
    assert files.command == r"C:\Program Files\nodejs\npx.cmd"
    assert files.args[-1] == r"C:\Users\me\new"
    assert files.env == {"TOKEN": "t0ps3cret"}
    assert loaded.ignored == ("files.autoApprove",)
    assert loaded.config.secrets == {"t0ps3cret"}


def test_a_vs_code_file_is_taken_unchanged() -> None:
    found = upstreams(VS_CODE, workspaceFolder="/project")
    assert found["remote"].url == "https://example.com/mcp"
    assert found["remote"].transport == "http"
    assert found["remote"].headers == {"Authorization": "Bearer t0ps3cret"}
    assert found["local"].args == ["srv", "/project"]


def test_a_codex_file_is_taken_unchanged() -> None:
    found = upstreams(CODEX, "config.toml")
    assert (found["docs"].start_timeout, found["docs"].call_timeout) == (20, 90.5)
    assert found["docs"].tools.include == ["search"]
    assert not found["remote"].enabled


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"serverUrl": "https://x/mcp"}, Upstream(url="https://x/mcp")),
        ({"httpUrl": "https://x/mcp", "trust": True}, Upstream(url="https://x/mcp")),
        ({"type": "sse", "url": "https://x/sse"}, Upstream(url="https://x/sse", transport="sse")),
        ({"type": "streamable-http", "url": "https://x"}, Upstream(url="https://x", transport="http")),
        ({"command": {"path": "srv", "args": ["a"]}, "source": "custom"}, Upstream(command="srv", args=["a"])),
        (
            {"type": "local", "command": ["srv", "a"], "environment": {"K": "v"}},
            Upstream(command="srv", args=["a"], transport="stdio", env={"K": "v"}),
        ),
        ({"command": "srv", "timeout": 30}, Upstream(command="srv", call_timeout=30)),
        ({"command": "srv", "timeout": 600000}, Upstream(command="srv", call_timeout=600)),
        ({"command": "srv", "disabled": True}, Upstream(command="srv", enabled=False)),
        ({"command": "srv", "args": None, "env": None}, Upstream(command="srv")),
        (
            {"command": "srv", "args": [1], "env": {"A": 2, "B": True}},
            Upstream(command="srv", args=["1"], env={"A": "2", "B": "true"}),
        ),
        (
            {"url": "x", "http_headers": {"A": "b"}, "env_http_headers": {"C": "TOKEN"}},
            Upstream(url="x", headers={"A": "b", "C": "t0ps3cret"}),
        ),
        (
            {"url": "x", "oauth": {"clientId": "c", "callbackPort": 8080, "scopes": "a b"}},
            Upstream(url="x", oauth=OAuth(client_id="c", redirect_uri="http://localhost:8080/callback", scope="a b")),
        ),
        (
            {"httpUrl": "x", "oauth": {"enabled": True, "clientId": "c", "clientSecret": "s", "scopes": ["a", "b"]}},
            Upstream(url="x", oauth=OAuth.model_validate({"client_id": "c", "client_secret": "s", "scope": "a b"})),
        ),
        ({"url": "x", "oauth": False}, Upstream(url="x")),
        ({"url": "x", "oauth": {"clientId": "c", "redirectUri": "https://elsewhere/callback"}}, Upstream(url="x")),
        (
            {"url": "x", "oauth": {"clientId": "c"}, "headers": {"Authorization": "a"}},
            Upstream(url="x", headers={"Authorization": "a"}),
        ),
        ({"command": "srv", "alwaysAllow": ["x"], "type": "stdio"}, Upstream(command="srv", transport="stdio")),
    ],
)
def test_what_clients_write_is_understood(entry: dict[str, object], expected: Upstream) -> None:
    assert of_one(entry) == expected


@pytest.mark.parametrize("holder", ["mcpServers", "servers", "context_servers"])
def test_every_name_for_the_table_of_servers_is_known(holder: str) -> None:
    assert list(upstreams(json.dumps({holder: {"a": {"command": "x"}}}))) == ["a"]


def test_a_disabled_entry_may_name_variables_that_are_not_set() -> None:
    off = upstreams('{"mcpServers": {"a": {"url": "${NOPE}", "disabled": true}}}')["a"]
    assert not off.enabled


def test_our_own_settings_may_stand_in_a_clients_file() -> None:
    text = '{"mcpServers": {}, "mcp-mend": {"repair": {"mode": "suggest"}}}'
    assert load_text("x.json", text, {}).config.repair.mode == "suggest"


def test_a_fault_in_a_clients_file_names_its_own_line_and_key() -> None:
    text = '{"mcpServers": {\n "a": {\n  "command": "x",\n  "args": "not a list"\n }}}'
    with pytest.raises(ConfigError) as refused:
        upstreams(text)
    assert refused.value.faults == ("config.json:4: mcpServers.a.args: input should be a valid list, not 'not a list'",)


def test_an_entry_that_starts_mcp_mend_is_passed_over() -> None:
    text = json.dumps({"mcpServers": {"mend": {"command": "uvx", "args": ["mcp-mend"]}, "b": {"command": "x"}}})
    loaded = load_text("x.json", text, {})
    assert list(loaded.config.upstreams) == ["b"]
    assert loaded.skipped == ("mend starts mcp-mend itself",)


def test_an_entry_that_says_no_way_to_reach_it_is_passed_over() -> None:
    loaded = load_text("settings.json", '{"context_servers": {"x": {"source": "extension", "enabled": true}}}', {})
    assert loaded.config.upstreams == {}
    assert loaded.skipped == ("x has neither a command nor a url",)


def test_an_empty_file_names_no_servers() -> None:
    assert load_text("claude_desktop_config.json", "\n", {}).config == Config()


def test_an_entry_that_wraps_a_server_becomes_that_server() -> None:
    wrapped = of_one({"command": "mcp-mend", "args": ["wrap", "--name", "t", "--", "uvx", "srv", "--x"]})
    assert (wrapped.command, wrapped.args) == ("uvx", ["srv", "--x"])


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (["mcp-mend"], Ours()),
        ([r"C:\tools\mcp-mend.exe", "serve"], Ours()),
        (["uvx", "mcp-mend@1.2", "serve", "--config", "x"], Ours()),
        (["uvx", "--from", "mcp-mend", "mcp-mend"], Ours()),
        (["uv", "run", "--project", "/src/mcp-mend", "mcp-mend"], Ours()),
        (["python", "-m", "proxy.cli"], Ours()),
        (["mcp-mend", "wrap", "npx", "srv"], Ours(("npx", "srv"))),
        (["mcp-mend", "wrap", "--mode", "off", "--url", "https://x"], Ours(url="https://x")),
        (["uvx", "mcp-server-time"], None),
        (["npx", "-y", "server-filesystem", "--", "/data/mcp-mend"], None),
        (["uv", "run", "--directory", "/src/mcp-mend", "other"], None),
    ],
)
def test_a_command_line_of_ours_is_recognised(line: list[str], expected: Ours | None) -> None:
    assert ours(line[0], line[1:]) == expected


def test_the_project_of_an_editors_file_is_the_folder_above(tmp_path: Path) -> None:
    (tmp_path / ".vscode").mkdir()
    file = tmp_path / ".vscode" / "mcp.json"
    file.write_text(VS_CODE, encoding="utf-8")
    assert load(file, env={"TOKEN": "t"}).config.upstreams["local"].args[1] == str(tmp_path.resolve())
