"""Logins of single tenants at a server: given at the page, used for nobody else, over both eras of either side."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Generator
from typing import Any

import httpx2
import pytest

from tests.doors import Locked, locked, mend
from tests.frontends.guests import CALL, Guest, House, house, until
from tests.promises import promise

OPERATOR = "the-operator-of-this-house"
ECHO = {"name": "tickets__echo", "arguments": {"text": "hello"}}


@pytest.fixture(scope="module", params=["both eras", "sessions alone"])
def server(request: pytest.FixtureRequest) -> Generator[Locked]:
    with locked() as running:
        running.well()
        running.behave(sessions=request.param == "sessions alone")
        yield running


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, server: Locked) -> Generator[House]:
    folder = tmp_path_factory.mktemp("house")
    tickets = f'[upstreams.tickets]\nurl = "{server.url}"\n[upstreams.tickets.oauth]\nper_user = true\n'
    with house(folder, f'{tickets}[http]\ntoken = "{OPERATOR}"\n') as running, pytest.MonkeyPatch.context() as patch:
        patch.setenv("MCP_MEND_HOME", running.env["MCP_MEND_HOME"])
        done = mend("login", "tickets", "--config", str(running.file))
        assert done.returncode == 0, done.stderr
        everything = Guest(running.base, OPERATOR)
        until(lambda: "tickets__echo" in everything.tools())
        yield running


@pytest.fixture(scope="module")
def ada(home: House) -> Guest:
    return home.guest("ada")


@pytest.fixture(scope="module")
def bob(home: House) -> Guest:
    return home.guest("bob")


@pytest.fixture(scope="module")
def operator(home: House) -> Guest:
    return Guest(home.base, OPERATOR)


def called(guest: Guest, era: str) -> dict[str, Any]:
    if era == "modern":
        return guest.ask(CALL, ECHO)
    guest.open()
    return guest.within(CALL, ECHO)


def works(guest: Guest, era: str) -> bool:
    reply = called(guest, era)
    return "result" in reply and reply["result"]["content"][0]["text"] == "hello"


def at_rest(server: Locked) -> int:
    """How many requests were let in, once those are that go on beside calls."""
    before = -1
    while before != (before := len(server.seen("passed"))):
        time.sleep(0.5)
    return before


def pressed(browser: httpx2.Client, act: str) -> str:
    """The page that a button of the logins leads to."""
    form = re.search(r'name="form_token" value="([^"]+)"', browser.get("/ui/logins").text)
    assert form is not None
    answer = browser.post("/ui/logins", data={"form_token": form[1], "server": "tickets", "act": act})
    return (browser.get(answer.headers["location"]) if answer.status_code == 303 else answer).text


def sent_back(browser: httpx2.Client) -> str:
    """Begin to log in, and do so where the page leads: the address of ours that the browser comes to in the end."""
    link = re.search(r'href="(http[^"]+/authorize[^"]+)"', pressed(browser, "in"))
    assert link is not None
    back = httpx2.get(html.unescape(link[1])).headers["location"]
    assert "/ui/logins/back?" in back
    stranger = httpx2.get(back)
    assert "set-cookie" not in stranger.headers
    target = re.search(r'url=(/ui/logins/finish[^"]+)"', stranger.text)
    assert target is not None
    return html.unescape(target[1])


def logged_in(home: House, guest: Guest) -> httpx2.Client:
    browser = home.page(guest.token)
    assert "Logged in to tickets." in browser.get(sent_back(browser)).text
    return browser


@promise("tenants-use-their-own-logins")
@pytest.mark.parametrize("era", ["modern", "handshake"])
def test_a_tenant_calls_with_its_own_login_and_with_nobody_elses(
    home: House, server: Locked, ada: Guest, bob: Guest, operator: Guest, era: str
) -> None:
    assert works(operator, era)
    for guest in (ada, bob):
        before = at_rest(server)
        refused = called(guest, era)
        assert "it wants you to log in: log in at /ui/logins" in str(refused)
        assert len(server.seen("passed")) == before, "somebody else's login was used"
    browser = logged_in(home, ada)
    assert works(ada, era)
    assert "log in at /ui/logins" in str(called(bob, era))
    logged_in(home, bob)
    assert works(bob, era)
    assert works(ada, era)
    tokens_of: dict[str, set[str]] = {}
    for token, session in server.seen("passed"):
        tokens_of.setdefault(session, set()).add(token)
    assert all(len(tokens) == 1 for session, tokens in tokens_of.items() if session)
    assert "Not logged in" not in pressed(browser, "out")
    assert "log in at /ui/logins" in str(called(ada, era))
    assert works(bob, era)
    pressed(home.page(bob.token), "out")


@promise("tenants-use-their-own-logins")
def test_what_is_no_request_goes_out_with_no_other_login_either(server: Locked, bob: Guest) -> None:
    bob.open()
    before = at_rest(server), len(server.seen("turned away"))
    bob.send({"method": "notifications/of_their_own"}, **bob.session)
    until(lambda: (len(server.seen("passed")), len(server.seen("turned away"))) != before)
    assert len(server.seen("passed")) == before[0]


@promise("tenants-use-their-own-logins")
def test_a_login_is_ended_by_who_began_it_alone(home: House, ada: Guest, bob: Guest, server: Locked) -> None:
    adas, bobs = home.page(ada.token), home.page(bob.token)
    grants = len(server.seen("grant"))
    target = sent_back(adas)
    assert "was not begun here" in bobs.get(target).text
    stranger = httpx2.get(f"{home.base}{target}", headers={"accept": "text/html"})
    assert (stranger.status_code, stranger.headers["location"]) == (303, "/ui/login")
    assert len(server.seen("grant")) == grants
    assert "Logged in to tickets." in adas.get(target).text
    assert "was not begun here" in adas.get(target).text
    assert "log in at /ui/logins" in str(called(bob, "modern"))
    pressed(adas, "out")


def test_who_says_no_is_told_so_and_may_begin_again(home: House, ada: Guest, server: Locked) -> None:
    browser = home.page(ada.token)
    server.behave(deny=True)
    assert "the person said no" in html.unescape(browser.get(sent_back(browser)).text)
    server.behave(deny=False)
    assert "Logged in to tickets." in browser.get(sent_back(browser)).text
    pressed(browser, "out")


def test_the_page_offers_a_tenant_nothing_but_its_own(home: House) -> None:
    cara = home.guest("cara", "--upstream", "shop")
    browser = home.page(cara.token)
    assert "tickets" not in browser.get("/ui/logins").text
    form = re.search(r'name="form_token" value="([^"]+)"', browser.get("/ui/logins").text)
    assert form is not None
    asked = browser.post("/ui/logins", data={"form_token": form[1], "server": "tickets", "act": "in"})
    assert asked.status_code == 404
    assert browser.post("/ui/logins", data={"server": "tickets", "act": "in"}).status_code == 403


def test_whoever_runs_the_proxy_logs_in_at_the_page_too(home: House, operator: Guest) -> None:
    browser = home.page(OPERATOR)
    pressed(browser, "out")
    assert "run `mcp-mend login tickets`" in str(called(operator, "modern"))
    assert "Logged in to tickets." in browser.get(sent_back(browser)).text
    assert until(lambda: works(operator, "modern"))
