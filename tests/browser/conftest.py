"""One browser and one proxy with one repair in its journal, shared by the tests of this folder."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from tests.browser.webdriver import CHROMIUM, DRIVER, MISSING, Browser, browser
from tests.ui.proxy import BROKEN, Proxy, listening


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.skipif(not (CHROMIUM and DRIVER), reason=MISSING))


@pytest.fixture(scope="session")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Generator[Proxy]:
    with listening(tmp_path_factory.mktemp("proxy")) as running:
        running.open()
        assert running.call("run_workflow", BROKEN)["structuredContent"]["status"] == "repaired"
        running.call("shop__search_products", {"query": "hose"})
        yield running


@pytest.fixture(scope="session")
def window(tmp_path_factory: pytest.TempPathFactory) -> Generator[Browser]:
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture
def page(proxy: Proxy, window: Browser) -> Browser:
    window.size(1280, 900)
    window.open(f"{proxy.base}/ui")
    window.run("localStorage.clear(); delete document.documentElement.dataset.theme")
    window.until(lambda: window.text("#live") == "Live")
    return window
