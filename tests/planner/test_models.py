"""Finding and pulling models, and choosing a backend."""

from __future__ import annotations

import hashlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner
from structlog.testing import capture_logs

from proxy.commands.model import model as command
from proxy.model import models
from proxy.model.client import LocalPlanner
from proxy.model.openai import Endpoint
from proxy.planner.opening import NoPlanner, open_planner
from schemas.config import Planner

OFFER = models.OFFERS[0]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MCP_MEND_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


class Hub:
    """Stands in for the hub's library: one file, its digest, and how often it was fetched."""

    def __init__(self, content: bytes, *, told: bytes | None = None) -> None:
        self.content = content
        self.told = content if told is None else told

    def HfApi(self) -> Hub:  # noqa: N802 - the library's name
        return self

    def get_paths_info(self, repository: str, paths: list[str]) -> list[Any]:
        assert (repository, paths) == (OFFER.repository, [OFFER.file])
        return [SimpleNamespace(lfs=SimpleNamespace(sha256=hashlib.sha256(self.told).hexdigest()))]

    def hf_hub_download(self, repository: str, file: str, local_dir: Path) -> str:
        assert repository == OFFER.repository
        (local_dir / file).write_bytes(self.content)
        return str(local_dir / file)


def test_the_installed_model_is_the_default() -> None:
    assert models.resolve("").suffix == ".gguf"
    assert models.resolve("") == models.resolve("smollm2-135m")


def test_a_pulled_model_is_found_by_name() -> None:
    path = models.pull(OFFER, Hub(b"GGUF"))
    assert models.resolve(OFFER.name.upper()) == path.resolve()


def test_any_path_is_a_model(tmp_path: Path) -> None:
    (tmp_path / "own.gguf").write_bytes(b"GGUF")
    assert models.resolve(str(tmp_path / "own.gguf")).name == "own.gguf"


def test_a_model_that_is_not_here_says_how_to_get_it() -> None:
    with pytest.raises(models.ModelProblem, match=f"model pull {OFFER.name}"):
        models.resolve(OFFER.name)
    with pytest.raises(models.ModelProblem, match=r"no file .*typo\.gguf.*qwen3-0\.6b"):
        models.resolve("typo.gguf")


def test_a_broken_download_is_removed() -> None:
    with pytest.raises(models.ModelProblem, match="arrived broken"):
        models.pull(OFFER, Hub(b"half", told=b"whole"))
    assert list(models.models_folder().iterdir()) == []


def test_without_a_connection_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(models.ModelProblem, match=r"(?s)could not be fetched.*put it into .*planner\.model"):
        models.pull(OFFER)


def test_the_commands_list_find_and_refuse() -> None:
    run = CliRunner().invoke
    listed = run(command, ["list"])
    assert listed.exit_code == 0
    for offer in models.OFFERS:
        assert offer.name in listed.output
        assert offer.licence in listed.output
    assert run(command, ["path"]).output.strip().endswith(".gguf")
    assert run(command, ["path", "typo.gguf"]).exit_code == 2
    assert run(command, ["pull", "gpt-9"]).exit_code == 2


async def test_auto_is_the_local_model_and_starts_nothing_by_itself(home: Path) -> None:
    async with open_planner(Planner(), home) as opened:
        assert isinstance(opened.planner, LocalPlanner)
    assert not home.exists()


async def test_auto_without_a_model_has_no_answers(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "installed", lambda: None)
    with capture_logs() as lines:
        async with open_planner(Planner(), home) as opened:
            assert isinstance(opened.planner, NoPlanner)
    assert [line["log_level"] for line in lines] == ["info"]


async def test_local_without_the_library_says_so(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "library", lambda: False)
    with capture_logs() as lines:
        async with open_planner(Planner(backend="local"), home) as opened:
            assert isinstance(opened.planner, NoPlanner)
    assert [line["log_level"] for line in lines] == ["warning"]


async def test_the_other_backends(home: Path) -> None:
    async with open_planner(Planner(backend="none"), home) as opened:
        assert isinstance(opened.planner, NoPlanner)
    async with open_planner(Planner(backend="openai", base_url="http://127.0.0.1:1/v1"), home) as opened:
        assert isinstance(opened.planner, Endpoint)
