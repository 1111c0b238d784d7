"""Two servers with effects, their error texts before and after them, and calls that need repair: nothing twice."""

from __future__ import annotations

import anyio
import pytest

from tests.faults.world import Tally, lived
from tests.promises import promise

FACES = ["wrap", "serve"]
INTENTS = 120


@pytest.fixture(scope="module", params=FACES)
def tally(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Tally:
    return anyio.run(lived, tmp_path_factory.mktemp(request.param), INTENTS, 1, request.param)


@promise("every-fault-is-answered")
def test_each_call_is_answered(tally: Tally) -> None:
    assert tally.unanswered() == []


@promise("effects-once")
def test_no_intent_is_done_twice(tally: Tally) -> None:
    assert tally.twice() == []


@promise("nothing-restricting-is-dropped")
def test_no_argument_is_lost(tally: Tally) -> None:
    assert tally.lost() == []


@promise("values-stay-where-they-are")
def test_no_value_goes_from_one_server_to_another_or_from_one_call_to_the_next(tally: Tally) -> None:
    assert tally.carried() == []
    assert tally.invented() == []


@promise("repaired-call-says-so")
def test_calls_are_repaired_all_the_same(tally: Tally) -> None:
    assert tally.repaired > 0
