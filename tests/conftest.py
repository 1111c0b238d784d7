"""Set-up that all tests share."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "shared machine", deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("shared machine")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "promise(names): which of the promises in tests/promises.py a test shows")
