"""What the tests of the journal share: log lines kept off the terminal, and places of both engines."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from proxy.store.sql import Place


@pytest.fixture
def logs() -> Generator[list[Any]]:
    """Log lines, kept off the terminal; the set-up of other tests is undone."""
    structlog.reset_defaults()
    with capture_logs() as lines:
        yield lines
    structlog.reset_defaults()


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Where things are kept, on each engine; the journal's tables are there where making them takes long."""
    if request.param == "sqlite":
        return Place(tmp_path / "state")
    made = Place(tmp_path / "state", request.getfixturevalue("postgres_url"))
    made.open("journal").close()
    return made
