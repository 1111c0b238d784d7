"""What servers say is printed as text: it clears no screen, renames no window, and turns no line around."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from proxy.cli import main
from proxy.journal.database import Database
from proxy.journal.redact import Redaction
from proxy.journal.rows import Rows
from tests.journal.records import call, run
from tests.promises import promise

pytestmark = promise("foreign-text-is-bounded")
EVIL = "ok\x1b]0;owned\x07 \x08\x08 \x9b2J \r gone \u202egnp.exe \x1b]52;c;cm0=\x07 \x00"
FORBIDDEN = ("\x1b]", "\x07", "\x08", "\x9b", "\r", "\x00", "\u202e")


@pytest.fixture(autouse=True)
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MCP_MEND_HOME", str(tmp_path))
    database = Database(tmp_path / "journal.db", 1 << 30)
    said = {"content": [{"type": "text", "text": EVIL}]}
    for record in (
        call("call_a1", tool=EVIL, server=EVIL, outcome="refused", message=EVIL, arguments={EVIL: EVIL}, reply=said),
        run("run_b2", status="failed", error_before=EVIL, error_after=EVIL),
    ):
        database.write(Rows(Redaction()).of(record))
    database.close()


@pytest.mark.parametrize("command", [["list"], ["show", "call_a1"], ["show", "run_b2"], ["diff", "run_b2"], ["stats"]])
def test_the_log_prints_no_control_codes_of_a_server(command: list[str]) -> None:
    done = CliRunner().invoke(main, ["log", *command])
    assert [code for code in FORBIDDEN if code in done.output] == []
