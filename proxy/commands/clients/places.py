"""Where MCP clients keep their configuration, and under which key. Pure: platform, home and environment come in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Surroundings:
    """The machine as far as file places depend on it."""

    platform: str
    home: Path
    env: Mapping[str, str]

    @property
    def config(self) -> Path:
        """The folder that desktop programs keep their configuration under."""
        if self.platform == "win32":
            return Path(self.env.get("APPDATA") or self.home / "AppData" / "Roaming")
        if self.platform == "darwin":
            return self.home / "Library" / "Application Support"
        return Path(self.env.get("XDG_CONFIG_HOME") or self.home / ".config")


@dataclass(frozen=True)
class Client:
    """One client: its possible files, the likeliest first, and the key that holds its servers."""

    title: str
    places: Callable[[Surroundings], list[Path]]
    table: str = "mcpServers"


def _claude_desktop(at: Surroundings) -> list[Path]:
    usual = at.config / "Claude" / "claude_desktop_config.json"
    if at.platform != "win32":
        return [usual]
    packages = Path(at.env.get("LOCALAPPDATA") or at.home / "AppData" / "Local") / "Packages"
    packaged = "LocalCache/Roaming/Claude/claude_desktop_config.json"
    return [*sorted(packages.glob(f"Claude_*/{packaged}")), usual]


CLIENTS: dict[str, Client] = {
    "claude-desktop": Client("Claude Desktop", _claude_desktop),
    "claude-code": Client("Claude Code", lambda at: [at.home / ".claude.json"]),
    "cursor": Client("Cursor", lambda at: [at.home / ".cursor" / "mcp.json"]),
    "vscode": Client("VS Code", lambda at: [at.config / "Code" / "User" / "mcp.json"], "servers"),
    "windsurf": Client("Windsurf", lambda at: [at.home / ".codeium" / "windsurf" / "mcp_config.json"]),
    "lm-studio": Client(
        "LM Studio", lambda at: [at.home / ".lmstudio" / "mcp.json", at.home / ".cache" / "lm-studio" / "mcp.json"]
    ),
    "zed": Client("Zed", lambda at: [at.home / ".config" / "zed" / "settings.json"], "context_servers"),
    "gemini": Client("Gemini CLI", lambda at: [at.home / ".gemini" / "settings.json"]),
    "codex": Client("Codex CLI", lambda at: [at.home / ".codex" / "config.toml"], "mcp_servers"),
}
"""Name on the command line to the client."""


def place(client: Client, at: Surroundings) -> Path:
    """The client's file: the first that is there, else where it would be."""
    places = client.places(at)
    return next((one for one in places if one.is_file()), places[-1])
