"""A missing text is tried with the names and dates that the goal states, and claimed only where one of them fits."""

# pyright: basic
from __future__ import annotations

from typing import Any

import pytest

from proxy.repair.rules.names_in_goal import dates, names
from tests.desks import done
from tests.fakes import NUMBER, TEXT, RefusedError, Server, World, carried_out, ref, step, world
from tests.promises import promise

DAY = {"type": "string", "format": "date"}


def orchestra(*, knows_all: bool = False) -> World:
    """Players by name, the programme of a day, and a tool that writes to a player."""

    def player(name: str) -> Any:
        if name != "Ilse Brandt" and not knows_all:
            raise RefusedError(f"no player is called {name!r}")
        return {"player": {"name": name, "seat": len(name)}}

    server = Server("orchestra", "plain").tool("find_player", player, "read", name=TEXT)
    server.tool("programme", lambda day: {"pieces": int(day[-2:])}, "read", day=DAY)
    server.tool("count_seats", lambda minimum: {"seats": minimum}, "read", minimum=NUMBER)
    return world(server.tool("write_to", lambda name: {"sent": name}, "write", name=TEXT))


@pytest.mark.parametrize(
    ("goal", "found"),
    [
        ("What is the seat of Ilse Brandt?", ["Ilse Brandt"]),
        ("Where does Ilse Brandt sit? Ask Ada in Graz.", ["Ilse Brandt", "Ada", "Graz"]),
        ("Convert it to Kelvin for Ada", ["Ada"]),
        ("Ou est assise Élodie Roux?", ["Élodie Roux"]),
        ("nothing stated at all", []),
    ],
)
def test_names_are_words_with_capitals_that_do_not_begin_a_sentence(goal: str, found: list[str]) -> None:
    assert names(goal) == found
    assert dates(goal) == []


@promise("abstains")
@pytest.mark.parametrize(
    ("goal", "seat"),
    [
        ("What is the seat of Ilse Brandt?", 11),
        ("Which seat has Ilse Brandt when she is in Graz?", 11),
        ("What is the seat of the second violin?", None),
    ],
)
async def test_a_name_of_the_goal_is_tried_where_a_text_is_missing(goal: str, seat: int | None) -> None:
    steps = [step("p", "find_player")]
    report = await carried_out(orchestra(), {"goal": goal, "steps": steps, "output": ref("p", "player.seat")})
    assert (report.status, report.output) == (("repaired", seat) if seat else ("failed", None)), report.repairs


@promise("abstains")
async def test_of_two_names_that_both_are_answered_none_is_claimed() -> None:
    plan = {"goal": "Does Ilse Brandt sit before Ada?", "steps": [step("p", "find_player")]}
    report = await carried_out(orchestra(knows_all=True), {**plan, "output": ref("p", "player.seat")})
    assert report.status == "failed"
    assert len(report.alternatives) == 2


@promise("abstains")
async def test_a_missing_day_is_the_one_that_the_goal_states() -> None:
    steps = [step("d", "programme")]
    report = await carried_out(orchestra(), {"goal": "What is played on 2031-05-09?", "steps": steps})
    assert (report.status, report.output) == ("repaired", {"pieces": 9}), report.problems


@promise("effects-once", "abstains")
async def test_a_name_of_the_goal_is_never_sent_to_what_changes_something() -> None:
    where = orchestra()
    report = await carried_out(where, {"goal": "Write a note to Ilse Brandt", "steps": [step("w", "write_to")]})
    assert report.status == "failed"
    assert not done(where, "write_to")


@promise("abstains")
async def test_the_year_of_a_date_is_no_number_that_is_missing() -> None:
    report = await carried_out(
        orchestra(), {"goal": "Count the seats on 2031-05-09", "steps": [step("c", "count_seats")]}
    )
    assert report.status == "failed", report.repairs
