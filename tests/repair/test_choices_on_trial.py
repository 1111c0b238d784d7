"""Repairs that only trying can tell apart, and results that are held against what reads them."""

# pyright: basic
from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.repair.search.validators import expected
from proxy.repair.view.schema import breaches
from proxy.repair.view.step import Evidence
from proxy.repair.view.values import join, paths
from schemas.catalog import Catalog
from schemas.plan import Plan, Ref, Step
from tests.desks import done, ops
from tests.fakes import NUMBER, TEXT, Server, World, carried_out, ref, step, world
from tests.promises import promise


def quay(*, both: int = 0, effect: str = "read") -> World:
    """Two tools as near to `ship_sheet` as each other; one returns the length, the other (or both) something else."""
    crew = {"crew": 9, **({"length": both} if both else {})}
    server = Server("quay", "plain").tool("ship_sheet_a", lambda ship: {"length": 80, "beam": 12, "ship": ship}, effect,
                                         ship=TEXT)  # fmt: skip
    server.tool("ship_sheet_b", lambda ship: {**crew, "ship": ship}, effect, ship=TEXT)
    server.tool("fee", lambda length: {"fee": 2 * length}, length=NUMBER)
    return world(
        server.tool("write_bill", lambda ship, note: {"bill": f"{ship}: {note}"}, "write", ship=TEXT, note=TEXT)
    )


SHEET = step("s", "ship_sheet_c", ship="Petrel")
FEE = step("f", "fee", length=ref("s", "length"))


@promise("abstains")
@pytest.mark.parametrize("swapped", [False, True])
async def test_of_two_equally_near_tools_that_only_read_the_one_stays_whose_result_is_read(swapped: bool) -> None:
    where = quay()
    if swapped:
        offers = where.servers["quay"].offers
        offers["ship_sheet_a"], offers["ship_sheet_b"] = (
            type(offers["ship_sheet_b"])(offers["ship_sheet_a"].raw, offers["ship_sheet_b"].run),
            type(offers["ship_sheet_a"])(offers["ship_sheet_b"].raw, offers["ship_sheet_a"].run),
        )
    report = await carried_out(where, {"steps": [SHEET, FEE]})
    assert report.status == "repaired", report.problems
    assert report.output == {"fee": 160}
    assert ops(report) == ["swap_tool", "insert_validator"]
    assert report.steps[0].tool == ("ship_sheet_b" if swapped else "ship_sheet_a")
    assert len(done(where, "fee")) == 1
    again = await carried_out(quay() if not swapped else where, report.plan)
    assert again.status == "succeeded"


@promise("abstains")
async def test_of_two_that_lead_to_different_values_neither_is_claimed_and_both_are_shown() -> None:
    report = await carried_out(quay(both=70), {"steps": [SHEET, FEE]})
    assert report.status == "failed"
    assert report.repairs == []
    assert [one.output for one in report.alternatives] == [{"fee": 160}, {"fee": 140}]


@promise("abstains")
async def test_two_that_lead_to_the_same_value_agree() -> None:
    report = await carried_out(quay(both=80), {"steps": [SHEET, FEE]})
    assert report.status == "repaired"
    assert report.output == {"fee": 160}
    assert report.alternatives == []


@promise("abstains", "effects-once")
@pytest.mark.parametrize(("both", "written"), [(0, 1), (80, 1), (70, 0)])
async def test_an_effect_follows_a_guess_only_where_nothing_contradicts_it(both: int, written: int) -> None:
    where = quay(both=both)
    bill = step("b", "write_bill", ship=ref("s", "ship"), note="fee {{f.fee}}")
    report = await carried_out(where, {"steps": [SHEET, FEE, bill]})
    assert (report.status == "repaired") is bool(written), report.problems
    assert len(done(where, "write_bill")) == written


@promise("abstains")
async def test_a_rival_that_the_budget_keeps_from_being_tried_counts_as_one_that_would_do() -> None:
    report = await carried_out(quay(), {"steps": [SHEET, FEE], "budget": {"calls": 2}})
    assert report.status == "failed"


# validators


def archive() -> World:
    """The nearest tool to `person_data` is not the one that was meant: it knows no account."""
    server = Server("archive", "plain")
    server.tool("person_paper_files_kept", lambda person: {"person": person, "files": 3}, person=TEXT)
    server.tool("account_of", lambda account: {"open": account}, account=TEXT)
    return world(server.tool("write_letter", lambda to: {"sent": to}, "write", to=TEXT))


LETTER = [
    step("p", "person_data", person="Ada"),
    step("l", "write_letter", to=ref("p", "person")),
    step("a", "account_of", account=ref("p", "account")),
]


@promise("effects-once", "wrong-result-stays-where-it-was-made")
async def test_no_effect_follows_a_guess() -> None:
    where = archive()
    report = await carried_out(where, {"steps": LETTER})
    assert report.status == "failed"
    assert done(where, "write_letter") == []


JSON = st.recursive(
    st.one_of(st.integers(), st.text(max_size=3), st.booleans()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["a", "b", "c d", "e.f"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@promise("wrong-result-stays-where-it-was-made")
@given(st.dictionaries(st.sampled_from(["x", "y"]), JSON, min_size=1), st.data())
def test_a_result_in_which_every_reference_finds_a_value_satisfies_the_validator(
    value: dict[str, Any], data: st.DataObject
) -> None:
    places = [join(parts) for parts, _ in paths(value)]
    read = data.draw(st.lists(st.sampled_from(places), max_size=4))
    plan = Plan((Step("s", "t", {}, "v"),), output=[Ref("s", path).json() for path in read])
    shape = expected(plan, "s", Evidence(Catalog((), ())))
    assert (shape is None) == (not read)
    assert shape is None or breaches(shape, value) == []
