"""What is published says the same everywhere: one version, one name, and options that there are."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

from proxy.cli import main

ROOT = Path(__file__).parents[1]
BUNDLE = ROOT / "packaging" / "mcpb"


def of_toml(path: Path) -> Any:
    return tomllib.loads(path.read_text())


def of_json(path: Path) -> Any:
    return json.loads(path.read_text())


PROJECT = of_toml(ROOT / "pyproject.toml")["project"]
SERVER = of_json(ROOT / "server.json")
MANIFEST = of_json(BUNDLE / "manifest.json")


def test_every_form_has_the_version_of_the_project() -> None:
    bundle = of_toml(BUNDLE / "pyproject.toml")
    wheel = bundle["tool"]["uv"]["sources"]["mcp-mend"]["path"]
    assert {
        SERVER["version"],
        *(package["version"] for package in SERVER["packages"]),
        MANIFEST["version"],
        bundle["project"]["version"],
        wheel.split("-")[1],
    } == {PROJECT["version"]}


def test_the_registry_finds_its_name_in_the_readme_and_in_the_image() -> None:
    name = SERVER["name"]
    assert re.search(rf"^<!-- mcp-name: {re.escape(name)} -->$", (ROOT / "README.md").read_text(), re.M)
    assert f'io.modelcontextprotocol.server.name="{name}"' in (ROOT / "Dockerfile").read_text()
    assert [package["identifier"] for package in SERVER["packages"]] == [PROJECT["name"]]


def test_the_bundle_asks_for_the_python_of_the_project() -> None:
    wanted = PROJECT["requires-python"]
    assert MANIFEST["compatibility"]["runtimes"]["python"] == wanted
    assert of_toml(BUNDLE / "pyproject.toml")["project"]["requires-python"] == wanted


def test_what_a_registry_or_a_bundle_starts_are_commands_and_options_of_ours() -> None:
    arguments = SERVER["packages"][0]["packageArguments"]
    for command, *options in (
        [argument.get("value") or argument["name"] for argument in arguments],
        [word for word in MANIFEST["server"]["mcp_config"]["args"] if re.fullmatch(r"serve|--config", word)],
    ):
        known = main.get_command(None, command)
        assert {"--config"} <= set(options) <= {opt for param in known.params for opt in param.opts}
