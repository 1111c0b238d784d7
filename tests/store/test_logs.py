"""Log lines go to stderr or a file as JSON, never to stdout, those of other libraries included."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import logging, sys, warnings, structlog
from proxy.store import configure
from proxy.store.redact import Redaction
from schemas.config import Log
configure(Log.model_validate_json(sys.argv[1]), Redaction(values=["t0ps3cret"]))
structlog.get_logger("proxy.x").info("ours", call_id="call_1", password="hunter2", url="https://t0ps3cret@x")
structlog.get_logger("proxy.x").debug("hidden")
logging.getLogger("mcp.server").info("chatter")
logging.getLogger("mcp.server").warning("theirs %s", "t0ps3cret")
warnings.warn("a warning", stacklevel=1)
try:
    1 / 0
except ZeroDivisionError:
    structlog.get_logger("proxy.x").warning("it broke", exc_info=True)
"""


def said(log: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "always", "-c", PROGRAM, json.dumps(log)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )


def test_every_line_is_json_on_stderr() -> None:
    done = said({})
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert done.stdout == ""
    assert [(line["level"], line["event"].split("\n")[0][:12]) for line in lines[:2]] == [
        ("info", "ours"),
        ("warning", "theirs [reda"),
    ]
    assert "a warning" in lines[2]["event"]
    assert "ZeroDivisionError" in lines[3]["exception"]
    assert lines[0]["password"] == "[redacted]"
    assert "t0ps3cret" not in done.stderr
    assert list(lines[0])[:3] == ["at", "level", "event"]


def test_lines_go_to_a_file_where_one_is_named(tmp_path: Path) -> None:
    file = tmp_path / "logs" / "mend.log"
    done = said({"file": str(file), "level": "warning"})
    assert (done.stdout, done.stderr) == ("", "")
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert [line["level"] for line in lines] == ["warning"] * 3
    assert file.stat().st_mode & 0o077 == 0


def test_debug_shows_what_other_libraries_say_to_themselves() -> None:
    events = [json.loads(line)["event"] for line in said({"level": "debug"}).stderr.splitlines()]
    assert {"hidden", "chatter"} <= set(events)
