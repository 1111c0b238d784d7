"""Two tenants of one real proxy, over both eras: what one may do, and that nothing of the other is there for it."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.frontends.guests import CALL, Guest, House, answer, house, until
from tests.promises import promise

OPERATOR = "the-operator-of-this-house"
READS = {"shop__search_products", "shop__get_product", "shop__order_status"}
OWN = {"run_workflow", "find_tools"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Generator[House]:
    with house(tmp_path_factory.mktemp("house"), f'[http]\ntoken = "{OPERATOR}"\n') as running:
        everything = Guest(running.base, OPERATOR)
        until(lambda: {"shop__get_product", "one__echo", "two__echo"} <= everything.tools())
        yield running


@pytest.fixture(scope="module")
def alice(home: House) -> Guest:
    """She may read in the shop, and use all of `one`."""
    return home.guest("alice", "--upstream", "shop", "--upstream", "one", "--effect", "read", "--effect", "unknown")


@pytest.fixture(scope="module")
def bob(home: House) -> Guest:
    """He may use some of the shop, whatever it does, and all of `two`."""
    return home.guest("bob", "--upstream", "shop", "--upstream", "two", "--tool", "*cart*", "--tool", "two__*")


@pytest.fixture(scope="module")
def operator(home: House) -> Guest:
    return Guest(home.base, OPERATOR)


def effects(home: House) -> list[Any]:
    """What was really done in the shop."""
    lines = [json.loads(line) for line in (home.folder / "shop.jsonl").read_text().splitlines()]
    return [line["tool"] for line in lines if "tool" in line]


def text(reply: dict[str, Any]) -> str:
    return json.dumps(reply)


@promise("tenants-see-their-own")
def test_lists_hold_what_is_granted(alice: Guest, bob: Guest, operator: Guest) -> None:
    hers, his = {*READS, "one__echo", *OWN}, {"shop__open_cart", "shop__add_to_cart", "two__echo", *OWN}
    assert alice.tools() == hers
    assert bob.tools() == his
    assert hers | his < operator.tools()
    assert alice.tools("/servers/shop/mcp") == {name.removeprefix("shop__") for name in READS}
    for guest, wanted in ((alice, hers), (bob, his)):
        guest.open()
        assert {tool["name"] for tool in guest.within("tools/list")["result"]["tools"]} == wanted


@promise("tenants-see-their-own")
def test_an_upstream_that_is_not_granted_is_not_there(alice: Guest) -> None:
    assert alice.send({"id": 1, "method": "tools/list"}, "/servers/two/mcp").status_code == 404
    assert alice.send({"id": 1, "method": "tools/list"}, "/servers/nobody/mcp").status_code == 404
    assert alice.client.get("/servers/two/sse").status_code == 404


@promise("tenants-see-their-own")
@pytest.mark.parametrize("era", ["modern", "handshake"])
def test_a_tool_that_is_not_granted_cannot_be_told_from_one_that_is_nowhere(
    home: House, alice: Guest, era: str
) -> None:
    before = effects(home)
    alice.open()
    asked = alice.ask if era == "modern" else alice.within
    known = asked(CALL, {"name": "shop__cancel_order", "arguments": {"order_id": "o-1"}})
    nowhere = asked(CALL, {"name": "shop__vanish_ordeal", "arguments": {"order_id": "o-1"}})
    assert known["error"]["code"] == nowhere["error"]["code"]
    assert known["error"]["message"].startswith("Unknown tool: shop__cancel_order")
    for name in ("two__echo", "two.echo", "mcp__two__echo", "open_cart", "shop__OpenCart", "shop__open_cart"):
        reply = asked(CALL, {"name": name, "arguments": {"text": "x", "customer": "x"}})
        assert "error" in reply, reply
        assert "two__" not in text(reply).replace(name, "")
        assert "open_cart" not in text(reply).replace(name, "")
    for name in ("cancel_order", "open_cart", "Open_Cart", "place-order"):
        reply = (
            asked(CALL, {"name": name, "arguments": {"customer": "x"}}, "/servers/shop/mcp")
            if era == "modern"
            else (alice.call(name, {"customer": "x"}, "/servers/shop/mcp"))
        )
        assert "error" in reply, reply
    assert effects(home) == before


@promise("tenants-see-their-own")
def test_a_repair_reaches_no_tool_beyond_the_grants(home: House, alice: Guest, bob: Guest) -> None:
    before = effects(home)
    mended = alice.call("shop__get_prodct", {"sku": "rake-12"})["result"]
    assert mended["_meta"]["mcp-mend/repair"]["repairs"]
    assert "error" in alice.call("shop__cancel_ordr", {"order_id": "o-1"})
    assert "error" in bob.call("shop__search_prodcts", {"query": "rake"})
    assert effects(home) == before
    assert bob.call("shop__OpenCart", {"customer": "Bob"})["result"]["isError"] is False
    assert effects(home) == [*before, "open_cart"]


@promise("tenants-see-their-own")
def test_a_workflow_runs_granted_steps_alone(home: House, alice: Guest) -> None:
    before = effects(home)
    steps = [
        {"id": "find", "tool": "shop__get_product", "arguments": {"skuu": "rake-12"}},
        {"id": "cart", "tool": "shop__open_cart", "arguments": {"customer": "Kim"}},
        {"id": "far", "tool": "echo", "server": "two", "arguments": {"text": "hello"}},
        {"id": "gone", "tool": "cancel_order", "server": "shop", "arguments": {"order_id": "o-1"}},
    ]
    for step in steps[1:]:
        plan = {"goal": "Open a cart for Kim, say hello and cancel an order", "steps": [steps[0], step]}
        report = alice.call("run_workflow", plan)["result"]["structuredContent"]
        told = {each["id"]: each for each in report["steps"]}
        assert report["status"] == "failed"
        assert told["find"]["ok"] is True
        assert told[step["id"]]["ok"] is False
        assert {each["server"] for each in report["steps"] if each["ok"]} <= {"shop", "one"}
    assert effects(home) == before


@promise("tenants-see-their-own")
def test_tools_are_found_among_the_granted(alice: Guest, bob: Guest) -> None:
    for guest in (alice, bob):
        found = guest.call("find_tools", {"query": "order cart product echo", "limit": 50})["result"]
        assert {tool["name"] for tool in found["structuredContent"]["tools"]} <= guest.tools()


@promise("tenants-see-their-own")
def test_resources_and_what_is_said_of_them_stay_within_the_grants(alice: Guest, bob: Guest) -> None:
    assert [each["uri"] for each in alice.ask("resources/list")["result"]["resources"]] == ["mem://one/1"]
    assert [each["uri"] for each in bob.ask("resources/list")["result"]["resources"]] == ["mem://two/1"]
    for guest in (alice, bob):
        guest.open()
    assert "error" in alice.within("resources/subscribe", {"uri": "mem://two/1"}) or not _two_subscribed(bob)
    assert "error" in alice.ask("completion/complete", {"ref": {"type": "ref/resource", "uri": "mem://two/1"}})
    assert "error" in alice.ask("prompts/get", {"name": "two__greet"})


def _two_subscribed(bob: Guest) -> bool:
    told = bob.call("two__echo", {"text": "subscribed"})["result"]["content"][0]["text"]
    return "mem://two/1" in told


@promise("tenants-see-their-own")
def test_a_method_that_nobody_knows_the_effect_of_needs_every_tool(home: House, alice: Guest) -> None:
    whole = home.guest("carol", "--upstream", "one")
    for guest in (alice, whole):
        guest.open("/servers/one/mcp")
    assert whole.within("acme/wipe", {"all": True}, "/servers/one/mcp")["result"]["by"] == "one"
    assert alice.within("acme/wipe", {"all": True}, "/servers/one/mcp")["error"]["code"] == -32601
    assert "error" in alice.ask("acme/wipe", {"all": True})


@promise("tenants-never-meet")
def test_a_session_is_unknown_to_everybody_else(alice: Guest, bob: Guest, operator: Guest) -> None:
    session = alice.open()
    for other in (bob, operator):
        assert other.send({"id": 3, "method": "tools/list"}, mcp_session_id=session).status_code == 404
        assert (
            other.client.get("/mcp", headers={"mcp-session-id": session, "accept": "text/event-stream"}).status_code
            == 404
        )
        assert other.client.delete("/mcp", headers={"mcp-session-id": session}).status_code == 404
    assert alice.send({"id": 3, "method": "ping"}, mcp_session_id=session).status_code == 200


@promise("tenants-never-meet")
def test_a_paused_call_is_gone_on_with_by_its_own_tenant_alone(alice: Guest, home: House) -> None:
    twin = home.guest("twin", "--upstream", "one")
    asked = alice.call("one__echo", {"text": "ask"})["result"]
    assert asked["resultType"] == "input_required"
    given = {key: {"roots": []} for key in asked["inputRequests"]}
    again = {
        "name": "one__echo",
        "arguments": {"text": "ask"},
        "requestState": asked["requestState"],
        "inputResponses": given,
    }
    assert "error" in twin.ask(CALL, again)
    assert "result" in alice.ask(CALL, again)


def entries(page: httpx2.Response) -> int:
    return page.text.count('class="entry ')


@promise("tenants-never-meet")
def test_the_page_shows_a_tenant_its_own_calls_and_lets_it_do_nothing(home: House, alice: Guest, bob: Guest) -> None:
    bob.call("shop__add_to_cart", {"cart_id": "c-0", "sku": "rake-12", "quantity": 1})
    alice.call("shop__get_product", {"sku": "Alice-was-here"})
    hers, his = home.page(alice.token), home.page(bob.token)
    everything = home.page(OPERATOR)
    for_her, for_him = "/ui/?kind=call&tool=get_product", "/ui/?kind=call&tool=add_to_cart"
    until(lambda: entries(everything.get(for_her)) and entries(everything.get(for_him)))
    assert entries(hers.get(for_her))
    assert entries(his.get(for_him))
    assert not entries(hers.get(for_him))
    assert not entries(his.get(for_her))
    seen = hers.get("/ui/?kind=call").text
    assert "two" not in seen.partition('name="server"')[2].partition("</select>")[0]
    call = seen.partition("/ui/calls/")[2].partition('"')[0]
    assert hers.get(f"/ui/calls/{call}").status_code == 200
    assert everything.get(f"/ui/calls/{call}").status_code == 200
    assert his.get(f"/ui/calls/{call}").status_code == 404
    assert "Replay" not in hers.get(f"/ui/calls/{call}").text
    for path in ("servers", "tools", "figures", "settings", f"replay/{call}"):
        assert hers.get(f"/ui/{path}").status_code == 403, path
        assert everything.get(f"/ui/{path}").status_code == 200, path
    form = {"form_token": hers.get("/ui/login").text.partition('name="form_token" value="')[2].partition('"')[0]}
    assert hers.post("/ui/pause", data={**form, "server": "shop", "on": "yes"}).status_code == 403
    assert his.post("/ui/logout", data=form).status_code == 403, "the form token of another login"
    for browser in (hers, his, everything):
        browser.close()


@promise("tenants-never-meet")
def test_a_cookie_is_worth_nothing_beyond_its_own_login(home: House, alice: Guest, bob: Guest) -> None:
    browser = home.page(alice.token)
    digest, _, sign = browser.cookies["mcp-mend-ui"].partition(".")
    other, _, _ = home.page(bob.token).cookies["mcp-mend-ui"].partition(".")
    assert digest != other
    for forged in (f"{other}.{sign}", f"{digest}.", digest, f"{digest}.{sign[:-1]}x", ""):
        told = Guest(home.base).client.get("/ui/", headers={"cookie": f"mcp-mend-ui={forged}", "accept": "text/html"})
        assert told.status_code == 303


@promise("tenants-never-meet")
def test_figures_are_for_the_operator(alice: Guest, operator: Guest, home: House) -> None:
    assert alice.client.get("/metrics").status_code == 403
    assert operator.client.get("/metrics").status_code == 200
    assert "upstreams" not in alice.client.get("/readyz").json()
    assert Guest(home.base).client.get("/metrics").status_code == 401


@promise("tenants-never-meet")
def test_the_journal_says_whose_call_it_was(home: House, alice: Guest) -> None:
    alice.call("shop__get_prodct", {"sku": "hose-30"})

    def listed() -> list[dict[str, Any]]:
        lines = home.mend("log", "list", "--tenant", "alice", "-n", "0", "--json").splitlines()
        return [json.loads(line) for line in lines]

    found = until(lambda: [each for each in listed() if each["kind"] == "repair" and "hose-30" in text(each)])
    assert {each["tenant"] for each in found} == {"alice"}
    assert {each["tenant"] for each in listed()} == {"alice"}


@promise("tenants-never-meet")
def test_what_one_saw_is_no_evidence_for_another(home: House) -> None:
    """The same call, after the same session's listing: only the tenant's own results can mend it."""
    first, second = home.guest("dora"), home.guest("emil")
    for guest in (first, second):
        guest.open()
    first.within(CALL, {"name": "shop__search_products", "arguments": {"query": "rake"}})
    mended = first.within(CALL, {"name": "shop__get_product", "arguments": {"sku": "rake-1"}})
    alone = second.within(CALL, {"name": "shop__get_product", "arguments": {"sku": "rake-1"}})
    assert mended["result"].get("isError") is not True
    assert alone["result"]["isError"] is True
    assert "rake-12" not in text(alone)


@promise("tenants-are-bounded")
def test_a_rate_is_told_with_the_wait_and_counts_repairs(home: House, operator: Guest) -> None:
    guest = home.guest("slow", "--rate", "3/min")
    assert guest.call("shop__get_product", {"skuu": "rake-12"})["result"]["_meta"]["mcp-mend/repair"]
    assert "result" in guest.call("shop__get_product", {"sku": "rake-12"})
    over = guest.call("shop__get_product", {"sku": "rake-12"})["error"]
    assert "the limit of slow is 3 calls a minute" in over["message"]
    assert "wait " in over["message"]
    guest.open()
    assert (
        "3 calls a minute"
        in guest.within(CALL, {"name": "shop__get_product", "arguments": {"sku": "rake-12"}})["error"]["message"]
    )
    assert guest.tools()
    assert "result" in operator.call("shop__get_product", {"sku": "rake-12"})


@promise("tenants-are-bounded")
def test_a_call_beyond_those_at_once_is_refused_and_one_that_waits_its_turn_is_sent(home: House) -> None:
    guest = home.guest("narrow", "--upstream", "one", "--concurrent", "1")
    held = threading.Thread(target=lambda: _given_up(guest))
    held.start()
    until(lambda: "error" in guest.call("one__echo", {"text": "hello"}))
    told = guest.call("one__echo", {"text": "hello"})["error"]["message"]
    assert "the limit of narrow is 1 call at once" in told
    held.join()
    assert "result" in guest.call("one__echo", {"text": "hello"})


def _given_up(guest: Guest) -> None:
    """A call that gets no answer, until its client leaves."""
    impatient = Guest(guest.base, guest.token)
    impatient.client.timeout = httpx2.Timeout(6)
    with pytest.raises(httpx2.ReadTimeout):
        impatient.call("one__echo", {"text": "never"})


@promise("tokens-end")
def test_a_revoked_token_stops_with_all_it_has_under_way(home: House) -> None:
    guest = home.guest("frank", "--upstream", "one")
    session = guest.open()
    ended: list[Any] = []

    def listen() -> None:
        headers = {"mcp-session-id": session, "accept": "text/event-stream"}
        with guest.client.stream("GET", "/mcp", headers=headers) as stream:
            ended.append(list(stream.iter_bytes()))

    listening = threading.Thread(target=listen)
    listening.start()
    browser = home.page(guest.token)
    assert browser.get("/ui/").status_code == 200
    home.mend("token", "revoke", "frank", "--config", str(home.file))
    until(lambda: guest.send({"id": 1, "method": "tools/list"}).status_code == 401)
    listening.join(10)
    assert not listening.is_alive()
    assert browser.get("/ui/").status_code == 303
    browser.close()


@promise("tokens-end")
def test_a_token_ends_with_its_time(home: House, operator: Guest, alice: Guest) -> None:
    assert Guest(home.base, "mend_" + "x" * 43).send({"id": 1, "method": "tools/list"}).status_code == 401
    assert Guest(home.base).send({"id": 1, "method": "tools/list"}).status_code == 401
    assert Guest(home.base, alice.token + "x").send({"id": 1, "method": "tools/list"}).status_code == 401
    assert answer(operator.send({"id": 1, "method": "initialize", "params": {}}))


def test_no_token_is_anywhere_on_disk(home: House, alice: Guest, bob: Guest) -> None:
    alice.call("shop__get_product", {"sku": bob.token})
    files = [path for path in home.folder.rglob("*") if path.is_file()]
    for path in files:
        held = path.read_bytes()
        for token in (alice.token, bob.token):
            if path.name != "shop.jsonl":
                assert token.encode() not in held, path


def test_without_a_configured_token_the_first_tenant_closes_the_door(tmp_path: Path) -> None:
    with house(tmp_path) as own:
        anybody = Guest(own.base)
        assert anybody.tools()
        guest = own.guest("only", "--upstream", "shop")
        until(lambda: "shop__open_cart" in guest.tools())
        until(lambda: anybody.send({"id": 1, "method": "tools/list"}).status_code == 401)
        assert anybody.client.get("/ui/", headers={"accept": "text/html"}).status_code == 303


def test_an_address_that_others_reach_is_served_where_there_are_tenants(tmp_path: Path) -> None:
    own = House("", tmp_path, tmp_path / "proxy.toml")
    own.file.write_text('[planner]\nbackend = "none"\n', encoding="utf-8")
    token = own.token("only")
    with house(tmp_path, host="0.0.0.0") as running:  # noqa: S104  the case
        assert Guest(running.base).send({"id": 1, "method": "tools/list"}).status_code == 401
        until(lambda: "shop__open_cart" in Guest(running.base, token).tools())


def test_a_store_that_cannot_be_read_lets_nobody_new_in_and_says_so(tmp_path: Path) -> None:
    with house(tmp_path, f'[http]\ntoken = "{OPERATOR}"\n') as own:
        known = own.guest("known", "--upstream", "shop")
        assert known.tools()
        state = own.folder / "home" / "state.db"
        for each in state.parent.glob("state.db*"):
            each.unlink()
        state.write_bytes(b"this is no database at all" * 100)
        stranger = Guest(own.base, "mend_" + "y" * 43)
        refused = until(lambda: (told := stranger.send({"id": 1, "method": "tools/list"})).status_code == 503 and told)
        assert "Nobody new is let in" in refused.json()["error"]["message"]
        assert refused.headers["retry-after"]
        assert known.tools()
        assert Guest(own.base, OPERATOR).tools()
