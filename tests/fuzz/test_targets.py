"""Anything at all goes in, no exception of ours comes out, and the laws hold."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.inputs import INPUTS
from tests.fuzz.targets import TARGETS
from tests.promises import promise

pytestmark = promise("nothing-throws-us", "apply-is-safe", "sound-plan-untouched")
CORPUS = Path(__file__).with_name("corpus")


@pytest.mark.parametrize("target", sorted(TARGETS))
@settings(max_examples=100)
@given(data=st.data())
def test_whatever_is_drawn(target: str, data: st.DataObject) -> None:
    TARGETS[target](data.draw(INPUTS[target]))


@pytest.mark.parametrize("file", sorted(CORPUS.rglob("*.*")), ids=lambda file: f"{file.parent.name}/{file.name}")
def test_what_was_found_once(file: Path) -> None:
    TARGETS[file.parent.name](file.read_bytes())


def test_every_target_has_its_inputs_and_a_corpus() -> None:
    assert set(TARGETS) == set(INPUTS) == {folder.name for folder in CORPUS.iterdir()}
