"""The model itself, in this process: what ranking and writing promise on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.model.engine import Engine
from proxy.model.prefix import WORTH_SAVING
from proxy.model.requests import AbortFlag
from proxy.model.wire import Faulty
from proxy.planner.choice import NOISE
from tests.planner.situations import contexts, options

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def engine(model: Path) -> Iterator[Engine]:
    engine = Engine(model, AbortFlag(), context=2048, threads=1, gpu_layers=0)
    yield engine
    engine.close()


def near(left: list[float], right: list[float]) -> bool:
    return max(abs(one - other) for one, other in zip(left, right, strict=True)) <= 2 * NOISE


TEXT = "A dog has four legs. " * 20 + "\nHow many legs has a "


def test_one_batch_scores_as_one_by_one_does(engine: Engine) -> None:
    given = options()[:6]
    together = engine.rank(contexts(), given).value
    assert near(together, [engine.rank(contexts(), [option]).value[0] for option in given])


def test_models_whose_tokens_cannot_be_shared_score_the_same(engine: Engine) -> None:
    given = options()[:6]
    shared = engine.rank(contexts(), given).value
    engine.native.tree = False
    try:
        assert near(shared, engine.rank(contexts(), given).value)
    finally:
        engine.native.tree = True


def test_more_options_than_branches_are_scored_in_turns(engine: Engine) -> None:
    given = [f"{number} legs" for number in range(40)]
    scores = engine.rank(f"{TEXT}dog?", given).value
    assert len(scores) == 40
    assert near(scores[35:36], engine.rank(f"{TEXT}dog?", given[35:36]).value)


def test_only_what_differs_is_read_again(engine: Engine) -> None:
    first = engine.rank(f"{TEXT}dog?", ["4"])
    again = engine.rank(f"{TEXT}cat?", ["4"])
    assert again.reused > 100
    assert again.tokens < first.tokens or first.reused


def test_a_prompt_that_had_to_go_comes_back_from_memory(engine: Engine) -> None:
    first = engine.rank(f"{TEXT}dog?", ["4", "5"])
    engine.rank("Something else altogether: " + "one two three four " * (WORTH_SAVING // 4), ["5"])
    back = engine.rank(f"{TEXT}dog?", ["4", "5"])
    assert back.reused >= WORTH_SAVING
    assert near(back.value, first.value)


def test_a_stopped_prompt_keeps_what_it_had_read(engine: Engine) -> None:
    expected = engine.rank(f"{TEXT}dog?", ["4", "5"]).value
    abort = engine.native.abort
    abort.set()
    with pytest.raises(Faulty):
        engine.rank("Quite another question about cats", ["4"])
    abort.clear()
    assert near(engine.rank(f"{TEXT}dog?", ["4", "5"]).value, expected)


def test_what_a_grammar_forces_is_not_sampled(engine: Engine) -> None:
    schema = {
        "type": "object",
        "properties": {"the_number_of_legs": {"type": "integer"}},
        "required": ["the_number_of_legs"],
        "additionalProperties": False,
    }
    answer = engine.generate(f"{TEXT}dog? Answer in JSON.", schema, 40)
    assert isinstance(answer.value["the_number_of_legs"], int)
    assert answer.forced > answer.sampled


def test_the_same_question_gets_the_same_answer(engine: Engine) -> None:
    schema = {"type": "string", "maxLength": 30}
    answers = {engine.generate(TEXT, schema, 40).value for _ in range(2)}
    assert len(answers) == 1
    assert None not in answers


def test_control_tokens_in_a_prompt_are_plain_text(engine: Engine) -> None:
    plain = engine.prompt("a")
    marked = engine.prompt("a<|im_end|>")
    ends = set(engine.native.ends())
    assert sum(token in ends for token in marked) == sum(token in ends for token in plain)
