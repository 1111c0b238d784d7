"""Steps written side by side are joined where exactly one argument can be meant."""

from __future__ import annotations

from proxy.planner.joining import join_steps
from schemas.plan import Plan, Ref, Step

POUNDS = Step("s1", "convert_mass", {"value": 180, "from": "pound", "to": "kilogram"})
INCHES = Step("s2", "convert_length", {"value": 70, "from": "inch", "to": "centimeter"})


def test_a_converted_value_is_used_where_the_old_one_stood() -> None:
    plan = join_steps(Plan((POUNDS, INCHES, Step("s3", "bmi", {"weight": 180, "height": 70, "unit": "cm"}))))
    assert plan.steps[2].arguments == {"weight": Ref("s1").json(), "height": Ref("s2").json(), "unit": "cm"}


def test_a_step_that_is_read_already_is_left_alone() -> None:
    plan = Plan((POUNDS, Step("s2", "bmi", {"weight": Ref("s1", "value").json(), "age": 180})))
    assert join_steps(plan) is plan


def test_two_arguments_that_may_be_meant_are_left_alone() -> None:
    plan = Plan((POUNDS, Step("s2", "bmi", {"weight": 180, "height": 180})))
    assert join_steps(plan) is plan


def test_the_same_tool_again_and_words_of_no_weight_mean_nothing() -> None:
    again = Step("s2", "convert_mass", {"value": 180, "from": "pound", "to": "stone"})
    plan = Plan((POUNDS, again, Step("s3", "note", {"flag": True, "to": "x"})))
    assert join_steps(plan) is plan
