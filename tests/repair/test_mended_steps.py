"""Missing arguments, wrong tools, superfluous and missing steps."""

# pyright: basic
from __future__ import annotations

from typing import Any

import pytest

from tests.desks import done, kinds, ops
from tests.fakes import (
    INTEGER,
    NUMBER,
    TEXT,
    RefusedError,
    Server,
    carried_out,
    configured,
    ref,
    step,
    world,
)
from tests.promises import promise
from tests.scenarios.worlds import calendar, shop, tickets, units

# missing arguments


@promise("missing-is-filled-by-evidence")
async def test_a_schemas_own_default_and_only_value_fill_what_is_missing() -> None:
    mode = {"type": "string", "default": "walking"}
    where = world(Server("geo").tool("route", lambda **given: given, to=TEXT, mode=mode, planet={"const": "earth"}))
    report = await carried_out(where, {"steps": [step("r", "route", to="Oslo")]})
    assert report.status == "repaired", report.problems
    assert where.sent == [("geo", "route", {"to": "Oslo", "mode": "walking", "planet": "earth"})]
    assert {repair.confidence for repair in report.repairs} <= {"lossless", "evident"}


@promise("missing-is-filled-by-evidence")
async def test_the_goal_fills_what_it_names() -> None:
    where = world(units())
    plan = {
        "goal": "Round 2.71828 to digits 3",
        "steps": [step("r", "round_number", number=2.71828)],
    }
    report = await carried_out(where, plan)
    assert report.status == "repaired", report.problems
    assert where.sent == [("units", "round_number", {"number": 2.71828, "digits": 3})]


@promise("missing-is-filled-by-evidence")
async def test_an_earlier_result_of_that_name_fills_what_is_missing() -> None:
    where = world(tickets())
    steps = [
        step("t", "create_ticket", title="Leak"),
        step("u", "find_user", email="ada@example.org"),
        step("a", "assign_ticket", ticket_id=ref("t", "ticket_id")),
    ]
    report = await carried_out(where, {"steps": steps})
    assert report.status == "repaired", report.problems
    assert done(where, "assign_ticket") == [{"ticket_id": "T-104", "user_id": "u-31"}]


@promise("missing-is-filled-by-evidence", "abstains")
@pytest.mark.parametrize("goal", ["", "cancel it, it cost $10000", "order 3 of 12"])
async def test_nothing_is_invented_for_a_call_that_destroys(goal: str) -> None:
    where = world(shop())
    report = await carried_out(where, {"goal": goal, "steps": [step("c", "cancel_order")]})
    assert report.status == "failed"
    assert where.sent == []
    assert [(problem.kind, problem.path) for problem in report.problems] == [("missing_argument", "/order_id")]


# tools


@promise("swaps-within-policy")
@pytest.mark.parametrize(
    "name", ["search_product", "product_search", "searchProducts", "search_products_v2", "serach_products"]
)
async def test_an_unknown_tool_is_replaced_by_its_nearest_name(name: str) -> None:
    where = world(shop(), calendar())
    report = await carried_out(where, {"steps": [step("s", name, query="rake")]})
    assert report.status == "repaired", report.problems
    assert ops(report) == ["swap_tool"]
    assert [tool for _, tool, _ in where.sent] == ["search_products"]


@promise("swaps-within-policy")
@pytest.mark.parametrize("policy", ["cautious", "strict", "trusting"])
async def test_search_never_swaps_into_a_destructive_tool(policy: str) -> None:
    where = world(Server("db").tool("drop_table", lambda name: {}, "destructive", name=TEXT))
    report = await carried_out(
        where, {"steps": [step("s", "drop_tables_now", name="logs")]}, config=configured(effects={"policy": policy})
    )
    assert report.status == "failed"
    assert where.sent == []


@promise("swaps-within-policy")
@pytest.mark.parametrize(
    ("policy", "effect", "swapped"),
    [
        ("strict", "read", True),
        ("strict", "write", False),
        ("strict", "unknown", False),
        ("cautious", "write", False),
        ("cautious", "unknown", True),
        ("trusting", "write", True),
    ],
)
async def test_policy_says_into_what_a_name_may_be_swapped(policy: str, effect: str, swapped: bool) -> None:
    where = world(Server("log").tool("measure_depth", lambda station: {"m": 3}, effect, station=TEXT))
    report = await carried_out(
        where, {"steps": [step("s", "measure_detph", station="N")]}, config=configured(effects={"policy": policy})
    )
    assert (report.status == "repaired") is swapped, report.problems
    assert bool(where.sent) is swapped


@promise("swaps-within-policy")
@pytest.mark.parametrize("name", ["check_letter", "get_letter", "letter", "view_letters"])
async def test_a_read_is_never_swapped_into_a_tool_that_sends(name: str) -> None:
    where = world(Server("mail").tool("send_letter", lambda letter: {}, "unknown", letter=TEXT))
    report = await carried_out(where, {"steps": [step("s", name, letter="l-1")]})
    assert report.status == "failed"
    assert where.sent == []


@promise("names-resolve-exactly")
async def test_one_name_on_two_servers_goes_to_the_one_whose_schema_fits() -> None:
    air = Server("air").tool("book", lambda flight: {"by": "air"}, "write", flight=TEXT)
    inn = Server("inn").tool("book", lambda room, nights: {"by": "inn"}, "write", room=TEXT, nights=INTEGER)
    where = world(air, inn)
    report = await carried_out(where, {"steps": [step("b", "book", room="4", nights=2)]})
    assert report.status == "repaired", report.problems
    assert where.sent == [("inn", "book", {"room": "4", "nights": 2})]


# steps


@promise("superfluous-steps-go")
@pytest.mark.parametrize("tool", ["think", "final_answer", "log_result", "print_result"])
async def test_no_step_that_was_asked_for_is_taken_out(tool: str) -> None:
    where = world(shop())
    steps = [step("p", "get_product", sku="can-05"), step("z", tool, text="the can costs 12.25")]
    report = await carried_out(where, {"steps": steps})
    assert report.status == "failed"
    assert [each["id"] for each in report.plan["steps"]] == ["p", "z"]
    assert [(problem.step, problem.kind) for problem in report.problems] == [("z", "unknown_tool")]


@promise("superfluous-steps-go", "effects-once")
@pytest.mark.parametrize("between", [[], [step("note", "get_ticket", ticket_id=ref("a", "ticket_id"))]])
async def test_two_different_calls_under_one_id_are_two_steps(between: list[Any]) -> None:
    where = world(tickets())
    steps = [step("a", "create_ticket", title="paint"), *between, step("a", "create_ticket", title="brush")]
    report = await carried_out(where, {"steps": steps})
    assert report.status == "succeeded", report.problems
    assert report.repairs == []
    assert done(where, "create_ticket") == [{"title": "paint"}, {"title": "brush"}]
    assert [each["id"] for each in report.plan["steps"]] == ["a", *(each["id"] for each in between), "a_2"]


@promise("superfluous-steps-go")
async def test_a_step_that_reads_its_own_id_reads_the_step_before_of_that_id() -> None:
    where = world(Server("zähler").tool("add", lambda left, right: {"sum": left + right}, left=NUMBER, right=NUMBER))
    steps = [step("x", "add", left=1, right=2), step("x", "add", left=ref("x", "sum"), right=10)]
    report = await carried_out(where, {"steps": steps})
    assert report.status == "succeeded", report.problems
    assert report.output == {"sum": 13}


@promise("superfluous-steps-go", "effects-once", "abstains")
@pytest.mark.parametrize(
    ("second", "later", "output"),
    [
        ({"title": "brush"}, [step("c", "get_ticket", ticket_id=ref("a", "ticket_id"))], None),
        ({"title": "brush"}, [step("c", "get_ticket", ["a"], ticket_id="T-104")], None),
        ({"title": "brush"}, [step("c", "create_ticket", title="as in {{a.title}}")], None),
        ({"title": "brush"}, [step("c", "create_ticket", title="<a>")], None),
        ({"title": "brush"}, [], {"which": ref("a", "ticket_id")}),
        ({"title": "Paint"}, [], None),
    ],
)
async def test_where_a_reference_could_mean_either_of_them_neither_is_sent(
    second: dict[str, Any], later: list[Any], output: Any
) -> None:
    where = world(tickets())
    steps = [step("a", "create_ticket", title="paint"), step("a", "create_ticket", **second), *later]
    report = await carried_out(where, {"steps": steps, **({"output": output} if output else {})})
    assert report.status == "failed"
    assert "duplicate_step" in kinds(report)
    assert done(where, "create_ticket") in ([], [{"title": "paint"}])


@promise("superfluous-steps-go")
async def test_a_second_call_that_its_upstream_refuses_as_repeated_is_folded_into_the_first() -> None:
    made: list[str] = []

    def make_folder(path: str) -> Any:
        if path in made:
            raise RefusedError(f"a folder named '{path}' is there")
        made.append(path)
        return {"path": path}

    where = world(Server("disk").tool("make_folder", make_folder, "write", path=TEXT))
    steps = [step("a", "make_folder", path="x"), step("b", "make_folder", path="x")]
    report = await carried_out(where, {"steps": steps})
    assert report.status == "repaired", report.problems
    assert ops(report) == ["dedupe"]
    assert len(where.done) == 1


@promise("missing-producers-are-added")
async def test_a_missing_conversion_is_added_where_all_it_needs_is_known() -> None:
    def bmi(weight_kg: float, height_cm: float) -> Any:
        return {"bmi": round(weight_kg / (height_cm / 100) ** 2, 2)}

    returns = {"type": "object", "properties": {"converted_value": NUMBER}}
    server = units()
    server.offers["convert_length"].raw["outputSchema"] = returns
    where = world(server, Server("health").tool("bmi", bmi, weight_kg=NUMBER, height_cm=NUMBER))
    plan = {
        "goal": "BMI of somebody who weighs 70 kg and is 68 inches tall",
        "steps": [step("b", "bmi", weight_kg=70, height_cm=ref("convert_height", "converted_value"))],
    }
    report = await carried_out(where, plan)
    assert report.status == "repaired", report.problems
    assert "add_step" in ops(report)
    assert where.sent[0] == ("units", "convert_length", {"value": 68, "from_unit": "inch", "to_unit": "centimeter"})
    assert report.output == {"bmi": round(70 / 1.7272**2, 2)}


@promise("missing-producers-are-added", "effects-once")
async def test_a_step_with_an_effect_is_never_added() -> None:
    where = world(shop())
    steps = [step("fill", "add_to_cart", cart_id=ref("cart", "cart.id"), sku="can-05", quantity=1)]
    report = await carried_out(where, {"goal": "put can-05 into a cart for customer Ada", "steps": steps})
    assert report.status == "failed"
    assert where.done == []


@promise("swaps-within-policy")
@pytest.mark.parametrize(
    ("said", "offered"),
    [
        ("activate_user", "deactivate_user"),
        ("unlock_user", "lock_user"),
        ("decrease_user_limit", "increase_user_limit"),
        ("stop_user_export", "start_user_export"),
        ("get_user", "set_user"),
        ("enable_user", "disable_user"),
        ("upload_user", "download_user"),
        ("follow_user", "unfollow_user"),
    ],
)
@pytest.mark.parametrize("policy", ["cautious", "trusting"])
@pytest.mark.parametrize("effect", ["write", "unknown"])
async def test_a_tool_is_never_swapped_into_its_opposite(said: str, offered: str, policy: str, effect: str) -> None:
    where = world(Server("crm").tool(offered, lambda user: {"user": user}, effect, user=TEXT))
    config = configured(effects={"policy": policy})
    report = await carried_out(where, {"steps": [step("a", said, user="u-1")]}, config=config)
    assert report.status == "failed"
    assert where.sent == []
