"""Programs that are fetched from a registry for a test; where none can be reached, the test is skipped."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

OUT_OF_REACH = re.compile(
    r"ECONNREFUSED|ECONNRESET|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ENETUNREACH|dns error|error sending request"
    r"|client error \(Connect\)|network was disabled"
)
"""What npm and uv say of a registry that is not there; what it refuses is no reason to skip."""
SECONDS = 300


def node_packages(folder: Path, package: str) -> str:
    """Put an npm package below this folder, where it is not there yet; the program that runs scripts beside it."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("node or npm is not there")
    if not (folder / "node_modules" / ".package-lock.json").exists():
        fetch(
            package, [npm, "install", "--prefix", str(folder), "--no-audit", "--no-fund", "--ignore-scripts", package]
        )
    return node


def python_packages(*packages: str) -> list[str]:
    """The words before a script that run it in an environment of its own with these packages."""
    uv = shutil.which("uv")
    if uv is None:
        pytest.skip("uv is not there")
    wanted = [word for package in packages for word in ("--with", package)]
    line = [uv, "run", "--quiet", "--isolated", "--no-project", "--python", sys.executable, *wanted, "python"]
    fetch(", ".join(packages), [*line, "-c", ""])
    return line


def fetch(what: str, line: Sequence[str]) -> None:
    """Run a command that fetches; skip the test where there is no network, fail where anything else is wrong."""
    done = subprocess.run(line, capture_output=True, text=True, timeout=SECONDS, check=False)
    if done.returncode and OUT_OF_REACH.search(done.stderr):
        pytest.skip(f"{what} cannot be fetched: its registry is out of reach")
    assert done.returncode == 0, done.stderr
