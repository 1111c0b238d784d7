"""What the command line accepts, refuses and says, up to where a command starts to work."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from proxy.cli import COMMANDS, main
from proxy.commands.serve import _address

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, so that no configuration of this machine is read."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("MCP_MEND_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("MCP_MEND_CONFIG", raising=False)
    monkeypatch.delenv("MCP_MEND_MODE", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(*args: str) -> str:
    """What is said on stderr by a command line that exits with 2 and prints nothing."""
    done = CliRunner().invoke(main, args)
    assert (done.exit_code, done.stdout) == (2, ""), done.output
    return done.stderr


@pytest.mark.usefixtures("uncounted")
def test_help_imports_none_of_the_commands() -> None:
    program = (
        "import sys; from proxy.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'mcp', 'pydantic', 'anyio', 'structlog', 'sqlite3'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert all(name in done.stdout for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself_with_an_example(name: str) -> None:
    done = CliRunner().invoke(main, [name, "--help"])
    assert done.exit_code == 0, done.output
    assert f"mcp-mend {name}" in done.output.replace("Usage: main", "")


def test_every_log_command_explains_itself_with_an_example() -> None:
    group = main.get_command(click.Context(main), "log")
    assert isinstance(group, click.Group)
    assert list(group.commands) == "list show diff watch replay export stats path prune".split()
    for name in group.commands:
        assert f"mcp-mend log {name}" in CliRunner().invoke(main, ["log", name, "--help"]).output.split("\n", 2)[2]


def test_options_without_a_command_belong_to_serve() -> None:
    assert "there is no file" in refused("--config", "nope.toml")
    assert CliRunner().invoke(main, ["--version"]).output.startswith("mcp-mend ")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["sevre"], "No such command 'sevre'; did you mean serve"),
        (["install", "cursr"], "'cursr' is not known; did you mean cursor"),
        (["install", "xyz"], "'xyz' is not known; there are: claude-desktop, "),
        (["log", "wtach"], "did you mean watch?"),
        (["model", "lst"], "did you mean list?"),
        (["tools", "cal"], "did you mean call?"),
        (["xyzzy"], "there are: serve, wrap,"),
        (["doctor", "--confg", "x"], "--config"),
        (["--confg", "x"], "--config"),
    ],
)
def test_a_mistyped_name_is_refused_with_the_nearest(args: list[str], said: str) -> None:
    assert said in refused(*args)


@pytest.mark.parametrize("args", [["run", "plan.json"], ["tools", "list"], ["tools", "call", "x"]])
def test_where_nothing_is_configured_the_next_steps_are_named(args: list[str], alone: Path) -> None:
    (alone / "plan.json").write_text("{}", encoding="utf-8")
    said = refused(*args)
    assert "no server is configured" in said
    assert "mcp-mend import" in said
    assert "mcp-mend install" in said


def bare(on_a_terminal: bool) -> subprocess.CompletedProcess[str]:
    """A bare `mcp-mend` that is asked nothing, on a terminal or by a client's pipe."""
    ours, theirs = pty.openpty() if on_a_terminal else os.pipe()[::-1]
    os.close(ours) if not on_a_terminal else None
    line = [sys.executable, "-c", "from proxy.cli import main; main()"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    try:
        return subprocess.run(line, env=env, stdin=theirs, capture_output=True, text=True, timeout=60, check=False)
    finally:
        os.close(theirs)
        if on_a_terminal:
            os.close(ours)


def test_a_bare_start_on_a_terminal_names_the_next_steps_and_serves_a_client() -> None:
    done = bare(True)
    assert done.returncode == 2
    assert "mcp-mend install" in done.stderr
    assert bare(False).returncode == 0


@pytest.mark.parametrize("command", ["serve", "wrap"])
def test_a_broken_configuration_is_explained_line_by_line(command: str, alone: Path) -> None:
    (alone / "bad.toml").write_text('[repair]\nmod = 1\n[log]\nlevel = "loud"\n', encoding="utf-8")
    assert refused(command, "--config", "bad.toml").splitlines() == [
        "mcp-mend: bad.toml:2: repair.mod: unknown key; did you mean mode?",
        "mcp-mend: bad.toml:4: log.level: write one of 'debug', 'info', 'warning' or 'error', not 'loud'",
    ]


def test_serve_and_wrap_leave_a_project_s_own_file_alone(alone: Path) -> None:
    (alone / "proxy.toml").write_text("broken = = 1", encoding="utf-8")
    assert "say what to wrap" in refused("wrap")


def test_a_log_file_that_cannot_be_opened_is_refused(alone: Path) -> None:
    (alone / "c.toml").write_text(f'[log]\nfile = "{alone.as_posix()}"', encoding="utf-8")
    assert "log.file" in refused("serve", "-c", "c.toml")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["wrap"], "say what to wrap"),
        (["wrap", "--name", "x"], "no such upstream"),
        (["wrap", "--url", "https://x", "--", "cmd"], "either a command or --url"),
        (["wrap", "--", "mcp-mend", "serve"], "starts mcp-mend itself"),
        (["wrap", "--url", "https://x", "--header", "no colon"], "NAME: VALUE"),
        (["wrap", "--url", "https://x", "--header", "A: ${NOT_SET_ANYWHERE}"], "NOT_SET_ANYWHERE is not set"),
        (["serve", "--mode", "loud"], "'loud' is not one of"),
        (["serve", "--http", "here"], "write HOST:PORT"),
    ],
)
def test_what_cannot_work_is_refused_with_what_to_write(args: list[str], said: str) -> None:
    assert said in refused(*args)


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("127.0.0.1:8765", ("127.0.0.1", 8765)),
        (":80", ("127.0.0.1", 80)),
        ("8765", ("127.0.0.1", 8765)),
        ("[::1]:1", ("::1", 1)),
        ("host.name:0", ("host.name", 0)),
    ],
)
def test_an_address_is_read(written: str, address: tuple[str, int]) -> None:
    assert _address(written) == address


def test_serving_nothing_under_a_client_is_told_in_the_log() -> None:
    """A client's log is where its user looks."""
    done = subprocess.run(
        [sys.executable, "-m", "proxy.cli"], input="", cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")
    (line,) = [line for line in done.stderr.splitlines() if "no server is configured" in line]
    assert "mcp-mend import CLIENT" in line
    assert "mcp-mend install CLIENT" in line


def test_effects_of_no_server_says_what_to_do() -> None:
    assert "no server is configured" in refused("effects")
