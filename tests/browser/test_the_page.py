"""The page in a real browser, over repairs that a real proxy made."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.browser.webdriver import Browser
from tests.ui.proxy import Proxy

RENEWED = "return document.querySelectorAll('tr.entry').length"


def opened(page: Browser) -> Browser:
    page.click("tr.workflow a")
    page.until(lambda: "/ui/runs/" in page.address)
    return page


def test_a_repair_is_listed_and_told_whole(page: Browser) -> None:
    assert "6 changes" in page.text("tr.workflow")
    opened(page)
    assert "Put two watering cans" in page.text("h1")
    assert page.count(".graphs svg") == 2
    assert page.count(".graphs svg .node.changed") == 6
    drawn = "return [...document.querySelectorAll('.node rect, .chart path.best')].every(e => e.getBBox().width > 20)"
    assert page.run(drawn)
    assert page.count(".chart circle") == 3
    assert page.count(".chart circle.solved") == 1
    assert page.count(".tree .tree .tree .candidate.best") == 1
    assert "misspelled tool" in page.text("ol.changes")
    assert "product.price" in page.text("main")
    page.click(".crumb a")
    page.until(lambda: page.count("tr.entry"))


def test_a_call_shows_in_the_list_as_it_is_made(page: Browser, proxy: Proxy) -> None:
    before = page.run(RENEWED)
    proxy.call("shop__search_products", {"query": "rake that was just looked for"})
    page.until(lambda: page.run(RENEWED) > before)
    assert page.count("tr.entry.fresh") >= 1


def test_the_last_of_a_quick_series_shows_too(page: Browser, proxy: Proxy) -> None:
    for words in ("first of a series", "second of a series", "last of a series"):
        before = page.run("return document.querySelector('tr.entry').id")
        proxy.call("shop__search_products", {"query": words})
        page.until(lambda before=before: page.run("return document.querySelector('tr.entry').id") != before)


def test_a_tab_that_nobody_sees_rests_and_catches_up(page: Browser, proxy: Proxy) -> None:
    hide = "Object.defineProperty(document, 'hidden', {value: arguments[0], configurable: true});"
    turn = f"{hide} document.dispatchEvent(new Event('visibilitychange'))"
    page.run(turn, True)
    before = page.run("return document.querySelector('tr.entry').id")
    proxy.call("shop__search_products", {"query": "looked for while nobody looks"})
    time.sleep(1.5)
    assert page.run("return document.querySelector('tr.entry').id") == before
    page.run(turn, False)
    page.until(lambda: page.run("return document.querySelector('tr.entry').id") != before)


def test_the_keyboard_leads_through_the_list_and_back(page: Browser) -> None:
    page.type("j")
    first = page.run("return document.querySelector('tr.selected').id")
    page.type("j")
    second = page.run("return document.querySelector('tr.selected').id")
    assert first != second
    page.type("k")
    assert page.run("return document.querySelector('tr.selected').id") == first
    page.type("enter")
    page.until(lambda: page.address.endswith(first.removeprefix("e-")))
    page.type("u")
    page.until(lambda: page.count("tr.entry"))
    page.type("?")
    assert page.run("return document.querySelector('#help').open")
    page.type("escape")
    page.until(lambda: not page.run("return document.querySelector('#help').open"))


def test_search_and_filters_cut_the_list_and_stand_in_the_address(page: Browser) -> None:
    page.type("/")
    page.type("skuu rake-12")
    page.until(lambda: page.run(RENEWED) == 1 and "q=skuu" in page.address)
    assert page.count("tr.workflow") == 1
    page.open(page.address)
    assert page.run(RENEWED) == 1
    page.click(".clear")
    page.until(lambda: page.run(RENEWED) > 1)
    page.run("document.querySelector('[name=kind]').value = 'call'")
    page.run("document.querySelector('[name=kind]').dispatchEvent(new Event('input', {bubbles: true}))")
    page.until(lambda: "kind=call" in page.address)
    assert page.count("tr.workflow") == 0


def test_dark_and_light_follow_the_switch_and_are_kept(page: Browser, proxy: Proxy) -> None:
    ground = "return getComputedStyle(document.body).backgroundColor"
    light = page.run(ground)
    page.click("[data-do=theme]")
    dark = page.run(ground)
    assert light != dark
    page.open(f"{proxy.base}/ui/tools")
    assert page.run(ground) == dark


@pytest.mark.parametrize("path", ["", "servers", "tools", "figures", "logins", "settings"])
def test_nothing_is_wider_than_a_narrow_screen(page: Browser, proxy: Proxy, path: str) -> None:
    page.size(500, 800)
    page.open(f"{proxy.base}/ui/{path}")
    assert page.run("return document.documentElement.scrollWidth <= innerWidth")
    if not path:
        opened(page)
        assert page.run("return document.documentElement.scrollWidth <= innerWidth")


def test_a_server_is_paused_and_resumed_from_the_page(page: Browser, proxy: Proxy) -> None:
    page.open(f"{proxy.base}/ui/servers")
    page.click("button[aria-label='Pause repair of shop']")
    page.until(lambda: page.count(".status.paused") == 1)
    assert "shop" in (proxy.home / "paused.json").read_text()
    page.click("button[aria-label='Resume repair of shop']")
    page.until(lambda: page.count(".status.paused") == 0)


def test_a_call_is_sent_again_only_where_that_is_asked_for(page: Browser, proxy: Proxy) -> None:
    page.open(f"{proxy.base}/ui/?q=hose&kind=call")
    page.click("tr.entry a")
    page.until(lambda: "/ui/calls/" in page.address)
    page.click(".acts .button")
    page.until(lambda: "Nothing has been sent" in page.text("main"))
    page.click("form .primary")
    page.until(lambda: "the same reply" in page.text("main"))


def test_the_page_asks_no_other_host_and_breaks_none_of_its_own_rules(page: Browser, proxy: Proxy) -> None:
    opened(page)
    names = page.run("return performance.getEntriesByType('resource').map(e => e.name)")
    assert names
    assert all(name.startswith(proxy.base) for name in names)
    broken = (
        "const done = arguments[0]; let seen = 0; addEventListener('securitypolicyviolation', () => seen++);"
        "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=window.ran=1>');"
        "setTimeout(() => done([seen, window.ran ?? 0]), 300)"
    )
    seen, ran = page.later(broken)
    assert (seen > 0, ran) == (True, 0)


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The source of axe-core, fetched by npm into a folder of its own."""
    npm, folder = shutil.which("npm"), tmp_path_factory.mktemp("axe")
    if npm is None:
        pytest.skip("there is no npm to fetch axe-core with")
    line = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder), "axe-core@4"]
    fetched = subprocess.run(line, capture_output=True, text=True, timeout=120, check=False)
    if fetched.returncode:
        pytest.skip(f"axe-core could not be fetched: {fetched.stderr[-200:]}")
    return Path(folder, "node_modules", "axe-core", "axe.min.js").read_text(encoding="utf-8")


@pytest.mark.network
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("path", ["", "run", "servers", "tools", "figures", "settings"])
def test_axe_finds_nothing_serious(page: Browser, proxy: Proxy, axe: str, path: str, theme: str) -> None:
    page.run("localStorage.setItem('mcp-mend-theme', arguments[0])", theme)
    page.open(f"{proxy.base}/ui/{'' if path == 'run' else path}")
    if path == "run":
        opened(page)
    page.run(axe)
    found = page.later("const done = arguments[0]; axe.run().then(r => done(r.violations), e => done(String(e)))")
    serious = [
        (one["id"], [node["html"] for node in one["nodes"]])
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
    assert serious == []


def test_rows_that_are_the_same_stay_where_they_are(page: Browser, proxy: Proxy) -> None:
    page.open(f"{proxy.base}/ui/")
    page.run("document.querySelector('tr.entry').mark = true")
    page.until(lambda: page.text("#live") == "Live")
    page.run("window.told = 0; stream.addEventListener('journal', () => window.told++)")
    page.run("follow(true); stream.addEventListener('journal', () => window.told++)")
    page.until(lambda: page.run("return window.told"))
    assert page.run("return document.querySelector('tr.entry').mark")
