"""Every known client, from its file as its documentation shows it to a mended call, and back to the byte."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import anyio
import pytest
from click.testing import CliRunner, Result
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from proxy.cli import main
from proxy.commands.clients.places import Surroundings, files
from proxy.commands.clients.table import CLIENTS, of_file
from proxy.settings.documents import document
from proxy.settings.rewrite import added
from proxy.settings.selfcall import ours
from proxy.settings.shapes import places
from tests.settings.test_client_files import FILES

SHOP = Path(__file__).parents[1] / "servers" / "shop.py"
STARTED = ("claude-desktop", "codex", "continue", "goose", "opencode")
"""One client of each form; the others' command lines are the same words."""

EVERYWHERE = {
    "claude-code": ".claude.json",
    "cursor": ".cursor/mcp.json",
    "windsurf": ".codeium/windsurf/mcp_config.json",
    "lm-studio": ".lmstudio/mcp.json",
    "continue": ".continue/config.yaml",
    "gemini": ".gemini/settings.json",
    "codex": ".codex/config.toml",
    "opencode": ".config/opencode/opencode.json",
    "cline": ".cline/data/settings/cline_mcp_settings.json",
    "amazon-q": ".aws/amazonq/mcp.json",
    "kiro": ".kiro/settings/mcp.json",
    "copilot-cli": ".copilot/mcp-config.json",
    "antigravity": ".gemini/antigravity/mcp_config.json",
    "junie": ".junie/mcp/mcp.json",
    "warp": ".warp/.mcp.json",
}
MAC, WINDOWS = "Library/Application Support", "AppData/Roaming"
ROO = "Code/User/globalStorage/rooveterinaryinc.roo-cline/settings/mcp_settings.json"
PLACES: dict[str, tuple[str, str, str]] = {
    **{client: (place, place, place) for client, place in EVERYWHERE.items()},
    "claude-desktop": (
        ".config/Claude/claude_desktop_config.json",
        f"{MAC}/Claude/claude_desktop_config.json",
        f"{WINDOWS}/Claude/claude_desktop_config.json",
    ),
    "vscode": (".config/Code/User/mcp.json", f"{MAC}/Code/User/mcp.json", f"{WINDOWS}/Code/User/mcp.json"),
    "roo": (f".config/{ROO}", f"{MAC}/{ROO}", f"{WINDOWS}/{ROO}"),
    "zed": (".config/zed/settings.json", ".config/zed/settings.json", f"{WINDOWS}/Zed/settings.json"),
    "goose": (
        ".config/goose/config.yaml",
        ".config/goose/config.yaml",
        f"{WINDOWS}/Block/goose/config/config.yaml",
    ),
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home."""
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    for name in ("XDG_CONFIG_HOME", "APPDATA", "LOCALAPPDATA", "CLAUDE_CONFIG_DIR", "CODEX_HOME", "COPILOT_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name in ("MCP_MEND_CONFIG", "MCP_MEND_MODE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MCP_MEND_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def mend(*args: str) -> Result:
    done = CliRunner().invoke(main, args)
    assert done.exit_code == 0, done.output
    return done


def lines(client: str, file: Path) -> dict[str, list[str] | None]:
    text = file.read_bytes().decode()
    return {place.name: place.line for place in places(document(file.name, text), CLIENTS[client].keys)}


async def mended(line: list[str]) -> tuple[object, object]:
    """What a misspelled call returns through this command line, and what was done to it."""
    command = StdioServerParameters(command=line[0], args=line[1:], env=dict(os.environ))
    with anyio.fail_after(60):
        async with Client(stdio_client(command, errlog=sys.__stderr__)) as connected:
            result = await connected.call_tool("get_product", {"SKU": "can-05"})
    return result.structured_content, (result.meta or {})["mcp-mend/repair"]["repairs"][0]["op"]


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_is_installed_into_used_and_left_as_it_was(client: str, home: Path) -> None:
    row, (name, shown) = CLIENTS[client], FILES[client]
    found = files(row.places, Surroundings(sys.platform, home, os.environ))
    file = found[0] if found else home / name
    where = [] if found else ["--file", str(file)]
    shop = [sys.executable, str(SHOP), str(home / "shop.jsonl")]
    entry = {**row.entry(shop), **({"name": "shop"} if "name" in row.also else {})}
    text = added(file.name, shown, row.keys, "shop", entry, listed=of_file(row, file)).text
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode())

    assert "+" in mend("install", client, *where, "--dry-run").stdout
    assert file.read_bytes().decode() == text
    assert [one.name for one in file.parent.iterdir() if one.is_file()] == [file.name]

    before = lines(client, file)
    mend("install", client, *where, "--yes", "--no-start")
    after = lines(client, file)
    assert after.keys() == before.keys()
    for server, line in after.items():
        us = ours(line[0], line[1:]) if line else None
        assert (list(us.wrapped) if us else None) == before[server]
    line = after["shop"]
    assert line is not None
    assert line[line.index("wrap") :] == ["wrap", "--name", "shop", "--", *shop]
    if client in STARTED:
        content, op = anyio.run(mended, line)
        assert content == {"product": {"sku": "can-05", "title": "Watering can, 5 l", "price": 12.25,
                                       "department": "watering"}}  # fmt: skip
        assert op == "rename_argument"

    mend("uninstall", client, *where, "--yes")
    assert file.read_bytes().decode() == text


@pytest.mark.parametrize(("at", "platform"), list(enumerate(["linux", "darwin", "win32"])))
@pytest.mark.parametrize("client", [name for name, row in CLIENTS.items() if row.places])
def test_a_client_has_its_place_on_every_platform(client: str, platform: str, at: int) -> None:
    here = Surroundings(platform, Path("/home/me"), {})
    assert files(CLIENTS[client].places, here) == [Path("/home/me", PLACES[client][at])]
