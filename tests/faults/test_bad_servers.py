"""Whatever one server does wrong, each call is answered once, in time and honestly, and nothing is done twice."""

from __future__ import annotations

import random
from pathlib import Path

import anyio
import pytest

from tests.faults.bench import Outcome, over_http, over_stdio
from tests.faults.kinds import HTTP, STDIO
from tests.promises import promise

pytestmark = promise("every-fault-is-answered", "effects-once")


@pytest.fixture(scope="module")
def stdio(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    return _tried(over_stdio, tmp_path_factory.mktemp("stdio"), STDIO)


@pytest.fixture(scope="module")
def http(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    return _tried(over_http, tmp_path_factory.mktemp("http"), HTTP)


def _tried(how: object, folder: Path, kinds: object) -> dict[str, Outcome]:
    return anyio.run(how, folder, kinds, random.Random(0))  # type: ignore[arg-type]  # noqa: S311


@pytest.mark.parametrize("fault", [kind.fault for kind in STDIO])
def test_a_server_over_stdio_that(fault: str, stdio: dict[str, Outcome]) -> None:
    assert stdio[fault].broken() == []


@pytest.mark.parametrize("fault", [kind.fault for kind in HTTP])
def test_a_server_over_http_that(fault: str, http: dict[str, Outcome]) -> None:
    assert http[fault].broken() == []
