"""Names that are never exchanged for one another."""

from __future__ import annotations

import pytest

from proxy.repair.view.opposites import OPPOSITES, contrary, opposite
from proxy.repair.view.words import stem


@pytest.mark.parametrize(
    ("left", "right"),
    [("start_date", "end_date"), ("endDate", "startDate"), ("min_price", "max_prices"), ("source.zone", "target.zone")],
)
def test_names_that_differ_in_a_word_and_its_opposite_are_opposite(left: str, right: str) -> None:
    """In either order, in any style."""
    assert opposite(left, right)
    assert opposite(right, left)


@pytest.mark.parametrize(
    ("left", "right"), [("start_date", "start_day"), ("date", "end_date"), ("start_end", "start_end_date")]
)
def test_a_word_without_its_opposite_in_the_other_name_says_nothing(left: str, right: str) -> None:
    """What both names share counts for neither."""
    assert not opposite(left, right)


def test_tools_and_arguments_are_told_apart_by_the_same_list() -> None:
    """Every pair keeps both a tool and an argument from being taken for the other."""
    for pair in OPPOSITES:
        one, other = sorted(pair)
        assert one != other
        assert stem(one) == one
        assert stem(other) == other
        assert opposite(f"{one}_thing", f"{other}_thing")
        assert contrary(f"{one}_thing", f"{other}_thing")
