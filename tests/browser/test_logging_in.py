"""A person logs in to a server at the page, in a real browser that comes back from another site."""

from __future__ import annotations

from pathlib import Path

from tests.browser.webdriver import Browser
from tests.doors import locked
from tests.frontends.guests import Guest, house

OPERATOR = "the-operator-of-this-house"


def test_a_person_comes_back_from_another_site_and_is_logged_in(window: Browser, tmp_path: Path) -> None:
    with locked() as server:
        server.well()
        more = (
            f'[upstreams.tickets]\nurl = "{server.url}"\noauth = {{ per_user = true }}\n[http]\ntoken = "{OPERATOR}"\n'
        )
        with house(tmp_path, more) as home:
            token = home.token("ada")
            window.size(1280, 900)
            window.open(f"{home.base.replace('127.0.0.1', 'localhost')}/ui/logins")
            window.run("document.querySelector('#token').value = arguments[0]", token)
            window.click("form.login .primary")
            window.until(lambda: "Calls and repairs" in window.text("h1"))
            window.click("nav a[href='/ui/logins']")
            window.until(lambda: "not logged in" in window.text(".card .status"))
            window.click("button[value=in]")
            window.until(lambda: window.count("a.primary"))
            assert "127.0.0.1" in window.text("a.primary")
            window.click("a.primary")
            window.until(lambda: "Logged in to tickets." in window.text(".notice"))
            assert window.text(".card .status") == "logged in"
            Guest(home.base, token).tools()
            window.click("button[value=out]")
            window.until(lambda: window.text(".card .status") == "not logged in")
            window.click("form[action='/ui/logout'] button")
            window.until(lambda: window.count("#token"))
