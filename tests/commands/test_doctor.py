"""`doctor` on servers that work, that do not, and that are switched off."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
ECHO = {"command": sys.executable, "args": [str(ROOT / "tests" / "servers" / "echo.py"), "--tools", "3"]}
DIES = {"command": sys.executable, "args": ["-c", "import sys; sys.exit('dead on arrival')"]}


def doctor(folder: Path, servers: dict[str, Any]) -> tuple[int, dict[str, dict[str, Any]]]:
    """Exit status and findings of a run with these servers in a client's file."""
    (folder / "client.json").write_text(json.dumps({"mcpServers": servers}), encoding="utf-8")
    line = [sys.executable, "-c", "from proxy.cli import main; main()", "doctor", "--json", "-c", "client.json"]
    done = subprocess.run(
        line,
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "HOME": str(folder), "MCP_MEND_HOME": str(folder / "s")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
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
