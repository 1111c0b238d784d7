"""The pictures in docs, and the command that records one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parents[1]
COMMAND = [sys.executable, "docs/picture.py"]
terminal = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")


def words(picture: str) -> str:
    """What a picture says; raises where it is no well-formed SVG."""
    root = ElementTree.fromstring(picture)  # noqa: S314  our own file
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    return " ".join("".join(root.itertext()).replace("\xa0", " ").split())


@pytest.mark.parametrize("file", sorted((ROOT / "docs").glob("*.svg")), ids=lambda file: file.name)
def test_a_picture_is_well_formed_and_loads_nothing_else(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert words(text)
    assert "https://" not in text.replace("https://mcp", "")
    assert "<script" not in text


def test_the_page_shows_pictures_that_are_there() -> None:
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in ("docs/what-it-is.svg", "docs/demo.svg"):
        assert f"({name})" in page
        assert (ROOT / name).is_file()


def test_the_recorded_demo_is_a_repaired_run() -> None:
    said = words((ROOT / "docs" / "demo.svg").read_text(encoding="utf-8"))
    assert "mcp-mend demo" in said
    assert "repaired: Every step succeeded." in said


@terminal
def test_what_a_command_prints_becomes_a_picture(tmp_path: Path) -> None:
    file = tmp_path / "help.svg"
    subprocess.run([*COMMAND, str(file), "log", "--help"], cwd=ROOT, check=True, timeout=60)
    said = words(file.read_text(encoding="utf-8"))
    assert "mcp-mend log --help" in said
    assert "Usage: mcp-mend log" in said


@terminal
def test_a_command_that_fails_leaves_no_picture(tmp_path: Path) -> None:
    file = tmp_path / "none.svg"
    done = subprocess.run([*COMMAND, str(file), "nonsense"], cwd=ROOT, capture_output=True, timeout=60, check=False)
    assert done.returncode != 0
    assert not file.exists()


@terminal
@pytest.mark.network
def test_the_demo_is_recorded(tmp_path: Path) -> None:
    file = tmp_path / "demo.svg"
    subprocess.run([*COMMAND, str(file), "demo"], cwd=ROOT, check=True, timeout=240)
    said = words(file.read_text(encoding="utf-8"))
    assert "repaired: Every step succeeded." in said
    assert "mass_converter" in said
