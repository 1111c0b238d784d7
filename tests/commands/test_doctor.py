"""`doctor` on servers that work, that do not, and that are switched off."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
ECHO = {"command": sys.executable, "args": [str(ROOT / "tests" / "servers" / "echo.py"), "--tools", "3"]}
ODD = """
import json, sys
TOOLS = [{"name": "bad", "inputSchema": {"type": "object", "properties": {"n": {"type": "integre"}}}}, {"name": "none"}]
for line in sys.stdin:
    asked = json.loads(line)
    if asked.get("method") == "initialize":
        result = {"protocolVersion": asked["params"]["protocolVersion"], "capabilities": {"tools": {}},
                  "serverInfo": {"name": "odd", "version": "1"}}
    elif asked.get("method") == "tools/list":
        result = {"tools": TOOLS}
    else:
        continue
    print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}), flush=True)
"""
DIES = {"command": sys.executable, "args": ["-c", "import sys; sys.exit('dead on arrival')"]}


def ran(folder: Path, *args: str, **env: str) -> subprocess.CompletedProcess[str]:
    """A run of `doctor` in a folder that is also home."""
    line = [sys.executable, "-c", "from proxy.cli import main; main()", "doctor", *args]
    given = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "HOME": str(folder), "MCP_MEND_HOME": str(folder / "s")}
    return subprocess.run(
        line, cwd=folder, env={**given, **env}, capture_output=True, text=True, timeout=120, check=False
    )


def doctor(folder: Path, servers: dict[str, Any], **env: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """Exit status and findings of a run with these servers in a client's file, without a planner."""
    file = {"mcpServers": servers, "mcp-mend": {"planner": {"backend": "none"}}}
    (folder / "client.json").write_text(json.dumps(file), encoding="utf-8")
    done = ran(folder, "--json", "-c", "client.json", **env)
    assert done.stderr == ""
    findings = [json.loads(found) for found in done.stdout.splitlines()]
    return done.returncode, {finding["about"]: finding for finding in findings}


def test_each_server_is_started_and_judged_alone(tmp_path: Path) -> None:
    servers = {
        "echo": ECHO,
        "dies": DIES,
        "gone": {"command": "no-such-program"},
        "off": {"url": "x", "disabled": True},
    }
    status, found = doctor(tmp_path, servers)
    assert status == 1
    assert {name: found[name]["ok"] for name in servers} == {"echo": True, "dies": False, "gone": False, "off": None}
    assert found["echo"]["said"].startswith("3 tools, protocol ")
    assert "dead on arrival" in found["dies"]["lines"]
    assert "no-such-program" in found["gone"]["said"]
    assert found["journal"]["ok"]


def test_all_is_well_where_every_server_works(tmp_path: Path) -> None:
    status, found = doctor(tmp_path, {"echo": ECHO, "us": {"command": "mcp-mend"}})
    assert status == 0
    assert found["configuration"]["lines"] == ["passed over: us starts mcp-mend itself"]
    assert found["planner"]["ok"] is None
    assert "switches it on" in found["planner"]["remedy"]


def test_what_can_be_done_is_said_of_each_failure(tmp_path: Path) -> None:
    def says(line: str) -> dict[str, Any]:
        return {"command": sys.executable, "args": ["-c", f"import sys; sys.exit({line!r})"]}

    servers = {
        "gone": {"command": "no-such-program"},
        "lacks": says("TIDE_KEY is not set"),
        "kept": says("missing TIDE_USER"),
        "web": {"url": "http://127.0.0.1:9/mcp"},
        "slow": {"command": "sleep", "args": ["60"], "startup_timeout_sec": 0.2, "env": {"A": "${TIDE_USER}"}},
    }
    status, found = doctor(tmp_path, servers, TIDE_USER="x")
    assert status == 1
    remedies = {name: found[name]["remedy"] for name in servers}
    assert remedies["gone"].startswith("install it, or write its full path in upstreams.gone.command")
    assert remedies["lacks"] == "it wants TIDE_KEY: write it in upstreams.lacks.env"
    assert remedies["kept"].startswith("TIDE_USER is kept from it")
    assert "upstreams.web.url" in remedies["web"]
    assert "upstreams.slow.start_timeout" in remedies["slow"]


def test_invalid_schemas_are_noted(tmp_path: Path) -> None:
    (tmp_path / "odd.py").write_text(ODD, encoding="utf-8")
    status, found = doctor(tmp_path, {"odd": {"command": sys.executable, "args": ["odd.py"]}})
    assert status == 0
    assert found["odd"]["lines"][:2] == [
        "bad: invalid inputSchema at properties/n/type: 'integre' is not valid under any of the given schemas",
        'none: its inputSchema is no {"type": "object", ...}',
    ]
    assert "upstreams.odd.tools.exclude" in found["odd"]["remedy"]


def test_the_planner_is_asked_and_its_file_opened(tmp_path: Path) -> None:
    (tmp_path / "no.gguf").write_text("a text", encoding="utf-8")
    (tmp_path / "c.toml").write_text('[planner]\nbackend = "local"\nmodel = "no.gguf"\n', encoding="utf-8")
    done = ran(tmp_path, "--json", "-c", "c.toml")
    assert done.returncode == 1
    assert "no.gguf is no GGUF file" in done.stdout


def test_a_planner_that_does_not_answer_says_why(tmp_path: Path) -> None:
    text = '[planner]\nbackend = "openai"\nbase_url = "http://127.0.0.1:9/v1"\n'
    (tmp_path / "c.toml").write_text(text, encoding="utf-8")
    done = ran(tmp_path, "--json", "-c", "c.toml")
    planner = next(found for found in map(json.loads, done.stdout.splitlines()) if found["about"] == "planner")
    assert (done.returncode, planner["ok"]) == (1, False)
    assert "ConnectError" in planner["lines"][0]


def test_one_table_says_it_all_and_no_line_of_json_stands_between(tmp_path: Path) -> None:
    file = {"mcpServers": {"gone": {"command": "nope"}}, "mcp-mend": {"planner": {"backend": "none"}}}
    (tmp_path / "client.json").write_text(json.dumps(file), encoding="utf-8")
    done = ran(tmp_path, "-c", "client.json", COLUMNS="100")
    assert (done.returncode, done.stderr) == (1, "")
    assert "{" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 100
    assert done.stdout.split()[:4] == ["WHAT", "FOUND", "WHAT", "TO"]


def test_a_broken_configuration_is_a_finding_with_every_fault(tmp_path: Path) -> None:
    text = '[upstreams.a]\ncommand = "x"\nargs = ["${NOPE}"]\n[log]\nlevel = "loud"\n'
    (tmp_path / "c.toml").write_text(text, encoding="utf-8")
    done = ran(tmp_path, "--json", "-c", "c.toml")
    found = json.loads(done.stdout.splitlines()[0])
    assert (done.returncode, found["ok"], len(found["lines"])) == (1, False, 2)


def test_without_a_configuration_the_next_steps_are_named(tmp_path: Path) -> None:
    done = ran(tmp_path, "--json")
    found = json.loads(done.stdout.splitlines()[0])
    assert "mcp-mend import" in found["remedy"]
    assert "mcp-mend install" in found["remedy"]
