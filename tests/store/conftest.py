"""What the tests of the journal share."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs


@pytest.fixture
def logs() -> Generator[list[Any]]:
    """Log lines, kept off the terminal; the set-up of other tests is undone."""
    structlog.reset_defaults()
    with capture_logs() as lines:
        yield lines
    structlog.reset_defaults()
