"""The MCP bundle, packed by the official program, unpacked and started as a client does."""

from __future__ import annotations

import json
import shutil
import subprocess
import tomllib
import zipfile
from collections.abc import Mapping
from typing import Any

import pytest

from .conftest import ROOT, Place, is_repaired


def filled(value: Any, variables: Mapping[str, str]) -> Any:
    """Put a client's values in the place of a manifest's variables."""
    if isinstance(value, dict):
        return {key: filled(each, variables) for key, each in value.items()}
    if isinstance(value, list):
        return [filled(each, variables) for each in value]
    for name, known in variables.items():
        value = value.replace(f"${{{name}}}", known)
    assert "${" not in value, f"no client knows the variable in {value}"
    return value


def test_the_packed_bundle_starts_by_its_manifest_and_repairs_a_call(place: Place) -> None:
    if shutil.which("npx") is None:
        pytest.skip("npx is not there to pack the bundle with")
    packed, home = place.folder / "mcp-mend.mcpb", place.folder / "extension"
    subprocess.run([str(ROOT / ".ci" / "mcpb"), str(packed)], check=True, timeout=300)
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(home)
    manifest = json.loads((home / "manifest.json").read_text())
    assert (home / manifest["server"]["entry_point"]).is_file()

    place.run("uv", "sync", "--quiet", "--project", home)
    locked = {(each["name"], each["version"]) for each in tomllib.loads((ROOT / "uv.lock").read_text())["package"]}
    listed = json.loads(place.run("uv", "pip", "list", "--format", "json", "--python", home / ".venv").stdout)
    installed = {(each["name"], each["version"]) for each in listed}
    assert "mcp-mend" in {name for name, _ in installed}
    assert "llama-cpp-python" not in {name for name, _ in installed}
    assert installed <= locked

    servers = place.folder / "my servers.json"
    servers.write_text(json.dumps({"mcpServers": {"shop": place.shop}}))
    defaults = {key: option["default"] for key, option in manifest["user_config"].items() if "default" in option}
    chosen = {f"user_config.{key}": value for key, value in {**defaults, "servers": str(servers)}.items()}
    start = filled(manifest["server"]["mcp_config"], {"__dirname": str(home), **chosen})
    assert is_repaired(place.ask([start["command"], *start["args"]], "shop__search_products", start["env"]))
