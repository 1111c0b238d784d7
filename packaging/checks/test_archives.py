"""What wheel and source archive hold."""

from __future__ import annotations

import subprocess
import tarfile
import zipfile
from email import message_from_string
from pathlib import Path

from .conftest import ROOT

PACKAGES = ("proxy", "schemas", "catalog_cache")


def tracked(*folders: str) -> set[str]:
    """Files of the repository below these folders."""
    line = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard", *folders]
    return set(subprocess.run(line, capture_output=True, text=True, check=True, timeout=60).stdout.splitlines())


def members(sdist: Path) -> set[str]:
    with tarfile.open(sdist) as archive:
        return {name.partition("/")[2] for name in archive.getnames()}


def test_the_wheel_holds_the_three_packages_whole_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == tracked(*PACKAGES)
    assert {f"{package}/py.typed" for package in PACKAGES} <= names
    assert {f"schemas/{name}.schema.json" for name in ("config", "plan", "report")} <= names


def test_the_wheel_says_its_licence_and_the_name_that_the_registry_looks_for(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        said = message_from_string(archive.read(metadata).decode())
        assert any(name.endswith(".dist-info/licenses/LICENSE") for name in archive.namelist())
    assert said["License-Expression"] == "Apache-2.0"
    assert "mcp-name: io.github.mcp-mend/mcp-mend" in str(said.get_payload())


def test_the_source_archive_holds_what_is_needed_to_test_and_build_and_no_evals(sdist: Path) -> None:
    names = members(sdist)
    assert tracked(*PACKAGES, "tests", "docs", "packaging") <= names
    assert {"pyproject.toml", "proxy.toml", "README.md", "CHANGELOG.md", "LICENSE", "uv.lock", "Dockerfile"} <= names
    assert not {name for name in names if name.startswith("evals") or "__pycache__" in name or name.endswith(".pyc")}
    assert names <= tracked() | {"PKG-INFO"} | {str(Path(name).parent) for name in names}


def test_a_wheel_built_from_the_source_archive_is_the_same(sdist: Path, wheel: Path, tmp_path: Path) -> None:
    subprocess.run(["uv", "build", "-q", "--wheel", "--out-dir", str(tmp_path), str(sdist)], check=True, timeout=300)
    assert (tmp_path / wheel.name).read_bytes() == wheel.read_bytes()
