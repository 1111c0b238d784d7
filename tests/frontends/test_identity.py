"""Tokens of an identity provider: a real issuer in a process of its own, in front of a real proxy."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pydantic import ValidationError

from proxy.access import keys
from proxy.access.issuer import Issuer
from proxy.access.verdict import Refused
from schemas.access import Tenant
from schemas.oidc import Oidc
from tests.frontends.guests import Guest, House, house, until
from tests.frontends.httpclient import free_port
from tests.frontends.rawclient import SERVERS

GRANTS: dict[str, Any] = {"staff": {"upstreams": ["shop"]}, "guests": {"upstreams": ["one"]}}


class Provider:
    """The issuer at work."""

    def __init__(self, url: str) -> None:
        self.url = url

    def token(self, **asked: Any) -> str:
        asked["claims"] = {"groups": ["staff"], **asked.get("claims", {})}
        return httpx2.post(f"{self.url}/token", json=asked).json()["token"]

    def behave(self, **ways: Any) -> None:
        httpx2.post(f"{self.url}/control", json=ways)

    def fetched(self) -> int:
        return httpx2.get(f"{self.url}/seen").json()["fetched"]

    def settings(self, **more: Any) -> Oidc:
        return Oidc.model_validate({"issuer": self.url, "audience": "mend", "grants": GRANTS, **more})


@pytest.fixture(scope="module")
def provider() -> Generator[Provider]:
    port = free_port()
    process = subprocess.Popen([sys.executable, str(SERVERS / "issuer.py"), str(port)], stderr=subprocess.DEVNULL)
    try:
        until(lambda: httpx2.get(f"http://127.0.0.1:{port}/seen"), lambda: process.poll() is None)
        yield Provider(f"http://127.0.0.1:{port}")
    finally:
        process.kill()
        process.wait()


@pytest.fixture(autouse=True)
def well(provider: Provider) -> None:
    provider.behave(published=["first"], down=False, discovery={}, more=[])


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, provider: Provider) -> Generator[House]:
    settings = (
        f'[http.oidc]\nissuer = "{provider.url}"\naudience = "mend"\n[http.oidc.grants.staff]\nupstreams = ["shop"]\n'
        '[http.oidc.grants.guests]\nupstreams = ["one"]\n'
    )
    with house(tmp_path_factory.mktemp("house"), settings) as running:
        until(lambda: "shop__get_product" in Guest(running.base, provider.token()).tools())
        yield running


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def judged(issuer: Issuer, token: str) -> Tenant | Refused:
    return await issuer.judged(token, f"digest of {token}")


@pytest.mark.anyio
async def test_a_good_token_is_a_tenant_with_the_grants_of_its_first_fitting_group(provider: Provider) -> None:
    issuer = Issuer(provider.settings())
    tenant = await judged(issuer, provider.token(claims={"groups": ["guests", "staff", 7]}))
    assert isinstance(tenant, Tenant)
    assert (tenant.name, tenant.grants.upstreams) == ("oidc:kim", ["shop"])
    alone = await judged(issuer, provider.token(claims={"groups": "guests"}))
    assert isinstance(alone, Tenant)
    assert alone.grants.upstreams == ["one"]
    everybody = Issuer(provider.settings(grants={"*": {"effects": ["read"]}}, tenant_claim="email"))
    other = await judged(everybody, provider.token(claims={"groups": None, "email": "kim@example.com"}))
    assert isinstance(other, Tenant)
    assert other.name == "oidc:kim@example.com"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("asked", "status", "why"),
    [
        ({"claims": {"exp": 1_700_000_000}}, 401, "expired"),
        ({"claims": {"exp": None}}, 401, "exp"),
        ({"claims": {"nbf": 4_000_000_000}}, 401, "not yet valid"),
        ({"claims": {"aud": "another"}}, 401, "Audience"),
        ({"claims": {"aud": None}}, 401, "aud"),
        ({"claims": {"iss": "https://evil.example"}}, 401, "issuer"),
        ({"claims": {"sub": None}}, 401, "sub"),
        ({"claims": {"sub": "a\nb"}}, 401, "names nobody"),
        ({"claims": {"groups": ["strangers"]}}, 403, "Nothing is granted"),
        ({"alg": "none"}, 401, "algorithms"),
        ({"alg": "HS256"}, 401, "algorithms"),
        ({"alg": "RS512"}, 401, "algorithms"),
        ({"key": "stranger", "kid": "first"}, 401, "Signature"),
        ({"key": "stranger"}, 401, "does not publish"),
    ],
)
async def test_what_is_wrong_with_a_token_keeps_it_out(
    provider: Provider, asked: dict[str, Any], status: int, why: str
) -> None:
    refused = await judged(Issuer(provider.settings()), provider.token(**asked))
    assert isinstance(refused, Refused)
    assert refused.status == status
    assert why.lower() in refused.reason.lower()


@pytest.mark.anyio
async def test_a_token_cut_or_changed_is_no_token(provider: Provider) -> None:
    issuer, token = Issuer(provider.settings()), provider.token()
    for bad in (token[:-4], token.replace(".", ".x", 1), "a.b.c", "eyJ.eyJ.", f"{token}.{token}"):
        assert isinstance(await judged(issuer, bad), Refused), bad


@pytest.mark.anyio
async def test_a_rotated_key_is_fetched_once_and_the_old_one_no_longer_lets_in(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "AGAIN", 0.0)
    issuer, old = Issuer(provider.settings()), provider.token()
    assert isinstance(await judged(issuer, old), Tenant)
    before = provider.fetched()
    assert isinstance(await judged(issuer, old), Tenant)
    assert provider.fetched() == before, "a token that was found good asks nobody"
    provider.behave(published=["second"])
    assert isinstance(await judged(issuer, provider.token(key="second")), Tenant)
    assert provider.fetched() == before + 1
    assert isinstance(await judged(issuer, old), Refused)


@pytest.mark.anyio
async def test_unknown_keys_do_not_have_the_provider_asked_again_and_again(provider: Provider) -> None:
    issuer = Issuer(provider.settings())
    assert isinstance(await judged(issuer, provider.token()), Tenant)
    before = provider.fetched()
    for number in range(5):
        assert isinstance(await judged(issuer, provider.token(kid=f"unknown-{number}")), Refused)
    assert provider.fetched() == before


@pytest.mark.anyio
async def test_a_provider_that_does_not_answer_lets_nobody_new_in(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "AGAIN", 0.0)
    token = provider.token()
    known = Issuer(provider.settings())
    assert isinstance(await judged(known, token), Tenant)
    provider.behave(down=True)
    refused = await judged(Issuer(provider.settings()), token)
    assert isinstance(refused, Refused)
    assert refused.status == 503
    assert "answered 503" in refused.reason
    await known.keys.keep_fresh()
    assert isinstance(await judged(known, provider.token()), Tenant), "keys that are known stay good"


@pytest.mark.anyio
async def test_a_discovery_document_of_another_issuer_is_not_believed(provider: Provider) -> None:
    settings = provider.settings(issuer=provider.url.replace("127.0.0.1", "localhost"))
    refused = await judged(Issuer(settings), provider.token())
    assert isinstance(refused, Refused)
    assert "another issuer" in refused.reason


@pytest.mark.anyio
@pytest.mark.parametrize("address", ["https://[x", "https://a:b/keys", "https://\x00/", "https://" + "a" * 70, 7])
async def test_an_address_of_keys_that_is_none_is_told_and_ends_nothing(provider: Provider, address: Any) -> None:
    provider.behave(discovery={"jwks_uri": address})
    issuer = Issuer(provider.settings())
    await issuer.keys.keep_fresh()
    refused = await judged(issuer, provider.token())
    assert isinstance(refused, Refused)
    assert refused.status == 503


@pytest.mark.anyio
@pytest.mark.parametrize(
    "bad",
    [
        {"kid": ["a"]},
        {"kid": {"a": 1}},
        {"alg": ["RS256"]},
        {"n": 7},
        {"n": "\u00e9"},
        {"e": None},
        {"kty": "EC", "x": 1},
    ],
)
async def test_a_key_that_cannot_be_read_costs_no_other(provider: Provider, bad: dict[str, Any]) -> None:
    provider.behave(more=[{"kty": "RSA", "kid": "bad", "n": "AQAB", "e": "AQAB", "crv": "P-256", "y": "AQAB", **bad}])
    issuer = Issuer(provider.settings())
    await issuer.keys.keep_fresh()
    assert isinstance(await judged(issuer, provider.token()), Tenant)


@pytest.mark.parametrize(
    "wrong",
    [
        {"audience": ""},
        {"grants": {}},
        {"algorithms": ["HS256"]},
        {"algorithms": ["none"]},
        {"algorithms": []},
        {"issuer": "http://login.example.com"},
        {"jwks_url": "file:///etc/passwd"},
    ],
)
def test_a_configuration_that_would_let_in_too_many_is_refused(wrong: dict[str, Any]) -> None:
    sound = {"issuer": "https://login.example.com", "audience": "mend", "grants": GRANTS}
    assert Oidc.model_validate(sound)
    with pytest.raises(ValidationError):
        Oidc.model_validate({**sound, **wrong})


def test_tenants_of_the_provider_use_a_real_proxy(home: House, provider: Provider) -> None:
    staff, guest = Guest(home.base, provider.token()), Guest(home.base, provider.token(claims={"groups": ["guests"]}))
    assert "result" in staff.call("shop__get_product", {"sku": "rake-12"})
    assert "one__echo" in guest.tools()
    assert not any(name.startswith("shop") for name in guest.tools())
    session = staff.open()
    assert guest.send({"id": 3, "method": "ping"}, mcp_session_id=session).status_code == 404
    renewed = Guest(home.base, provider.token(claims={"jti": "another token of the same account"}))
    assert renewed.send({"id": 3, "method": "ping"}, mcp_session_id=session).status_code == 200
    assert Guest(home.base, provider.token(claims={"groups": []})).send({"id": 1, "method": "ping"}).status_code == 403


def test_a_tenant_of_the_provider_looks_at_the_page_as_long_as_its_token_lasts(home: House, provider: Provider) -> None:
    browser = home.page(provider.token(claims={"exp": time.time() + 4}))
    shown = browser.get("/ui/")
    assert shown.status_code == 200
    assert "oidc:kim" in shown.text
    assert browser.get("/ui/servers").status_code == 403
    until(lambda: browser.get("/ui/").status_code == 303)


def test_a_stream_ends_with_its_token(home: House, provider: Provider) -> None:
    begun = int(time.time())
    short = Guest(home.base, provider.token(claims={"exp": begun - 25}))  # within the leeway, for about five seconds
    headers = {"mcp-session-id": short.open(), "accept": "text/event-stream"}
    with short.client.stream("GET", "/mcp", headers=headers) as stream:
        assert stream.status_code == 200
        list(stream.iter_bytes())
    assert short.send({"id": 1, "method": "tools/list"}).status_code == 401


def test_a_client_without_a_token_learns_where_to_log_in(home: House, provider: Provider) -> None:
    nobody = Guest(home.base)
    for path in ("/mcp", "/servers/shop/mcp"):
        refused = nobody.send({"id": 1, "method": "tools/list"}, path)
        assert refused.status_code == 401
        url = refused.headers["www-authenticate"].partition('resource_metadata="')[2].partition('"')[0]
        assert url == f"{home.base}/.well-known/oauth-protected-resource{path}"
        told = nobody.client.get(url).json()
        assert told["resource"] == f"{home.base}{path}"
        assert told["authorization_servers"] == [provider.url]
    assert nobody.client.get("/.well-known/oauth-protected-resource").json()["resource"] == home.base
    wrong = Guest(home.base, "x.y.z").send({"id": 1, "method": "tools/list"})
    assert 'error="invalid_token"' in wrong.headers["www-authenticate"]


def test_without_a_provider_there_is_no_metadata(tmp_path: Path) -> None:
    with house(tmp_path) as own:
        assert Guest(own.base).client.get("/.well-known/oauth-protected-resource").status_code == 404
