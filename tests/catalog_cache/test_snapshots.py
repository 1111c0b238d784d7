"""The last good list answers at the next start, and what changed is told."""

from __future__ import annotations

import json
import stat
from pathlib import Path

from structlog.testing import capture_logs

from catalog_cache.cache import Cache
from catalog_cache.pages import every_page
from catalog_cache.store import Kept, Store
from schemas.config import Upstream
from schemas.trial import Reply

SERVER = Upstream(command="server", args=["--x"])
TOOL = {"name": "t", "description": "does", "inputSchema": {"type": "object"}}


def test_a_new_cache_begins_with_the_last_good_list(tmp_path: Path) -> None:
    first = Cache({"s": SERVER}, Store(tmp_path))
    assert first.update("s", [TOOL], {"x": 1}, {"serverInfo": {"name": "n"}})
    second = Cache({"s": SERVER}, Store(tmp_path))
    assert [tool.raw for tool in second.catalog] == [TOOL]
    assert second.catalog.tools[0].stale
    assert second.frame("s") == {"x": 1}
    assert second.hello("s") == {"serverInfo": {"name": "n"}}
    assert not second.update("s", [TOOL], {"x": 1}, {"serverInfo": {"name": "n"}})
    assert not second.catalog.tools[0].stale


def test_another_command_under_the_same_name_begins_with_nothing(tmp_path: Path) -> None:
    Cache({"s": SERVER}, Store(tmp_path)).update("s", [TOOL], {}, {})
    other = Upstream(command="another")
    assert not Cache({"s": other}, Store(tmp_path)).known("s")


def test_a_snapshot_is_for_its_user_alone(tmp_path: Path) -> None:
    Store(tmp_path / "new").save("s", SERVER, Kept([TOOL]))
    (file,) = (tmp_path / "new").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_broken_snapshot_is_as_none(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.save("s", SERVER, Kept([TOOL]))
    (file,) = tmp_path.iterdir()
    file.write_text("{", encoding="utf-8")
    assert store.load("s", SERVER) is None
    file.write_text(json.dumps({"format": 999}), encoding="utf-8")
    assert store.load("s", SERVER) is None


def test_a_tool_that_changes_after_first_sight_is_reported(tmp_path: Path) -> None:
    cache = Cache({"s": SERVER}, Store(tmp_path))
    cache.update("s", [TOOL], {}, {})
    with capture_logs() as lines:
        assert cache.update("s", [{**TOOL, "description": "does evil"}], {}, {})
    assert [(line["event"], line["tool"], line["fields"]) for line in lines] == [("tool changed", "t", ["description"])]


def test_a_lost_upstream_keeps_its_tools_as_stale() -> None:
    cache = Cache({"s": SERVER})
    cache.update("s", [TOOL], {}, {})
    cache.lost("s")
    assert [tool.stale for tool in cache.catalog] == [True]


async def test_pages_are_followed_to_the_end() -> None:
    pages = {None: {"tools": [1, {"name": "a"}], "nextCursor": "2", "x": 1}, "2": {"tools": [{"name": "b"}]}}

    async def ask(params: object) -> Reply:
        assert isinstance(params, dict)
        return Reply(result=pages[params.get("cursor")])

    listing = await every_page(ask)
    assert listing.items == ({"name": "a"}, {"name": "b"})
    assert listing.extra == {"x": 1}


async def test_a_cursor_that_repeats_ends_the_list() -> None:
    async def ask(params: object) -> Reply:
        return Reply(result={"tools": [{"name": "a"}], "nextCursor": "again"})

    assert len((await every_page(ask)).items) == 2


async def test_a_failing_page_fails_the_list() -> None:
    async def ask(params: object) -> Reply:
        return Reply(error={"code": 1, "message": "no"})

    assert (await every_page(ask)).failure == "no"
