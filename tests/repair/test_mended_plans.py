"""Broken plans over several worlds: what is mended, by what evidence, and what is better left."""

# pyright: basic
from __future__ import annotations

from typing import Any

import pytest

from schemas.report import Report
from tests.fakes import (
    INTEGER,
    NUMBER,
    STYLES,
    TEXT,
    Person,
    RefusedError,
    Server,
    Style,
    World,
    carried_out,
    configured,
    ref,
    step,
    world,
)
from tests.promises import promise
from tests.scenarios.worlds import calendar, files, shop, tickets, units, weather


def rules(report: Report) -> list[str]:
    return [repair.rule for repair in report.repairs]


def ops(report: Report) -> list[str]:
    return [repair.op for repair in report.repairs]


def done(where: World, tool: str) -> list[Any]:
    return [arguments for name, arguments in where.done if name == tool]


# argument names


@promise("names-by-evidence")
@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ({"Title": "Review", "startDate": "2031-03-12"}, {"title": "Review", "start_date": "2031-03-12"}),
        ({"title": "Review", "start-date": "2031-03-12"}, {"title": "Review", "start_date": "2031-03-12"}),
        ({"title": "Review", "start_dat": "2031-03-12"}, {"title": "Review", "start_date": "2031-03-12"}),
        ({"title": "Review", "date_start": "2031-03-12"}, {"title": "Review", "start_date": "2031-03-12"}),
        ({"subject": "Review", "start_date": "2031-03-12"}, {"title": "Review", "start_date": "2031-03-12"}),
    ],
)
async def test_a_misspelt_argument_gets_its_name(style: Style, sent: dict[str, Any], meant: dict[str, Any]) -> None:
    where = world(calendar(style))
    report = await carried_out(where, {"steps": [step("e", "create_event", **sent)]})
    assert report.status == "repaired", report.problems
    assert set(ops(report)) == {"rename_argument"}
    assert done(where, "create_event") == [meant]


@promise("names-by-evidence")
@pytest.mark.parametrize(
    ("declared", "sent"),
    [
        ("start_time", "end_time"),
        ("min_price", "max_price"),
        ("from_city", "to_city"),
        ("source_path", "destination_path"),
        ("latitude", "longitude"),
        ("before", "after"),
        ("username", "password"),
        ("old_name", "new_name"),
        ("include", "exclude"),
    ],
)
@pytest.mark.parametrize("effect", ["read", "write"])
@pytest.mark.parametrize("needed", [True, False])
async def test_opposites_are_never_exchanged(declared: str, sent: str, effect: str, needed: bool) -> None:
    optional = ["note"] if needed else [declared, "note"]
    server, properties = Server("s", "plain"), {declared: TEXT, "note": TEXT}
    where = world(server.tool("act", lambda **_: {}, effect, optional=optional, **properties))  # pyright: ignore
    report = await carried_out(where, {"steps": [step("a", "act", **{sent: "x"})]})
    assert where.done == []
    assert report.status == "failed"


@promise("names-by-evidence")
async def test_two_spellings_of_one_argument_are_not_both_given_its_name() -> None:
    where = world(calendar())
    steps = [step("e", "create_event", title="R", startDate="2031-03-12", StartDate="2031-03-13")]
    report = await carried_out(where, {"steps": steps})
    assert report.status == "failed"
    assert where.done == []


# dropped arguments


@promise("nothing-restricting-is-dropped")
@pytest.mark.parametrize(
    "extra",
    ["dry_run", "confirm", "filter", "limit", "scope", "if_match", "max_items", "only_unread", "branch", "version"],
)
async def test_what_could_restrict_a_plans_call_is_never_left_out(extra: str) -> None:
    where = world(files("plain"))
    report = await carried_out(where, {"steps": [step("w", "write_file", path="p", content="c", **{extra: "x"})]})
    assert report.status == "failed"
    assert where.done == []
    assert "drop_argument" not in ops(report)


@promise("nothing-restricting-is-dropped")
@pytest.mark.parametrize("style", STYLES)
async def test_an_argument_that_the_upstream_refuses_and_that_says_nothing_may_go(style: Style) -> None:
    where = world(shop(style))
    report = await carried_out(
        where, {"steps": [step("p", "get_product", sku="can-05", thoughts="the user wants a can")]}
    )
    assert report.status == "repaired", report.problems
    assert ops(report) == ["drop_argument"]
    assert report.repairs[0].before == {"/thoughts": "the user wants a can"}
    assert done(where, "get_product") == [{"sku": "can-05"}]


# wrappers


@promise("wrappers-are-opened")
@pytest.mark.parametrize(
    "arguments",
    [
        {"arguments": {"ticket_id": "T-7", "user_id": "u-1"}},
        {"params": {"ticket_id": "T-7", "user_id": "u-1"}},
        {"input": '{"ticket_id": "T-7", "user_id": "u-1"}'},
        '{"ticket_id": "T-7", "user_id": "u-1"}',
        '"{\\"ticket_id\\": \\"T-7\\", \\"user_id\\": \\"u-1\\"}"',
        "{'ticket_id': 'T-7', 'user_id': 'u-1'}",
        [{"ticket_id": "T-7", "user_id": "u-1"}],
    ],
    ids=repr,
)
async def test_wrapped_arguments_are_opened_before_anything_is_sent(arguments: Any) -> None:
    where = world(tickets())
    report = await carried_out(where, {"steps": [{"id": "a", "tool": "assign_ticket", "arguments": arguments}]})
    assert report.status == "repaired", report.problems
    assert ops(report) == ["unwrap_value"]
    assert where.sent == [("tickets", "assign_ticket", {"ticket_id": "T-7", "user_id": "u-1"})]


@promise("wrappers-are-opened")
async def test_arguments_are_put_into_the_object_that_the_tool_requires() -> None:
    inner = {"type": "object", "properties": {"to": TEXT, "text": TEXT}, "required": ["to", "text"]}
    where = world(Server("post").tool("draft", lambda request: {"drafted": request}, "write", request=inner))
    report = await carried_out(where, {"steps": [step("d", "draft", to="Ada", text="hello")]})
    assert report.status == "repaired", report.problems
    assert where.sent == [("post", "draft", {"request": {"to": "Ada", "text": "hello"}})]


# references


@promise("references-are-repaired")
@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("cart_id", "cart.id"),
        ("id", "cart.id"),
        ("cart.cart_id", "cart.id"),
        ("result.cart.id", "cart.id"),
        ("Cart.ID", "cart.id"),
        ("cart[0].id", "cart.id"),
        ("", "cart.id"),
        ("cart", "cart.id"),
    ],
)
async def test_a_path_that_leads_nowhere_is_led_to_the_value_it_meant(path: str, meant: str) -> None:
    where = world(shop())
    steps = [
        step("cart", "open_cart", customer="Ada"),
        step("fill", "add_to_cart", cart_id=ref("cart", path), sku="can-05", quantity=1),
    ]
    report = await carried_out(where, {"steps": steps})
    assert report.status == "repaired", report.problems
    assert report.plan["steps"][1]["arguments"]["cart_id"] == {"$ref": "cart", "path": meant}
    assert len(where.done) == 2


@promise("references-are-repaired")
@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("days.0.rain", "days.0.rain_mm"),
        ("days.-1.rain", "days.2.rain_mm"),
        ("forecast.days.1.rain_mm", "days.1.rain_mm"),
        ("days.5.rain_mm", None),
    ],
)
async def test_an_index_is_kept_and_never_invented(path: str, meant: str | None) -> None:
    where = world(weather(), units())
    steps = [
        step("w", "forecast", place="Oslo", days=3),
        step("c", "convert_length", value=ref("w", path), from_unit="meter", to_unit="inch"),
    ]
    report = await carried_out(where, {"steps": steps})
    if meant is not None:
        assert report.status == "repaired", report.problems
        assert report.plan["steps"][1]["arguments"]["value"] == {"$ref": "w", "path": meant}
    else:
        assert report.status == "failed"
        assert [tool for _, tool, _ in where.sent] == ["forecast"]


@promise("references-are-repaired")
async def test_a_reference_to_the_wrong_step_goes_to_the_one_that_has_the_value() -> None:
    where = world(shop())
    steps = [
        step("find", "search_products", query="hose"),
        step("cart", "open_cart", customer="Ada"),
        step("fill", "add_to_cart", cart_id=ref("find", "cart.id"), sku=ref("find", "products.0.sku"), quantity=1),
    ]
    report = await carried_out(where, {"steps": steps})
    assert report.status == "repaired", report.problems
    assert report.plan["steps"][2]["arguments"]["cart_id"] == {"$ref": "cart", "path": "cart.id"}


@promise("references-are-repaired")
async def test_a_reference_to_a_misspelt_step_is_bound_to_it() -> None:
    where = world(shop())
    steps = [
        step("open_cart", "open_cart", customer="Ada"),
        step("fill", "add_to_cart", cart_id=ref("opencart", "cart.id"), sku="can-05", quantity=1),
    ]
    report = await carried_out(where, {"steps": steps})
    assert report.status == "repaired", report.problems
    assert report.plan["steps"][1]["arguments"]["cart_id"] == {"$ref": "open_cart", "path": "cart.id"}


@promise("references-are-repaired", "abstains")
async def test_a_reference_to_a_step_that_nothing_resembles_is_left() -> None:
    where = world(shop())
    steps = [step("find", "search_products", query="hose"), step("p", "get_product", sku=ref("warehouse", "shelf"))]
    report = await carried_out(where, {"steps": steps})
    assert report.status == "failed"
    assert "dangling_dependency" in [problem.kind for problem in report.problems]
    assert [tool for _, tool, _ in where.sent] == ["search_products"]


@promise("references-are-repaired")
async def test_a_cycle_is_broken_at_the_reference_that_cannot_have_been_meant() -> None:
    where = world(shop())
    steps = [
        step("cart", "open_cart", customer="Ada"),
        step("fill", "add_to_cart", cart_id=ref("order", "cart_id"), sku="can-05", quantity=1),
        step("order", "place_order", ["fill"], cart_id=ref("cart", "cart.id")),
    ]
    report = await carried_out(where, {"steps": steps})
    assert report.status == "repaired", report.problems
    assert report.plan["steps"][1]["arguments"]["cart_id"] == {"$ref": "cart", "path": "cart.id"}
    assert len(where.done) == 3


@promise("references-are-repaired")
async def test_a_cycle_that_nothing_breaks_is_told_and_its_steps_are_not_sent() -> None:
    where = world(units())
    steps = [
        step("a", "round_number", number=ref("b"), digits=1),
        step("b", "round_number", number=ref("a"), digits=2),
        step("c", "list_units"),
    ]
    report = await carried_out(where, {"steps": steps})
    assert report.status == "failed"
    assert [(problem.step, problem.kind) for problem in report.problems] == [
        ("a", "cyclic_dependency"), ("b", "cyclic_dependency"),
    ]  # fmt: skip
    assert [tool for _, tool, _ in where.sent] == ["list_units"]


@promise("references-are-repaired")
@pytest.mark.parametrize(
    "text", ["<cart_id>", "{cart_id}", "[cart_id from cart]", "TBD", "RESULT_FROM_CART", "<result of open_cart>"]
)
async def test_a_placeholder_is_filled_from_the_result_it_speaks_of(text: str) -> None:
    where = world(shop())
    steps = [
        step("cart", "open_cart", customer="Ada"),
        step("fill", "add_to_cart", cart_id=text, sku="can-05", quantity=1),
    ]
    report = await carried_out(where, {"steps": steps})
    assert report.status == "repaired", report.problems
    assert done(where, "add_to_cart") == [{"cart_id": "c-1-f7", "sku": "can-05", "quantity": 1}]


@promise("references-are-repaired")
async def test_a_list_where_one_item_is_wanted_is_mapped_over_or_left() -> None:
    where = world(weather())
    steps = [step("places", "list_places"), step("w", "forecast", place=ref("places", "places"))]
    report = await carried_out(where, {"steps": steps})
    assert report.status == "repaired", report.problems
    assert ops(report) == ["map_step"]
    assert [arguments["place"] for arguments in done(where, "forecast")] == ["Oslo", "Bergen"]


@promise("references-are-repaired")
async def test_a_list_of_one_is_opened() -> None:
    where = world(files("jsonschema"))
    steps = [step("l", "list_files", folder="report"), step("f", "read_file", path=ref("l", "result"))]
    report = await carried_out(where, {"steps": steps})
    assert report.status == "repaired", report.problems
    assert done(where, "read_file") == [{"path": "report.json"}]


@promise("references-are-repaired")
async def test_a_wrong_path_in_the_output_is_repaired_without_sending_anything_more() -> None:
    where = world(shop())
    plan = {"steps": [step("p", "get_product", sku="can-05")], "output": {"costs": ref("p", "product.prize")}}
    report = await carried_out(where, plan)
    assert report.status == "repaired", report.problems
    assert report.output == {"costs": 12.25}
    assert len(where.sent) == 1


@promise("references-are-repaired", "fidelity-costs")
async def test_an_object_is_not_written_as_text_to_make_it_fit() -> None:
    where = world(tickets(), shop())
    steps = [
        step("p", "get_product", sku="can-05"),
        step("a", "assign_ticket", ticket_id="T-7", user_id=ref("p", "product")),
    ]
    report = await carried_out(where, {"steps": steps})
    assert not any("{" in str(arguments.get("user_id")) for arguments in done(where, "assign_ticket"))
    assert report.status == "failed"


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
        ("cautious", "write", True),
        ("cautious", "unknown", True),
        ("trusting", "write", True),
    ],
)
async def test_policy_says_into_what_a_name_may_be_swapped(policy: str, effect: str, swapped: bool) -> None:
    where = world(Server("log").tool("measure_depth", lambda station: {"m": 3}, effect, station=TEXT))
    report = await carried_out(
        where, {"steps": [step("s", "measure_dept", station="N")]}, config=configured(effects={"policy": policy})
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
@pytest.mark.parametrize("tool", ["think", "final_answer", "respond", "print_result"])
async def test_steps_that_a_model_writes_for_itself_are_taken_out(tool: str) -> None:
    where = world(shop())
    steps = [step("p", "get_product", sku="can-05"), step("z", tool, text="the can costs 12.25")]
    report = await carried_out(where, {"steps": steps})
    assert report.status == "repaired", report.problems
    assert ops(report) == ["remove_step"]
    assert report.output == {"product": {"sku": "can-05", "title": "Watering can", "price": 12.25}}
    assert len(where.sent) == 1


@promise("superfluous-steps-go")
async def test_a_step_of_that_name_that_others_read_stays() -> None:
    where = world(shop())
    steps = [step("z", "think", about="cans"), step("s", "search_products", query=ref("z", "word"))]
    report = await carried_out(where, {"steps": steps})
    assert report.status == "failed"
    assert {each["id"] for each in report.plan["steps"]} == {"z", "s"}


@promise("superfluous-steps-go", "effects-once")
async def test_two_different_calls_under_one_id_are_both_kept_in_sight() -> None:
    where = world(tickets())
    steps = [step("a", "create_ticket", title="paint"), step("a", "create_ticket", title="brush")]
    report = await carried_out(where, {"steps": steps})
    assert report.status == "failed"
    assert "duplicate_step" in [problem.kind for problem in report.problems]
    assert len(where.done) <= 1


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


# several faults at once


@promise("references-are-repaired", "names-by-evidence", "effects-once")
@pytest.mark.parametrize("style", STYLES)
async def test_a_plan_with_a_fault_in_every_step_ends_right(style: Style) -> None:
    where, client = world(shop(style), tickets(style)), Person()
    steps = [
        step("find", "shop.searchProducts", Query="hose", max_price="50"),
        step("cart", "openCart", customer_name="Grace"),
        step("fill", "add_to_cart", cart_id=ref("cart", "cart_id"), sku=ref("find", "product.0.sku"), quantity="two"),
        step("order", "place_order", ["fill"], cartId=ref("cart", "cart.id")),
        step("note", "create_ticket", title="{{order.order.id}} for Grace", priority="URGENT", labels="garden"),
    ]
    plan = {"goal": "order two hoses", "steps": steps, "output": ref("note", "ticket.title")}
    report = await carried_out(where, plan, client=client)
    assert report.status == "repaired", report.problems
    assert report.output == "o-c-1-f7-k9 for Grace"
    assert where.done == [
        ("search_products", {"query": "hose", "max_price": 50}),
        ("open_cart", {"customer": "Grace"}),
        ("add_to_cart", {"cart_id": "c-1-f7", "sku": "hose-30", "quantity": 2}),
        ("place_order", {"cart_id": "c-1-f7"}),
        ("create_ticket", {"title": "o-c-1-f7-k9 for Grace", "priority": "urgent", "labels": ["garden"]}),
    ]
    assert {repair.step for repair in report.repairs} == {"find", "cart", "fill", "order", "note", "output"}


# ties


@promise("abstains")
@pytest.mark.parametrize("effect", ["read", "write"])
async def test_of_two_equally_near_tools_neither_is_called(effect: str) -> None:
    def find(sku: str) -> Any:
        return {"sku": sku}

    where = world(
        Server("shop").tool("get_product_a", find, effect, sku=TEXT).tool("get_product_b", find, effect, sku=TEXT)
    )
    report = await carried_out(where, {"steps": [step("p", "get_product_c", sku="x")]})
    assert report.status == "failed"
    assert where.sent == []
    (problem,) = report.problems
    assert problem.kind == "unknown_tool"
    assert ["get_product_a" in each or "get_product_b" in each for each in problem.candidates or []] == [True, True]


@promise("abstains", "references-are-repaired")
async def test_of_two_equally_near_values_neither_is_taken() -> None:
    server = Server("house").tool("rooms", lambda: {"north_room": "N1", "south_room": "S1"})
    where = world(server.tool("look_into", lambda room: {"seen": room}, room=TEXT))
    report = await carried_out(where, {"steps": [step("r", "rooms"), step("l", "look_into", room=ref("r", "room"))]})
    assert report.status == "failed"
    assert where.done == [("rooms", {})]
    assert [problem.kind for problem in report.problems] == ["wrong_reference_path"]
