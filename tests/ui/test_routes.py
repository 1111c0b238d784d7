"""The page's addresses over a journal as the program writes it, with its door as it stands on the endpoint."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware

from proxy.frontends.admission import Admission, AdmissionMiddleware
from proxy.store.sql import Connection
from proxy.store.sql import Place as Kept
from proxy.ui import entries
from proxy.ui.behind import Behind, UpstreamState
from proxy.ui.changes import events
from proxy.ui.entries import PAGE, Place, Wanted
from proxy.ui.pages import Pages
from schemas.catalog import Catalog
from schemas.config import Config
from tests.store import records as records_of
from tests.store.records import call, plan, run
from tests.ui.proxy import listening

HOST = "http://127.0.0.1:8765"
EVIL = "<img src=x onerror=alert(1)>\u202egnp"


def write(home: Path, *records: Any, config: Config | None = None) -> Kept:
    kept = Kept(home)
    records_of.write(kept, *records, config=config)
    return kept


class Sent(list[Any]):
    """Stands for the servers: notes what was sent again, and answers."""

    async def __call__(self, calls: Sequence[Mapping[str, Any]], yes: bool) -> list[Mapping[str, Any]]:
        self.append((list(calls), yes))
        return [{"content": [{"type": "text", "text": "done"}]} for _ in calls]


@asynccontextmanager
async def page(
    home: Path, config: Config | None = None, sent: Sent | None = None, states: Callable[[], Any] | None = None
) -> AsyncGenerator[httpx2.AsyncClient]:
    known = config or Config()
    behind = Behind(Kept(home), lambda: known, Catalog, sent if sent is not None else Sent(), states)
    door = Middleware(AdmissionMiddleware, Admission(lambda: known.http, loopback=True))
    app = Starlette(routes=Pages(behind, asyncio.Event()).routes, middleware=[door])
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=HOST) as client:
        yield client


def token_of(text: str) -> str:
    return text.partition('name="form_token" value="')[2].partition('"')[0]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MCP_MEND_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


pytestmark = pytest.mark.anyio


async def test_the_list_begins_with_the_newest_and_leads_to_older_ones(home: Path) -> None:
    write(home, *(call(f"call_{at:04}", at=1000.0 + at) for at in range(PAGE + 7)), run("run_x", at=5000.0))
    async with page(home) as client:
        first = (await client.get("/ui", follow_redirects=True)).text
        assert first.count('class="entry ') == PAGE
        assert first.index("run_x") < first.index(f"call_{PAGE + 6:04}")
        older = first.partition('rel="next"')[0].rpartition('href="')[2].rstrip('" ').replace("&amp;", "&")
        second = (await client.get(older)).text
        assert second.count('class="entry ') == 8
        assert "call_0000" in second


async def test_pages_lose_and_repeat_nothing_where_times_are_equal(home: Path) -> None:
    names = [*(f"call_{at:04}" for at in range(PAGE + 20)), *(f"run_{at:04}" for at in range(PAGE))]
    write(home, *((call if name.startswith("call") else run)(name, at=1000.0) for name in names))
    seen: list[str] = []
    with closing(Kept(home).read("journal")) as connection:
        before: Place | None = None
        for _ in range(9):
            found, before = entries.page(connection, Wanted(before=before and Place.read(str(before))))
            seen += [row["id"] for row in found]
            if before is None:
                break
    assert sorted(seen) == sorted(names)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {"call_a", "run_r"}),
        ("q=LOOKED+for", {"call_a"}),
        ("q=100%25", set[str]()),
        ("server=shop", {"call_a"}),
        ("server=units", {"run_r"}),
        ("tool=get", {"call_a"}),
        ("status=repaired", {"run_r"}),
        ("kind=call", {"call_a", "call_b"}),
        ("kind=workflow", set[str]()),
        ("session=session-2", {"call_a"}),
        ("since=1h", set[str]()),
    ],
)
async def test_filters_leave_what_fits(home: Path, query: str, expected: set[str]) -> None:
    mine = call("call_a", server="shop", tool="get", session="session-2", arguments={"q": "looked for 100"})
    write(home, mine, call("call_b", repair_id="run_r"), run("run_r"))
    async with page(home) as client:
        text = (await client.get(f"/ui/?{query}")).text
    assert {name for name in ("call_a", "call_b", "run_r") if f'id="e-{name}"' in text} == expected


def test_lists_and_filters_use_indexes_however_much_the_journal_holds(home: Path) -> None:
    write(home, call(), run())
    place = Place(1.0, run=False, number=3)
    wanted = [
        Wanted(),
        Wanted(before=place),
        Wanted(kind="call"),
        Wanted(server="shop"),
        Wanted(tool="t"),
        Wanted(status="ok", kind="call"),
        Wanted(status="repaired"),
        Wanted(session="s"),
        Wanted(since=1.0),
    ]
    with closing(Kept(home).read("journal")) as connection:
        for one in wanted:
            for statement, values in entries.statements(one, connection.dialect):
                steps = [row["detail"] for row in connection.rows(f"EXPLAIN QUERY PLAN {statement}", values)]
                reads = [step for step in steps if step.startswith(("SCAN", "SEARCH"))]
                assert reads
                assert all("INDEX" in step for step in reads), (one, steps)
                assert "USE TEMP B-TREE FOR ORDER BY" not in steps, (one, steps)


async def test_foreign_text_is_shown_and_never_obeyed(home: Path) -> None:
    bad = call("call_e", server=EVIL, tool=EVIL, message=EVIL, outcome="failed", arguments={EVIL: EVIL})
    whole = run(
        "run_e", before=plan(x=EVIL), after={"steps": [{"id": EVIL, "tool": EVIL, "arguments": {}}]}, error_before=EVIL
    )
    write(home, bad, whole)
    async with page(home) as client:
        for path in (
            "/ui/",
            "/ui/calls/call_e",
            "/ui/runs/run_e",
            "/ui/replay/call_e",
            "/ui/figures",
            f"/ui/?q={EVIL}",
        ):
            answer = await client.get(path)
            assert answer.status_code == 200
            assert "<img" not in answer.text
            seen = re.sub(r'value="[^"]*"', "", answer.text)
            assert "\u202e" not in seen
            assert "default-src 'self'" in answer.headers["content-security-policy"]


async def test_secrets_of_every_place_appear_nowhere(home: Path) -> None:
    secret = "planted-secret-value"
    config = Config.model_validate(
        {
            "http": {"token": ""},
            "upstreams": {
                "shop": {"command": "run", "args": ["--api-key", secret], "env": {"SHOP_TOKEN": secret}},
                "web": {
                    "url": f"https://user:{secret}@host/?token={secret}",
                    "headers": {"Authorization": f"Bearer {secret}"},
                },
            },
        }
    )
    said = [{"type": "text", "text": f"token={secret}"}]
    one = call("call_s", arguments={"password": secret}, reply={"content": said}, message=f"refused {secret}")
    write(home, one, run("run_s", before=plan(a=secret), after=plan(a=secret), error_before=secret), config=config)

    def states() -> list[UpstreamState]:
        return [UpstreamState("shop", "down", f"no: {secret}", (f"started with {secret}",), None, 1)]

    async with page(home, config, states=states) as client:
        for path in ("", "calls/call_s", "runs/run_s", "servers", "tools", "figures", "settings", "replay/call_s"):
            answer = await client.get(f"/ui/{path}")
            assert answer.status_code == 200
            assert secret not in answer.text, path


async def test_a_page_of_another_origin_gets_nothing(home: Path) -> None:
    write(home, call())
    async with page(home) as client:
        for origin in ("http://evil.example", "http://127.0.0.1:3000", "null"):
            assert (await client.get("/ui/", headers={"origin": origin})).status_code == 403
        assert (await client.get("/ui/", headers={"host": "evil.example"})).status_code == 421
        beside = {"sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors"}
        assert (await client.get("/ui/", headers=beside)).status_code == 403
        assert "access-control-allow-origin" not in (await client.get("/ui/", headers={"origin": HOST})).headers


async def test_what_acts_needs_the_pages_own_token(home: Path) -> None:
    sent = Sent()
    config = Config.model_validate({"upstreams": {"units": {"command": "run"}}})
    write(home, call("call_r"))
    async with page(home, config, sent) as client:
        for path in ("/ui/pause", "/ui/replay/call_r"):
            for data in ({"server": "units", "on": "yes"}, {"server": "units", "on": "yes", "form_token": "0" * 64}):
                assert (await client.post(path, data=data)).status_code == 403
        assert (await client.get("/ui/pause")).status_code == 405
        assert not (home / "paused.json").exists()
        token = token_of((await client.get("/ui/servers")).text)
        paused = await client.post("/ui/pause", data={"server": "units", "on": "yes", "form_token": token})
        assert paused.status_code == 303
        assert "units" in (home / "paused.json").read_text()
        stranger = {"server": "nobody", "on": "yes", "form_token": token}
        assert (await client.post("/ui/pause", data=stranger)).status_code == 404
    assert sent == []


async def test_a_replay_sends_nothing_until_it_is_asked_to(home: Path) -> None:
    sent = Sent()
    write(home, call("call_r"), call("call_w", effect="write"), call("call_n", arguments={"password": "secret-word"}))
    async with page(home, sent=sent) as client:
        shown = (await client.get("/ui/replay/call_r")).text
        assert "Nothing has been sent" in shown
        assert sent == []
        token = {"form_token": token_of(shown)}
        assert "the same reply" in (await client.post("/ui/replay/call_r", data=token)).text
        assert "not confirmed" in (await client.post("/ui/replay/call_w", data=token)).text
        assert "held a secret" in (await client.post("/ui/replay/call_n", data=token)).text
        assert [[one["call_id"] for one in calls] for calls, _ in sent] == [["call_r"]]
        await client.post("/ui/replay/call_w", data={**token, "yes": "on"})
        assert sent[-1][1] is True


def test_what_a_replay_leaves_out_is_told_with_a_remedy_that_the_page_has(tmp_path: Path) -> None:
    """The tool was recorded as reading, and is marked as writing when it is replayed."""
    with listening(tmp_path) as proxy:
        proxy.open()
        proxy.call("shop__search_products", {"query": "hose"})
    writes = '[upstreams.shop.tools.effects]\nsearch_products = "write"\n'
    with listening(tmp_path, writes) as proxy, httpx2.Client(base_url=proxy.base, timeout=60) as browser:
        shown = browser.get("/ui/replay/last").text
        assert "Also where a tool is not marked read-only any more" in shown
        token = {"form_token": token_of(shown)}
        told = browser.post("/ui/replay/last", data=token).text
        assert "replay it again and tick “Also where a tool is not marked read-only any more”" in told
        assert "--yes" not in told
        assert "the same reply" in browser.post("/ui/replay/last", data={**token, "yes": "on"}).text


async def test_a_configured_token_is_asked_for_and_kept_as_a_cookie_of_the_page_alone(home: Path) -> None:
    write(home, call("call_t"))
    config = Config.model_validate({"http": {"token": "the-token-of-this-test"}})
    async with page(home, config) as client:
        turned = await client.get("/ui/", headers={"accept": "text/html"})
        assert (turned.status_code, turned.headers["location"]) == (303, "/ui/login")
        for path in ("/ui/events", "/ui/calls/call_t"):
            assert (await client.get(path, headers={"accept": "*/*"})).status_code == 401
        token = token_of((await client.get("/ui/login")).text)
        wrong = await client.post("/ui/login", data={"token": "guess", "form_token": token})
        assert wrong.status_code == 401
        assert "set-cookie" not in wrong.headers
        right = await client.post("/ui/login", data={"token": "the-token-of-this-test", "form_token": token})
        kept = right.headers["set-cookie"].lower()
        assert all(part in kept for part in ("httponly", "samesite=strict", "path=/ui"))
        assert "the-token-of-this-test" not in kept
        assert "call_t" in (await client.get("/ui/")).text


async def test_no_journal_yet_is_an_empty_list(home: Path) -> None:
    async with page(home) as client:
        assert "No calls yet" in (await client.get("/ui/")).text
        assert (await client.get("/ui/runs/run_none")).status_code == 404
        assert (await client.get("/ui/static/..%2f__init__.py")).status_code == 404


async def test_open_pages_are_sent_what_another_process_writes(home: Path) -> None:
    stop, drawn = asyncio.Event(), list[bool]()

    def draw(connection: Connection | None) -> str:
        drawn.append(connection is not None)
        return "one\r\ntwo"

    stream = events(Kept(home), draw, stop)
    async with asyncio.timeout(20):
        assert (await anext(stream)).startswith(b":")
        assert await anext(stream) == b"event: journal\ndata: one\ndata: two\n\n"
        for number in range(2):
            waiting = asyncio.ensure_future(anext(stream))
            await asyncio.sleep(0.5)
            assert not waiting.done(), "sent without a change"
            await asyncio.to_thread(write, home, call(f"call_{number}"))
            assert (await waiting).startswith(b"event: journal")
        assert drawn == [False, True, True]
        stop.set()
        assert [event async for event in stream] == []


async def test_a_page_whose_login_has_ended_is_sent_nothing_more(home: Path) -> None:
    write(home, call("call_1"))
    logins = [True, True, False]
    stream = events(Kept(home), lambda _: "shown", asyncio.Event(), lambda: logins.pop(0))
    async with asyncio.timeout(20):
        assert [event async for event in stream] == [b": open\n\n", b"event: journal\ndata: shown\n\n"]
