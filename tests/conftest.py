"""Set-up that all tests share."""

from __future__ import annotations

import logging
from collections.abc import Generator

import pytest
import structlog
from hypothesis import HealthCheck, settings

from tests.services.postgres import MISSING, Postgres, postgres, programs

collect_ignore = ["clients"]
"""Folders that are run by their name alone, as they take long."""

settings.register_profile(
    "shared machine", deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("shared machine")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "promise(names): which of the promises in tests/promises.py a test shows")
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[structlog.stdlib.add_log_level, plain])


@pytest.fixture
def uncounted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let coverage keep out of this test's processes: its own imports and files would disturb them."""
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Generator[None]:
    """Commands set up logging for a process of their own; here that is undone after each test."""
    root = logging.getLogger()
    handlers, level, configured = list(root.handlers), root.level, structlog.get_config()
    yield
    structlog.configure(**configured)
    logging.captureWarnings(capture=False)
    for handler in set(root.handlers) - set(handlers):
        root.removeHandler(handler)
        handler.close()
    for handler in handlers:
        root.addHandler(handler)
    root.setLevel(level)


@pytest.fixture(scope="session")
def postgres_server() -> Generator[Postgres]:
    """A real PostgreSQL for the whole run; a test is skipped where none is installed."""
    if programs() is None:
        pytest.skip(MISSING)
    with postgres() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: Postgres) -> Generator[str]:
    """The address of an empty database of this test's own."""
    with postgres_server.database() as url:
        yield url
