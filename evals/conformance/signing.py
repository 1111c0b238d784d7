"""The client suite's OAuth scenarios: the SDK's client with its own flow, or `mcp-mend login` and `wrap` in its place.

A browser that asks nobody stands in for the person, who logs in again where a refusal says so, twice at most.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from traceback import format_exception
from typing import Any
from urllib.parse import parse_qs, urlsplit

import anyio.to_thread
import httpx2
from mcp.client.auth import OAuthClientProvider
from mcp.client.auth.extensions.client_credentials import (
    ClientCredentialsOAuthProvider,
    PrivateKeyJWTOAuthProvider,
    SignedJWTParameters,
)
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata, OAuthToken
from pydantic import AnyUrl

METADATA_URL = "https://conformance-test.local/client-metadata.json"
"""The client id metadata document that the suite knows us by."""
CALLBACK = "http://127.0.0.1:3030/callback"
WANTED = "mcp-mend login"
AGAIN = 2
"""Further logins for one refusal."""


class Memory:
    """Tokens kept for one run."""

    def __init__(self, client: OAuthClientInformationFull | None) -> None:
        self.tokens: OAuthToken | None = None
        self.client = client

    async def get_tokens(self) -> OAuthToken | None:
        """The tokens."""
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        """Keep tokens."""
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        """The registration."""
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        """Keep a registration."""
        self.client = client_info


def context() -> dict[str, Any]:
    """What the suite tells this scenario's client."""
    return json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT", "{}"))


async def issuer(url: str) -> str:
    """The authorization server that guards an address, where the suite does not name it."""
    async with httpx2.AsyncClient() as client:
        parts = urlsplit(url)
        where = f"{parts.scheme}://{parts.netloc}/.well-known/oauth-protected-resource{parts.path}"
        return (await client.get(where)).json()["authorization_servers"][0]


async def sdk_flow(url: str) -> httpx2.Auth:
    """The SDK's own flow, as this scenario needs it."""
    given = context()
    if os.environ["MCP_CONFORMANCE_SCENARIO"].startswith("auth/client-credentials"):
        ident, named = given["client_id"], given.get("issuer") or await issuer(url)
        if "private_key_pem" in given:
            key, algorithm = given["private_key_pem"], given["signing_algorithm"]
            signed = SignedJWTParameters(issuer=ident, subject=ident, signing_key=key, signing_algorithm=algorithm)
            return PrivateKeyJWTOAuthProvider(
                url, Memory(None), ident, signed.create_assertion_provider(), issuer=named
            )
        return ClientCredentialsOAuthProvider(url, Memory(None), ident, given["client_secret"], issuer=named)
    known = None
    if "client_id" in given:
        known = OAuthClientInformationFull(
            client_id=given["client_id"],
            client_secret=given.get("client_secret"),
            redirect_uris=[AnyUrl(CALLBACK)],
            token_endpoint_auth_method="client_secret_basic",  # noqa: S106 (the name of a method)
            issuer=given.get("issuer"),
        )
    answers: list[str] = []

    async def browse(address: str) -> None:
        async with httpx2.AsyncClient() as browser:
            answers.append((await browser.get(address)).headers["location"])

    async def answer() -> AuthorizationCodeResult:
        fields = {key: values[0] for key, values in parse_qs(urlsplit(answers.pop()).query).items()}
        return AuthorizationCodeResult(code=fields["code"], state=fields.get("state"), iss=fields.get("iss"))

    metadata = OAuthClientMetadata(redirect_uris=[AnyUrl(CALLBACK)], client_name="direct")
    return OAuthClientProvider(url, metadata, Memory(known), browse, answer, METADATA_URL)


async def configuration(url: str) -> str:
    """The upstream as a user of this server would write it."""
    given = context()
    oauth: dict[str, Any] = {key: given[key] for key in ("client_id", "client_secret", "issuer") if key in given}
    if os.environ["MCP_CONFORMANCE_SCENARIO"].startswith("auth/client-credentials"):
        oauth |= {"grant": "client_credentials", "issuer": given.get("issuer") or await issuer(url)}
        if "private_key_pem" in given:
            oauth |= {"private_key": given["private_key_pem"], "signing_algorithm": given["signing_algorithm"]}
    elif not given:
        oauth["client_metadata_url"] = METADATA_URL
    return json.dumps({"upstreams": {"server": {"url": url, "oauth": oauth}}, "planner": {"backend": "none"}})


class Person:
    """Someone with a browser in front of `mcp-mend wrap`."""

    def __init__(self, url: str, home: Path) -> None:
        self.config = home / "mend.json"
        self._url = url
        self._home = home
        browser = Path(__file__).parents[2] / "tests" / "servers" / "browser.py"
        self.env = {**os.environ, "MCP_MEND_HOME": str(home), "BROWSER": f"{sys.executable} {browser} %s"}

    async def prepare(self) -> None:
        """Write the configuration, and log in where there is somebody to do so."""
        self.config.write_text(await configuration(self._url), encoding="utf-8")
        if not os.environ["MCP_CONFORMANCE_SCENARIO"].startswith("auth/client-credentials"):
            await self.log_in()

    async def log_in(self) -> None:
        """Run the command that the proxy names."""
        line = [sys.executable, "-m", "proxy.cli", "login", "server", "--config", str(self.config)]
        run = lambda: subprocess.run(line, env=self.env, timeout=60, check=False)  # noqa: E731, S603
        await anyio.to_thread.run_sync(run)

    def proxy(self) -> StdioServerParameters:
        """The proxy as a client starts it."""
        line = ["-m", "proxy.cli", "wrap", "--name", "server", "--config", str(self.config)]
        return StdioServerParameters(command=sys.executable, args=line, env=self.env)

    async def insist(self, ask: Callable[[], Awaitable[Any]]) -> Any:
        """Ask, and ask again after another login where the refusal wants one."""
        for _ in range(AGAIN):
            try:
                answer = await ask()
            except Exception as failure:
                refusal = "".join(format_exception(failure))
                if WANTED not in refusal:
                    raise
            else:
                if not getattr(answer, "is_error", False) or WANTED not in str(getattr(answer, "content", "")):
                    return answer
            await self.log_in()
        return await ask()


@asynccontextmanager
async def connected(url: str, *, through: bool, **options: Any) -> AsyncGenerator[tuple[Client, Any]]:
    """A client past the door, and how to ask what may be refused."""
    if not through:
        async with (
            httpx2.AsyncClient(auth=await sdk_flow(url), timeout=30) as http,
            Client(streamable_http_client(url, http_client=http), **options) as client,
        ):
            yield client, lambda ask: ask()
        return
    with tempfile.TemporaryDirectory() as home:
        person = Person(url, Path(home))
        await person.prepare()
        async with AsyncExitStack() as stack:
            start = lambda: stack.enter_async_context(Client(stdio_client(person.proxy()), **options))  # noqa: E731
            yield await person.insist(start), person.insist
