"""Each way to install the wheel: the program starts, repairs a call, and writes itself into a client's file."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from proxy.commands.clients.origin import NAME

from .conftest import ROOT, Place, is_repaired


@dataclass(frozen=True)
class Installed:
    """How the installed program is started, how its Python is, and what `install` has to write."""

    program: list[str]
    python: list[str]
    origin: list[str]


def by_uvx(place: Place, wheel: Path) -> Installed:
    own = Path(shutil.copy(wheel, place.folder))
    line = ["uvx", "--from", str(own)]
    return Installed([*line, NAME], [*line, "python"], [*line, NAME])


def by_uv_tool(place: Place, wheel: Path) -> Installed:
    place.run("uv", "tool", "install", "--quiet", wheel)
    return _linked(place, place.folder / "tools" / NAME)


def by_pipx(place: Place, wheel: Path) -> Installed:
    place.run("uvx", "pipx", "install", "--python", sys.executable, wheel)
    return _linked(place, place.folder / "pipx" / "venvs" / NAME)


def by_pip(place: Place, wheel: Path) -> Installed:
    place.run("uv", "venv", "--quiet", "--seed", "venv")
    scripts = place.folder / "venv" / "bin"
    place.run(scripts / "python", "-m", "pip", "install", "--quiet", wheel)
    return Installed([str(scripts / NAME)], [str(scripts / "python")], [str(scripts / NAME)])


def _linked(place: Place, environment: Path) -> Installed:
    scripts = environment / "bin"
    return Installed([str(place.folder / "bin" / NAME)], [str(scripts / "python")], [str(scripts / NAME)])


@pytest.mark.parametrize("way", [by_uvx, by_uv_tool, by_pipx, by_pip], ids=lambda way: way.__name__)
def test_an_installed_wheel_repairs_a_call_by_the_command_that_it_writes(
    way: Callable[[Place, Path], Installed], place: Place, wheel: Path
) -> None:
    installed = way(place, wheel)
    version = wheel.name.split("-")[1]
    assert place.run(*installed.program, "--version").stdout == f"{NAME} {version}\n"

    look = "import importlib.util as u, proxy; print(u.find_spec('llama_cpp') is None, proxy.__file__)"
    bare, where = place.run(*installed.python, "-c", look).stdout.split()
    assert bare == "True"
    assert not Path(where).is_relative_to(ROOT)

    file = place.folder / "mcp.json"
    file.write_text(json.dumps({"mcpServers": {"shop": place.shop}}))
    said = place.run(*installed.program, "install", "cursor", "--file", file, "--yes").stderr
    assert "shop: started, 8 tools" in said
    entry = json.loads(file.read_text())["mcpServers"]["shop"]
    line = [entry["command"], *entry["args"]]
    shop = [place.shop["command"], *place.shop["args"]]
    assert line == [*installed.origin, "wrap", "--name", "shop", "--", *shop]
    assert is_repaired(place.ask(line))


def test_uvx_from_a_checkout_follows_its_commits(place: Place) -> None:
    checkout = place.folder / "checkout"
    place.run("git", "clone", "--quiet", ROOT, checkout)
    line = ["uvx", "--from", str(checkout), "python", "-c"]
    place.run(*line, "import proxy")
    (checkout / "proxy" / "later.py").write_text("")
    own = ["git", "-C", str(checkout), "-c", "user.name=a", "-c", "user.email=a@example.com"]
    place.run(*own, "add", ".")
    place.run(*own, "commit", "--quiet", "-m", "Add a module")
    place.run(*line, "import proxy.later")
