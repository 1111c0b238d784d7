"""`install`, `uninstall` and `import` on clients' files in a home of their own."""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from proxy.cli import main
from proxy.commands.clients.places import Surroundings, files
from proxy.commands.clients.table import CLIENTS
from proxy.settings import load
from proxy.settings.selfcall import ours

FILE = '\ufeff{"theme": 1,\r\n "mcpServers": {"time": {"command": "uvx", "args": ["srv", "${KEY}"]}}}\r\n'


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home."""
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("KEY", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def cursor(home: Path) -> Path:
    """Cursor's file, with a byte order mark and line ends of Windows."""
    file = home / ".cursor" / "mcp.json"
    file.parent.mkdir()
    file.write_bytes(FILE.encode())
    return file


def mend(*args: str, answer: str = "", code: int = 0) -> Result:
    if args[0] == "install" and "--serve" not in args:
        args = (*args, "--no-start")
    done = CliRunner().invoke(main, args, input=answer)
    assert done.exit_code == code, done.output
    return done


def copies(file: Path) -> list[bytes]:
    return [copy.read_bytes() for copy in file.parent.iterdir() if "before-mcp-mend" in copy.name]


def test_installing_shows_the_change_keeps_a_copy_and_is_undone(cursor: Path) -> None:
    done = mend("install", "cursor", "--mode", "suggest", answer="y\n")
    assert '+ "mcpServers"' in done.stdout
    text = cursor.read_bytes().decode()
    assert text.startswith("\ufeff")
    assert text.count("\r\n") == 2
    entry = json.loads(text.removeprefix("\ufeff"))["mcpServers"]["time"]
    us = ours(entry["command"], entry["args"])
    assert us is not None
    assert us.wrapped == ("uvx", "srv", "${KEY}")
    assert "suggest" in entry["args"]
    assert copies(cursor) == [FILE.encode()]
    mend("uninstall", "cursor", "--yes")
    assert cursor.read_bytes() == FILE.encode()
    assert len(copies(cursor)) == 2


@pytest.mark.parametrize("args", [("--dry-run",), ()])
def test_nothing_is_changed_unless_agreed(cursor: Path, args: tuple[str, ...]) -> None:
    assert "nothing was changed" in mend("install", "cursor", *args, answer="n\n").stderr
    assert cursor.read_bytes() == FILE.encode()
    assert copies(cursor) == []


def test_one_entry_that_serves_is_added_where_there_was_no_file(home: Path) -> None:
    mend("install", "vscode", "--serve", "--yes", "--no-start")
    at = Surroundings(sys.platform, home, {"XDG_CONFIG_HOME": str(home / "config")})
    (file,) = files(CLIENTS["vscode"].places, at)
    entry = json.loads(file.read_text(encoding="utf-8"))["servers"]["mcp-mend"]
    assert entry["type"] == "stdio"
    assert ours(entry["command"], entry["args"]) is not None
    mend("uninstall", "vscode", "--yes")
    assert json.loads(file.read_text(encoding="utf-8")) == {"servers": {}}


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("install", "zed"), "Zed has no file"),
        (("install", "cursor", "--server", "nope"), "no server called nope"),
        (("install", "mcpo"), "--file names it"),
        (("install", "windsurf", "--project"), "has no file for one project"),
        (("import", "zed"), "Zed has no file"),
    ],
)
def test_what_cannot_be_done_is_refused(cursor: Path, args: tuple[str, ...], said: str) -> None:
    assert said in mend(*args, code=2).stderr


def test_a_broken_file_is_left_alone(cursor: Path) -> None:
    cursor.write_text('{\n"a": }', encoding="utf-8")
    assert f"{cursor}:2:" in mend("install", "cursor", "--yes", code=2).stderr
    assert cursor.read_text(encoding="utf-8") == '{\n"a": }'


def test_a_symbolic_link_stays_one(cursor: Path, home: Path) -> None:
    real = home / "dotfiles.json"
    cursor.rename(real)
    cursor.symlink_to(real)
    mend("install", "cursor", "--yes")
    assert cursor.is_symlink()
    assert b"wrap" in real.read_bytes()


def test_servers_are_imported_beside_those_that_are_there(cursor: Path, home: Path) -> None:
    own = home / "own.toml"
    own.write_text('[upstreams.other] # mine\ncommand = "x"', encoding="utf-8")
    mend("import", "cursor", "--to", str(own), "--yes")
    text = own.read_text(encoding="utf-8")
    assert text.startswith('[upstreams.other] # mine\ncommand = "x"\n')
    assert tomllib.loads(text)["upstreams"]["time"] == {"command": "uvx", "args": ["srv", "${KEY}"], "enabled": False}
    assert "switched off: the environment variable KEY is not set" in text
    assert list(load(own, env={}).config.upstreams) == ["other", "time"]
    again = mend("import", "cursor", "--to", str(own), "--yes")
    assert "your configuration has one" in again.stderr
    assert own.read_text(encoding="utf-8") == text


def test_servers_are_imported_into_the_users_own_file(cursor: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", "k")
    mend("import", "cursor", "--yes")
    assert load(env={"KEY": "k"}).config.upstreams["time"].args == ["srv", "k"]


BOTH = """{
  "mcpServers": {
    // the clock
    "time": {"command": "uvx", "args": ["srv"]},
    "far": {"url": "https://example.com/mcp"},
    "keyed": {"command": "uvx", "args": ["${KEY}"]}
  }
}
"""


def test_an_import_offers_to_take_out_what_the_client_then_has_twice(cursor: Path) -> None:
    cursor.write_text(BOTH, encoding="utf-8")
    first = mend("import", "cursor", "--yes").stderr
    assert "Cursor starts time, far itself; after `mcp-mend install cursor --serve`" in first
    assert cursor.read_text(encoding="utf-8") == BOTH
    mend("install", "cursor", "--serve", "--yes", "--no-start")
    served = cursor.read_bytes()
    shown = mend("import", "cursor", "--dry-run")
    assert "Cursor has these twice, by entries of their own and through mcp-mend: time, far\n" in shown.stderr
    assert '-    "time"' in shown.stdout
    assert "nothing was changed" in mend("import", "cursor", answer="n\n").stderr
    assert cursor.read_bytes() == served
    assert "taken out: time, far" in mend("import", "cursor", answer="y\n").stderr
    assert json.loads(cursor.read_text(encoding="utf-8").replace("// the clock", ""))["mcpServers"].keys() == {
        "keyed",
        "mcp-mend",
    }
    assert "twice" not in mend("import", "cursor", "--yes").stderr
    mend("uninstall", "cursor", "--yes")
    assert cursor.read_text(encoding="utf-8") == BOTH


def test_an_entry_of_another_server_and_one_that_serves_another_file_stay(cursor: Path, home: Path) -> None:
    cursor.write_text(BOTH, encoding="utf-8")
    own = home / "own.toml"
    own.write_text('[upstreams.time]\ncommand = "another"\n', encoding="utf-8")
    mend("install", "cursor", "--serve", "--yes", "--no-start")
    served = cursor.read_bytes()
    assert "Cursor starts far itself" in mend("import", "cursor", "--to", str(own), "--yes").stderr
    assert cursor.read_bytes() == served
    text = cursor.read_text(encoding="utf-8").replace('"serve"', f'"serve", "--config", "{own}"')
    cursor.write_text(text, encoding="utf-8")
    assert "taken out: far" in mend("import", "cursor", "--to", str(own), "--yes").stderr
    assert '"time"' in cursor.read_text(encoding="utf-8")


def test_an_import_does_not_hide_another_configuration(cursor: Path) -> None:
    from proxy.settings.find import config_folder

    config_folder().mkdir(parents=True)
    (config_folder() / "mcp.json").write_text("{}", encoding="utf-8")
    assert "would take its place" in mend("import", "cursor", "--yes", code=2).stderr
