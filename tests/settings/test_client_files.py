"""Files as the documentation of each client shows them: wrapped, and given back to the byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.commands.clients.table import CLIENTS, NAME
from proxy.settings.documents import document
from proxy.settings.rewrite import added, unwrapped, wrapped
from proxy.settings.selfcall import ours
from proxy.settings.shapes import places

US = ["uvx", "--from", "/src/mcp-mend", "mcp-mend"]

_PLAIN = """{
  "mcpServers": {
    "memory": {
      "command": "npx",
      "args": ["-y", "@modelcontextprotocol/server-memory"],
      "env": {"KEY": "value"}
    },
    "bare": {"command": "some-server"},
    "none": {"command": "other", "args": []}
  }
}
"""

FILES: dict[str, tuple[str, str]] = {
    "claude-desktop": (
        "claude_desktop_config.json",
        """{
  "mcpServers": {
    "filesystem": {
      "command": "npx",
      "args": [
        "-y",
        "@modelcontextprotocol/server-filesystem",
        "/Users/username/Desktop",
        "/Users/username/Downloads"
      ]
    }
  }
}
""",
    ),
    "claude-code": (
        ".claude.json",
        """{
  "numStartups": 34,
  "projects": {
    "/path/to/your/project": {
      "allowedTools": [],
      "mcpServers": {
        "chrome-devtools": {
          "type": "stdio",
          "command": "npx",
          "args": ["chrome-devtools-mcp@latest"],
          "env": {}
        }
      }
    }
  },
  "mcpServers": {
    "server-name": {
      "type": "stdio",
      "command": "command-to-run",
      "args": ["arg1", "arg2"],
      "env": {}
    },
    "remote": {"type": "http", "url": "https://example.com/mcp"}
  }
}
""",
    ),
    "cursor": ("mcp.json", _PLAIN),
    "vscode": (
        "mcp.json",
        """{
	// servers of this profile
	"servers": {
		"memory": {
			"type": "stdio",
			"command": "npx",
			"args": ["-y", "@modelcontextprotocol/server-memory"],
			"env": { "KEY": "${input:key}" },
		},
		"github": { "type": "http", "url": "https://api.example.com/mcp" },
	},
	"inputs": [{ "type": "promptString", "id": "key", "description": "Key", "password": true }],
}
""",
    ),
    "windsurf": (
        "mcp_config.json",
        """{
  "mcpServers": {
    "github": {
      "command": "docker",
      "args": ["run", "-i", "--rm", "-e", "TOKEN", "ghcr.io/github/github-mcp-server"],
      "env": { "TOKEN": "your_token" }
    },
    "zapier": { "serverUrl": "https://example.com/sse" }
  }
}
""",
    ),
    "lm-studio": ("mcp.json", _PLAIN),
    "zed": (
        "settings.json",
        """// Zed settings
{
  "theme": "One Dark",
  "context_servers": {
    "local-mcp-server": {
      "command": "some-command",
      "args": ["arg-1", "arg-2"], // two
      "env": {}
    },
    "older": {
      "source": "custom",
      "command": {
        "path": "some-command",
        "args": [
          // the first
          "arg-1"
        ],
        "env": {}
      }
    },
    "remote-mcp-server": {
      "url": "https://example.com/mcp",
      "headers": { "Authorization": "Bearer <token>" }
    }
  }
}
""",
    ),
    "continue": (
        "config.yaml",
        """name: My config
version: 0.0.1
schema: v1
mcpServers:
  - name: Browser search
    command: npx
    args:
      - "@playwright/mcp@latest"
      # without a window
      - --headless
  - name: sqlite   # a small one
    type: stdio
    command: 'uvx'
    args: [mcp-server-sqlite, "--db-path", test.db]
  - name: Bare
    command: some-server
  - name: Remote
    type: streamable-http
    url: https://example.com/mcp
models:
  - &defaults
    provider: openai
    apiKey: my-api-key
  - <<: *defaults
    name: second
""",
    ),
    "goose": (
        "config.yaml",
        """GOOSE_PROVIDER: "anthropic"

extensions:
  developer:
    bundled: true
    enabled: true
    name: developer
    timeout: 300
    type: builtin
  github:
    name: GitHub
    cmd: npx
    args: [-y, "@modelcontextprotocol/server-github"]
    enabled: true
    envs: { "GITHUB_PERSONAL_ACCESS_TOKEN": "<YOUR_TOKEN>" }
    type: stdio
    timeout: 300
""",
    ),
    "gemini": (
        "settings.json",
        """{
  "theme": "Dracula",
  "mcpServers": {
    "serverName": {
      "command": "path/to/server",
      "args": ["--arg1", "value1"],
      "env": {
        "API_KEY": "$MY_API_TOKEN"
      },
      "cwd": "./server-directory",
      "timeout": 30000,
      "trust": false
    },
    "github": { "httpUrl": "https://example.com/mcp/", "timeout": 5000 }
  }
}
""",
    ),
    "codex": (
        "config.toml",
        """model = "some-model" # as ever

[mcp_servers.docs]
command = "npx"
# Optional
args = [
  "-y", # yes
  "mcp-server",
]
env = { "API_KEY" = "value" }

[mcp_servers.bare]
command = 'C:\\bin\\server.exe'

[mcp_servers.bare.env]
KEY = "value"

[mcp_servers.none]
command = "server"
args = []

[mcp_servers.remote]
url = "https://example.com/mcp"
bearer_token_env_var = "TOKEN"
""",
    ),
    "opencode": (
        "opencode.json",
        """{
  "$schema": "https://opencode.ai/config.json",
  "mcp": {
    "my-local-mcp-server": {
      "type": "local",
      "command": ["bun", "x", "my-mcp-command"],
      "enabled": true,
      "environment": {
        "MY_ENV_VAR": "my_env_var_value"
      }
    },
    "my-remote-mcp": {"type": "remote", "url": "https://example.com", "enabled": true}
  }
}
""",
    ),
    "cline": (
        "cline_mcp_settings.json",
        """{
  "mcpServers": {
    "local-server": {
      "command": "node",
      "args": ["/path/to/server.js"],
      "env": {"API_KEY": "your_api_key"},
      "alwaysAllow": ["tool1", "tool2"],
      "disabled": false
    }
  }
}""",
    ),
    "roo": (
        "mcp_settings.json",
        '{"mcpServers":{"server1":{"command":"python","args":["/path/to/server.py"],"alwaysAllow":["tool1"]}}}',
    ),
    "amazon-q": ("mcp.json", _PLAIN.replace("\n", "\r\n")),
    "kiro": (
        "mcp.json",
        """{
  "mcpServers": {
    "local-server-name": {
      "command": "command-to-run-server",
      "args": ["arg1", "arg2"],
      "env": { "ENV_VAR2": "${EXPANDED_VARIABLE}" },
      "disabled": false,
      "autoApprove": ["tool_name1", "tool_name2"],
      "disabledTools": ["tool_name3"]
    },
    "remote-server-name": { "url": "https://endpoint.to.connect.to" }
  }
}
""",
    ),
    "copilot-cli": (
        "mcp-config.json",
        '{"mcpServers": {\n  "play": {"type": "local", "command": "npx", "args": ["p@latest"], "tools": ["*"]}\n}}\n',
    ),
    "antigravity": ("mcp_config.json", _PLAIN),
    "junie": ("mcp.json", _PLAIN),
    "warp": (
        ".mcp.json",
        """{
  "mcpServers": {
    "stadiamaps": {
      "command": "/path/to/node",
      "args": [
        "/path/to/index.js"
      ],
      "env": {"API_KEY": "YOUR-API-KEY"},
      "working_directory": null
    }
  }
}
""",
    ),
    "mcpo": (
        "config.json",
        """{
  "mcpServers": {
    "time": {
      "command": "uvx",
      "args": ["mcp-server-time", "--local-timezone=America/New_York"],
      "disabledTools": ["convert_time"] // Disable specific tools if needed
    },
    "mcp_streamable_http": {
      "type": "streamable-http",
      "url": "http://127.0.0.1:8002/mcp"
    } // Streamable HTTP MCP Server
  }
}
""",
    ),
}

NESTED = """{
  "mcp": {
    "servers": {
      "my-server": {
        "type": "local",
        "command": ["npx", "-y", "example-mcp-server"],
      },
    },
  },
}
"""

DOTTED = """mcp_servers.docs.command = "npx"
mcp_servers.docs.env.KEY = "value"
mcp_servers.none = { command = "server" }
"""

SPACED = """extensions:
    it's:
        cmd: C:\\Program Files\\server (1).exe # there
        args:
        -   --flag
        -   "x"
"""

CASES = [
    *((client, *file) for client, file in FILES.items()),
    ("opencode", "opencode.jsonc", NESTED),
    ("codex", "config.toml", DOTTED),
    ("goose", "config.yaml", SPACED),
]


def lines(client: str, name: str, text: str) -> dict[str, list[str] | None]:
    return {place.name: place.line for place in places(document(name, text), CLIENTS[client].keys)}


def test_there_is_a_file_of_every_client() -> None:
    assert list(FILES) == list(CLIENTS)


@pytest.mark.parametrize(("client", "name", "text"), CASES)
def test_what_is_wrapped_comes_back_to_the_byte(client: str, name: str, text: str) -> None:
    keys = CLIENTS[client].keys
    before = lines(client, name, text)
    there = wrapped(name, text, keys, US)
    local = {entry for entry, line in before.items() if line}
    assert set(there.changed) == local
    assert local
    for entry, line in lines(client, name, there.text).items():
        us = ours(line[0], line[1:]) if line else None
        assert (list(us.wrapped) if us else line) == before[entry]
    assert wrapped(name, there.text, keys, US).changed == ()
    assert unwrapped(name, there.text, keys).text == text


@pytest.mark.parametrize(("client", "name", "text"), CASES)
def test_an_entry_that_serves_comes_and_goes_to_the_byte(client: str, name: str, text: str) -> None:
    row = CLIENTS[client]
    done = added(name, text, row.keys, NAME, row.entry([*US, "serve"]))
    assert lines(client, name, done.text) == {**lines(client, name, text), NAME: [*US, "serve"]}
    assert added(name, done.text, row.keys, NAME, {}).changed == ()
    assert unwrapped(name, done.text, row.keys).text == text


@pytest.mark.parametrize(("client", "name", "text"), CASES)
def test_remote_servers_are_wrapped_where_that_is_asked_for(client: str, name: str, text: str) -> None:
    row = CLIENTS[client]
    there = wrapped(name, text, row.keys, US, far=(row.far, row.shape))
    for place in places(document(name, text), row.keys):
        if place.address and not place.entry.keys() & {"headers", "bearer_token_env_var"}:
            line = lines(client, name, there.text)[place.name]
            us = ours(line[0], line[1:]) if line else None
            assert us is not None
            assert us.url == place.entry[place.address]
    back = unwrapped(name, there.text, row.keys, row.far).text
    assert document(name, back).value == document(name, text).value


@pytest.mark.parametrize("client", CLIENTS)
def test_a_file_is_made_where_there_is_none(client: str) -> None:
    row, name = CLIENTS[client], FILES[client][0]
    done = added(name, "", row.keys, NAME, row.entry([*US, "serve"]), listed=row.listed)
    assert lines(client, name, done.text) == {NAME: [*US, "serve"]}
    assert unwrapped(name, done.text, row.keys).changed == (NAME,)


@pytest.mark.parametrize(("client", "name", "text"), CASES)
def test_what_else_was_changed_meanwhile_stays(client: str, name: str, text: str) -> None:
    keys = CLIENTS[client].keys
    there = wrapped(name, text, keys, US).text
    remark = "# later\n" if name.endswith((".toml", ".yaml")) else "// later\n"
    assert unwrapped(name, remark + there, keys).text == remark + text


def test_the_documentation_says_where_every_client_is() -> None:
    told = (Path(__file__).parents[2] / "docs" / "clients.md").read_text(encoding="utf-8").replace("\\", "/")
    rows = {line.split("`")[1]: line for line in told.splitlines() if line.startswith("| `")}
    assert list(rows) == list(CLIENTS)
    for client, row in CLIENTS.items():
        for place in filter(None, (*row.places, row.project)):
            assert Path(place).name in rows[client]
            assert Path(place).parent.name.strip("~{}") in rows[client]
