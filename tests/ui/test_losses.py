"""A journal that cannot take its records costs no call, and the page says so."""

from __future__ import annotations

import re
import sqlite3
import time
from contextlib import ExitStack, closing
from html import unescape
from pathlib import Path

import httpx2
import pytest

from tests.promises import promise
from tests.store.test_retention import small_disk, small_disks_can_be_made
from tests.ui.proxy import Proxy, listening

NOTICE = re.compile(r'<p class="notice bad" role="status">(.*?)</p>')


def told(proxy: Proxy) -> list[str]:
    """What the page says above its list."""
    return [unescape(text) for text in NOTICE.findall(httpx2.get(f"{proxy.base}/ui/", timeout=60).text)]


def looks(proxy: Proxy, times: int = 1, length: int = 4) -> None:
    """Search the shop; every call is answered, whatever the journal can take."""
    for _ in range(times):
        answer = proxy.call("shop__search_products", {"query": "hose" + " " * length})
        assert not answer.get("isError"), answer


def until_told(proxy: Proxy, words: str) -> str:
    """The sentence that holds these words, as soon as the page says it."""
    end = time.monotonic() + 40
    while not (found := [text for text in told(proxy) if words in text]):
        assert time.monotonic() < end, told(proxy)
        time.sleep(0.2)
    return found[0]


@promise("journal-holds-nobody-up")
def test_the_page_says_that_the_journal_is_locked_and_afterwards_what_it_misses(tmp_path: Path) -> None:
    with ExitStack() as lock, listening(tmp_path) as proxy:
        proxy.open()
        looks(proxy)
        assert told(proxy) == []
        file = proxy.home / "journal.db"
        other = lock.enter_context(closing(sqlite3.connect(file, isolation_level=None, timeout=30)))
        other.execute("BEGIN IMMEDIATE")
        looks(proxy, 3)
        said = until_told(proxy, "cannot be written now")
        assert said == "Records cannot be written now (database is locked); 3 wait in memory, and calls go on."
    with listening(tmp_path) as proxy:
        (said,) = told(proxy)
        assert re.fullmatch(
            r"3 records are not in the journal, last at [\d: -]{16}: database is locked; no call failed for it\.", said
        )


@promise("journal-holds-nobody-up")
def test_the_page_says_that_the_disk_is_full(tmp_path: Path) -> None:
    """A real file system of 512 KB."""
    home = tmp_path / "home"
    home.mkdir()
    if not small_disks_can_be_made(home):
        pytest.skip("needs user namespaces and tmpfs")
    with listening(tmp_path, within=small_disk(home)) as proxy:
        proxy.open()
        looks(proxy, 12, 60_000)
        said = until_told(proxy, "cannot be written now")
        assert "full" in said
        looks(proxy)
