"""Every promise has a test; a test of an unknown promise cannot even be imported."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.promises import PROMISES, promise


def named(folder: Path) -> Iterator[str]:
    for file in folder.rglob("test_*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "promise":
                yield from (str(part.value) for part in node.args if isinstance(part, ast.Constant))


def test_every_promise_is_shown_by_a_test() -> None:
    assert set(PROMISES) - set(named(Path(__file__).parent)) == set()


def test_a_test_can_only_name_a_promise_that_is_made() -> None:
    with pytest.raises(KeyError, match="no such promise"):
        promise("never " + "made")
