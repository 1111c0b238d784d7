"""Tests of the endpoints run on asyncio, as the proxy does."""

from __future__ import annotations

import pytest


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
