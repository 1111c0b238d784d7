"""From scores to an order: the model where it is sure, the rules' confidence where it is not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proxy.model.scoring import beginnings, groups
from proxy.planner.choice import NOISE, choose
from proxy.ports import Advice


def test_the_best_score_wins_by_its_margin() -> None:
    advice = choose([-2.0, -1.0, -3.0], [0.9, 0.1, 0.1])
    assert advice == Advice((1, 0, 2), 1.0)


def test_within_the_noise_the_surer_rule_wins_and_nobody_leads() -> None:
    assert choose([-1.0, -1.0 - NOISE / 2, -3.0], [0.2, 0.8, 0.9]) == Advice((1, 0, 2), 0.0)


def test_one_candidate_leads_over_nothing() -> None:
    assert choose([-5.0], [0.1]).order == (0,)


def test_what_was_not_scored_follows_in_its_own_order() -> None:
    assert choose([-2.0, -1.0], [0, 0], rest=2).order == (1, 0, 2, 3)
    assert choose([], [], rest=2) == Advice((0, 1), 0.0)


OPTIONS = st.lists(st.lists(st.integers(0, 3), max_size=5), max_size=8)


@given(OPTIONS, st.booleans())
def test_every_beginning_comes_after_its_own(options: list[list[int]], shared: bool) -> None:
    found = list(beginnings(options, shared=shared))
    for at, (owner, tokens) in enumerate(found):
        assert len(tokens) == 1 or found.index((owner, tokens[:-1])) < at
    wanted = {tuple(option[:length]) for option in options for length in range(1, len(option))}
    assert {tokens for _, tokens in found} == wanted
    if not shared:
        assert all(len(numbers) == 1 for numbers in beginnings(options, shared=False).values())


def test_a_shared_beginning_is_evaluated_once() -> None:
    found = beginnings([[1, 2, 3], [1, 2, 4], [1, 5]], shared=True)
    assert found == {(-1, (1,)): [0, 1, 2], (-1, (1, 2)): [0, 1]}


@given(OPTIONS, st.integers(1, 4), st.integers(5, 12))
def test_groups_keep_order_and_bounds(options: list[list[int]], count: int, tokens: int) -> None:
    found = groups(options, count=count, tokens=tokens)
    assert [option for group in found for option in group] == options
    for group in found:
        assert len(group) <= count
        assert sum(map(len, group)) <= tokens
