"""The clients that are known, a row each; the next client is one row more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from proxy.settings.jsonc import Path as KeyPath
from proxy.settings.shapes import ANY, CMD, USUAL, WORDS, Far, Shape

NAME = "mcp-mend"
"""What a new entry is called."""


@dataclass(frozen=True)
class Client:
    """One client: its files, the keys that hold its servers, and how it writes an entry.

    `places` are a user's files, the one to be made first before any other; `project` is the file in a project's folder.
    The suffix of a file tells its format: TOML, YAML, else JSON with comments. A table of servers under the first of
    `keys` is made where there is none. A new entry is of the `shape` and says `also`; `listed` tables in YAML are lists
    of entries that name themselves. `far` is how remote servers are written.
    """

    title: str
    places: Sequence[str]
    project: str = ""
    keys: Sequence[KeyPath] = (("mcpServers",),)
    shape: Shape = USUAL
    also: Mapping[str, Any] = field(default_factory=dict[str, Any])
    listed: bool = False
    far: Far = field(default_factory=Far)

    def entry(self, line: Sequence[str]) -> dict[str, Any]:
        """A new entry that starts a command line."""
        return {**self.also, **self.shape.entry(line)}


_STORAGE = "{config}/Code/User/globalStorage"
_CODE: Mapping[str, Any] = {"type": "stdio"}

CLIENTS: dict[str, Client] = {
    "claude-desktop": Client(
        "Claude Desktop",
        (
            "{config}/Claude/claude_desktop_config.json",
            "{local}/Packages/Claude_*/LocalCache/Roaming/Claude/claude_desktop_config.json",
        ),
    ),
    "claude-code": Client(
        "Claude Code",
        ("$CLAUDE_CONFIG_DIR/.claude.json", "~/.claude.json"),
        ".mcp.json",
        keys=(("mcpServers",), ("projects", ANY, "mcpServers")),
        also=_CODE,
    ),
    "cursor": Client("Cursor", ("~/.cursor/mcp.json",), ".cursor/mcp.json"),
    "vscode": Client(
        "VS Code",
        ("{config}/Code/User/mcp.json",),
        ".vscode/mcp.json",
        keys=(("servers",), ("mcp", "servers")),
        also=_CODE,
    ),
    "windsurf": Client("Windsurf", ("~/.codeium/windsurf/mcp_config.json",), far=Far("serverUrl")),
    "lm-studio": Client("LM Studio", ("~/.lmstudio/mcp.json", "~/.cache/lm-studio/mcp.json")),
    "zed": Client(
        "Zed", ("{roaming}/Zed/settings.json", "{xdg}/zed/settings.json"), ".zed/settings.json", (("context_servers",),)
    ),
    "continue": Client(
        "Continue",
        ("~/.continue/config.yaml",),
        also={"name": NAME},
        listed=True,
        far=Far(type="streamable-http"),
    ),
    "goose": Client(
        "Goose",
        ("{roaming}/Block/goose/config/config.yaml", "{xdg}/goose/config.yaml"),
        keys=(("extensions",),),
        shape=CMD,
        also={"name": NAME, "type": "stdio", "enabled": True, "timeout": 300},
        far=Far("uri", "streamable_http"),
    ),
    "gemini": Client("Gemini CLI", ("~/.gemini/settings.json",), ".gemini/settings.json", far=Far("httpUrl")),
    "codex": Client(
        "Codex CLI", ("$CODEX_HOME/config.toml", "~/.codex/config.toml"), ".codex/config.toml", (("mcp_servers",),)
    ),
    "opencode": Client(
        "opencode",
        ("{xdg}/opencode/opencode.json", "{xdg}/opencode/opencode.jsonc"),
        "opencode.json",
        keys=(("mcp",), ("mcp", "servers")),
        shape=WORDS,
        also={"type": "local"},
        far=Far(type="remote", local="local"),
    ),
    "cline": Client(
        "Cline",
        (
            "~/.cline/data/settings/cline_mcp_settings.json",
            f"{_STORAGE}/saoudrizwan.claude-dev/settings/cline_mcp_settings.json",
        ),
    ),
    "roo": Client("Roo Code", (f"{_STORAGE}/rooveterinaryinc.roo-cline/settings/mcp_settings.json",), ".roo/mcp.json"),
    "amazon-q": Client(
        "Amazon Q Developer",
        ("~/.aws/amazonq/mcp.json", "~/.aws/amazonq/agents/default.json", "~/.aws/amazonq/cli-agents/*.json"),
        ".amazonq/mcp.json",
    ),
    "kiro": Client("Kiro", ("~/.kiro/settings/mcp.json",), ".kiro/settings/mcp.json"),
    "copilot-cli": Client(
        "GitHub Copilot CLI",
        ("$COPILOT_HOME/mcp-config.json", "~/.copilot/mcp-config.json"),
        ".github/mcp.json",
        also={"type": "local", "tools": ["*"]},
        far=Far(local="local"),
    ),
    "antigravity": Client("Antigravity", ("~/.gemini/antigravity/mcp_config.json", "~/.gemini/config/mcp_config.json")),
    "junie": Client("JetBrains Junie", ("~/.junie/mcp/mcp.json",), ".junie/mcp/mcp.json"),
    "warp": Client("Warp", ("~/.warp/.mcp.json",), ".warp/.mcp.json"),
    "mcpo": Client("mcpo (Open WebUI)", (), far=Far(type="streamable-http")),
}
"""Name on the command line to the client."""


def of_file(client: Client, path: Path) -> bool:
    """Tell whether a new entry of this client goes into a list in this file."""
    return client.listed and path.suffix.lower() in {".yaml", ".yml"}
