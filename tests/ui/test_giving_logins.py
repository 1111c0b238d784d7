"""Logins given at the page, in this process: a visitor, the page, and a real server that wants a login."""

from __future__ import annotations

import asyncio
import html
import re
import shutil
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette

from proxy.access.access import Access, Guest
from proxy.access.verdict import Refused
from proxy.store.sql import Place
from proxy.ui import logins
from proxy.ui.behind import Behind
from proxy.ui.pages import Pages
from proxy.upstreams.auth.logins import Challenge, Login, LoginFiles, OAuthError
from schemas.access import Tenant
from schemas.catalog import Catalog
from schemas.config import Config
from tests.doors import Locked, locked

HOST = "http://mend.example.com"
ADA, GONE = "a.token.of-ada", "a.token.that-is-over"


class OfTokens(Access):
    """Knows two tokens of an identity provider."""

    async def judged(self, token: str) -> Guest | Refused:
        if token == ADA:
            return Guest(Tenant("oidc:ada"), "digest-of-ada")
        if token == GONE:
            return Guest(Tenant("oidc:bob", expires=1.0), "digest-of-bob")
        return Refused(401, "unknown")


@pytest.fixture(scope="module")
def server() -> Generator[Locked]:
    with locked() as running:
        yield running


@pytest.fixture(autouse=True)
def well(server: Locked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MCP_MEND_HOME", str(tmp_path / "state"))
    server.well()


@asynccontextmanager
async def page(home: Path, url: str, token: str = "", **oauth: Any) -> AsyncGenerator[httpx2.AsyncClient]:
    """The page over one server that wants a login, as its visitor reaches it, who has entered this token."""
    upstreams = {"tickets": {"url": url, **({"oauth": oauth} if oauth else {})}}
    upstreams |= {"off": {"url": url, "enabled": False}, "told": {"url": url, "headers": {"Authorization": "x"}}}
    oidc = {"issuer": "https://login.example.com", "audience": "x", "grants": {"*": {}}}
    http = {"oidc": oidc} if token else {}
    config = Config.model_validate({"upstreams": upstreams, "http": http})
    access = OfTokens(Place(home), config.http) if token else None

    async def send(calls: Any, yes: bool) -> list[Any]:
        raise AssertionError((calls, yes))

    behind = Behind(Place(home), lambda: config, Catalog, send, logins=LoginFiles(home / "logins"))
    pages = Pages(behind, asyncio.Event(), access)
    transport = httpx2.ASGITransport(Starlette(routes=pages.routes))
    async with httpx2.AsyncClient(transport=transport, base_url=HOST) as client:
        if token:
            form = {"form_token": form_token((await client.get("/ui/login")).text), "token": token}
            assert (await client.post("/ui/login", data=form)).status_code == 303
        yield client
        await pages.close()


def form_token(text: str) -> str:
    return text.partition('name="form_token" value="')[2].partition('"')[0]


async def pressed(client: httpx2.AsyncClient, act: str, server: str = "tickets") -> httpx2.Response:
    token = form_token((await client.get("/ui/logins")).text)
    return await client.post("/ui/logins", data={"form_token": token, "server": server, "act": act})


async def sent_back(client: httpx2.AsyncClient) -> str:
    """Begin, and log in where the page leads: the address that ends it."""
    shown = (await pressed(client, "in")).text
    link = re.search(r'href="(http[^"]+/authorize[^"]+)"', shown)
    assert link is not None, shown
    async with httpx2.AsyncClient() as elsewhere:
        back = (await elsewhere.get(html.unescape(link[1]))).headers["location"]
    assert back.startswith(f"{HOST}/ui/logins/back?")
    target = re.search(r'url=(/ui/logins/finish[^"]+)"', (await client.get(back)).text)
    assert target is not None
    return html.unescape(target[1])


async def test_whoever_runs_the_proxy_logs_in_and_out(server: Locked, tmp_path: Path) -> None:
    async with page(tmp_path, server.url) as client:
        first = (await client.get("/ui/logins")).text
        assert "not logged in" in first
        assert first.count("<article") == 1
        assert "Logged in to tickets." in (await client.get(await sent_back(client))).text
        assert (await LoginFiles(tmp_path / "logins").of(server.url).read()).token
        assert (await pressed(client, "out")).status_code == 303
        assert (await LoginFiles(tmp_path / "logins").of(server.url).read()).token is None
        assert (await pressed(client, "in", "told")).status_code == 404


async def test_a_tenant_of_the_provider_has_a_login_of_its_own(server: Locked, tmp_path: Path) -> None:
    async with page(tmp_path, server.url, ADA, per_user=True) as client:
        assert "oidc:ada" in (await client.get("/ui/logins")).text
        assert "Logged in to tickets." in (await client.get(await sent_back(client))).text
        kept = LoginFiles(tmp_path / "logins")
        assert (await kept.of(server.url, "oidc:ada").read()).token
        assert (await kept.of(server.url).read()).token is None
    async with page(tmp_path, server.url, ADA) as client:
        assert "No server here takes a login of yours" in (await client.get("/ui/logins")).text
    async with page(tmp_path, server.url, GONE, per_user=True) as client:
        assert (await client.get("/ui/logins")).status_code == 401


async def test_what_goes_wrong_is_told(server: Locked, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    async with page(tmp_path, server.url) as client:
        server.behave(deny=True)
        assert "the person said no" in html.unescape((await client.get(await sent_back(client))).text)
        assert "was not begun here" in (await client.get("/ui/logins/finish?code=x&state=y")).text
        server.behave(deny=False, open=True)
        assert "asks for no login" in (await pressed(client, "in")).text
        server.behave(open=False)
        target = await sent_back(client)
        shutil.rmtree(tmp_path / "logins", ignore_errors=True)
        (tmp_path / "logins").write_text("in the way")
        assert "Not logged in" in (await client.get(target)).text
    async with page(tmp_path, "http://127.0.0.1:9/mcp") as client:
        assert "Not logged in to tickets: the handshake failed: cannot connect" in html.unescape(
            (await pressed(client, "in")).text
        )


async def test_beginning_anew_ends_what_was_begun(server: Locked, tmp_path: Path) -> None:
    async with page(tmp_path, server.url) as client:
        first = await sent_back(client)
        second = await sent_back(client)
        assert "was not begun here" in (await client.get(first)).text
        assert "Logged in to tickets." in (await client.get(second)).text


async def test_a_login_is_not_given_for_ever(server: Locked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logins, "PATIENCE", 1.0)
    async with page(tmp_path, server.url) as client:
        target = await sent_back(client)
        await asyncio.sleep(1.2)
        assert "is over: begin it again" in (await client.get(target)).text


async def test_no_address_but_one_of_the_web_is_shown() -> None:
    with pytest.raises(OAuthError, match="javascript"):
        await logins.Flow("http://x/").show("javascript:alert(1)")


async def test_a_login_stands_as_it_is(tmp_path: Path) -> None:
    kept, url = LoginFiles(tmp_path), "https://tickets.example.com/mcp"
    config = Config.model_validate({"upstreams": {"tickets": {"url": url}}})

    async def state() -> str:
        (told,) = await logins.PageLogins(kept).told(logins.offered(config, None), "")
        return told["state"]

    assert await state() == "not_logged_in"
    await kept.of(url).write(Login(url, wanted=Challenge("read")))
    assert await state() == "wanted"
    await kept.of(url).write(Login(url, tokens={"access_token": "the-token-of-ada"}, expires=1.0))
    assert await state() == "not_logged_in"
    tokens = {"access_token": "the-token-of-ada", "refresh_token": "the-refresh-token-of-ada"}
    await kept.of(url).write(Login(url, tokens=tokens, expires=1.0))
    assert await state() == "logged_in"
