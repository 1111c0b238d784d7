"""The Dockerfile as far as it goes without an engine: its build stage by hand in a folder, and its commands."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from .conftest import ROOT, SHOP, Place, is_repaired

Instruction = tuple[str, str]
_FETCHED = "uv python install"
"""The one command that is left out: it fetches a Python, for which the running one stands in."""


def stage(name: str) -> list[Instruction]:
    """The instructions of one stage, in order."""
    text = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text())
    lines = [line.split(None, 1) for line in text.splitlines() if line.strip() and not line.startswith("#")]
    found: list[Instruction] = []
    inside = False
    for word, rest in lines:
        if word == "FROM":
            inside = rest.endswith(f" AS {name}")
        elif inside:
            found.append((word, rest))
    assert found, f"the Dockerfile has no stage {name}"
    return found


def words(name: str, word: str) -> list[str]:
    """The JSON list behind one instruction of a stage."""
    (rest,) = (rest.removeprefix("CMD ") for each, rest in stage(name) if each == word)
    return json.loads(rest)


def context(folder: Path) -> Path:
    """A copy of what `.dockerignore` lets the engine see."""
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line]
    names = [line.removeprefix("!") for line in lines if line.startswith("!")]
    assert lines == ["*", *(f"!{name}" for name in names), "**/__pycache__"]
    folder.mkdir()
    for name in names:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    return folder


@dataclass(frozen=True)
class Image:
    """What the build stage leaves for the others: an environment of programs."""

    place: Place
    scripts: Path

    def command(self, name: str, port: int) -> list[str]:
        """What a container of a stage without arguments starts, on another port."""
        program, *rest = [*words("run", "ENTRYPOINT"), *words(name, "CMD")]
        return [str(self.scripts / program), *(word.replace("8765", str(port)) for word in rest)]

    def healthy(self, port: int) -> bool:
        """Ask as the engine does."""
        program, *rest = words("http", "HEALTHCHECK")
        line = [str(self.scripts / program), *(word.replace("8765", str(port)) for word in rest)]
        return subprocess.run(line, capture_output=True, timeout=60, check=False).returncode == 0


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    place = Place(tmp_path_factory.mktemp("image"))
    seen, work, env = context(place.folder / "context"), place.folder, place.env
    for word, rest in stage("build"):
        if word == "WORKDIR":
            work = place.folder / rest.lstrip("/")
            work.mkdir()
        elif word == "ENV":
            pairs = [pair.split("=", 1) for pair in rest.split()]
            env |= {key: value for key, value in pairs if not key.startswith("UV_PYTHON")}
        elif word == "COPY" and "--from=" not in rest:
            *sources, target = rest.split()
            for source in sources:
                if (seen / source).is_dir():
                    shutil.copytree(seen / source, work / target)
                else:
                    shutil.copy(seen / source, work / target)
        elif word == "RUN" and rest != _FETCHED:
            subprocess.run(["/bin/sh", "-c", rest], cwd=work, env=env, check=True, timeout=300)
    for left in [each for each in work.iterdir() if each.name != ".venv"]:
        shutil.rmtree(left) if left.is_dir() else left.unlink()
    return Image(place, work / ".venv" / "bin")


def test_the_environment_of_the_build_stage_alone_repairs_a_call(image: Image) -> None:
    log = str(image.place.folder / "shop.jsonl")
    line = [str(image.scripts / words("run", "ENTRYPOINT")[0]), "wrap", "--", str(image.scripts / "python")]
    assert is_repaired(image.place.ask([*line, str(SHOP), log]))


def test_the_http_stage_listens_only_with_a_token_and_tells_that_it_is_healthy(image: Image) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    line, place = image.command("http", port), image.place
    refused = subprocess.run(line, env=place.env, capture_output=True, text=True, timeout=60, check=False)
    assert refused.returncode != 0
    assert "token" in refused.stderr

    file = place.folder / "proxy.toml"
    file.write_text('[http]\ntoken = "${MCP_MEND_TOKEN}"\n')
    assert not image.healthy(port)
    env = {**place.env, "MCP_MEND_CONFIG": str(file), "MCP_MEND_TOKEN": "t" * 32}
    with subprocess.Popen(line, env=env, stderr=subprocess.DEVNULL) as process:
        try:
            until = time.monotonic() + 60
            while not image.healthy(port):
                assert process.poll() is None
                assert time.monotonic() < until
        finally:
            process.terminate()


def test_nothing_runs_as_root_and_every_base_is_pinned() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert [rest for word, rest in stage("run") if word == "USER"] == ["1000:1000"]
    outside = [name for name in re.findall(r"^FROM (\S+)", text, re.M) if ":" in name]
    assert len(outside) == 3
    assert all(re.search(r":\d+\.\d+\.\d+", name) for name in outside)
    assert re.findall(r"^FROM (\S+) AS \S+$", text, re.M)[-1] == "run"
