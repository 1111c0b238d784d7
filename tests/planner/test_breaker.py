"""The breaker: when a model that fails is left alone, and when it is tried again."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from proxy.model import breaker
from proxy.model.breaker import DOUBLINGS, FIRST_PAUSE, LONGEST_PAUSE, SHARE, Breaker


class Clock:
    """Time that passes when told to."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(breaker, "time", made)
    return made


def fail(one: Breaker, took: float = 0.0) -> None:
    assert one.admit()
    one.failed("gone", took)
    one.left()


def test_it_opens_after_so_many_failures_in_a_row() -> None:
    one = Breaker(2)
    fail(one)
    assert one.admit()
    one.worked()
    fail(one)
    assert one.closed
    fail(one)
    assert not one.closed
    assert not one.admit()


def test_after_the_pause_one_question_is_let_through_and_decides(clock: Clock) -> None:
    one = Breaker()
    fail(one)
    clock.now += FIRST_PAUSE
    assert one.admit()
    assert not one.admit(), "a second one waits for the verdict"
    assert one.worked()
    one.left()
    assert one.closed
    assert one.admit()


def test_a_trial_without_verdict_leaves_the_next_one_to_decide(clock: Clock) -> None:
    one = Breaker()
    fail(one)
    clock.now += FIRST_PAUSE
    assert one.admit()
    one.left()
    assert not one.closed
    assert one.admit()


def test_pauses_grow_to_a_bound_however_often_it_fails(clock: Clock) -> None:
    one = Breaker()
    pauses: list[float] = []
    for _ in range(1100):
        fail(one)
        began = clock.now
        while one.refuses:
            clock.now += 1
        pauses.append(clock.now - began)
    assert pauses[:4] == [1, 2, 4, 8]
    assert set(pauses[DOUBLINGS:]) == {LONGEST_PAUSE}


def test_a_pause_is_longer_than_what_the_failure_took(clock: Clock) -> None:
    one = Breaker()
    fail(one, took=10)
    clock.now += 10 * SHARE - 0.1
    assert one.refuses
    clock.now += 0.2
    assert not one.refuses


def test_failures_of_questions_sent_before_it_opened_do_not_prolong_it(clock: Clock) -> None:
    one = Breaker()
    assert one.admit()
    assert one.admit()
    one.failed("gone")
    one.failed("gone", took=30)
    clock.now += FIRST_PAUSE
    assert not one.refuses


def test_each_change_is_told_once(clock: Clock) -> None:
    one = Breaker(2, address="http://model/v1")
    with capture_logs() as lines:
        for _ in range(4):
            fail(one)
            clock.now += LONGEST_PAUSE
        assert one.admit()
        one.worked()
        one.worked()
    told = [(line["log_level"], line["event"].split(",")[0]) for line in lines if line["log_level"] != "debug"]
    assert told == [
        ("info", "the planner has no answer"),
        ("warning", "the planner is not available"),
        ("info", "the planner is available again"),
    ]
    assert all(line["address"] == "http://model/v1" for line in lines)
