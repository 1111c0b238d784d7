"""OAuth 2.1 as MCP asks for it, by the SDK's own client: get tokens with a person's help, renew them without.

The only file that imports the SDK's flow. It drives that flow by hand, so that what it sends goes over a client with
time-outs and without the upstream's headers, and begins from what is kept of the last login.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import aclosing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import httpx2
from jwt import PyJWTError
from mcp.client.auth import OAuthClientProvider, OAuthFlowError
from mcp.client.auth.extensions.client_credentials import (
    ClientCredentialsOAuthProvider,
    PrivateKeyJWTOAuthProvider,
    SignedJWTParameters,
)
from mcp.client.auth.utils import union_scopes
from mcp.shared.auth import (
    AuthorizationCodeResult,
    OAuthClientInformationFull,
    OAuthClientMetadata,
    OAuthMetadata,
    OAuthToken,
    ProtectedResourceMetadata,
)
from pydantic import AnyUrl, BaseModel

from proxy.upstreams.auth.logins import Challenge, Login, OAuthError
from proxy.upstreams.remote import trust
from schemas.config import OAuth

logging.getLogger("mcp.client.auth.oauth2").setLevel(logging.CRITICAL)

PATIENCE = 30.0
"""Seconds for one answer of an authorization server."""

_FOR_NOW = frozenset({408, 429})
"""Refusals that another attempt may turn, as every 5xx may."""


class OverError(OAuthError):
    """The authorization server takes the refresh token no more; `unknown_client` where not even our registration."""

    def __init__(self, reason: str, *, unknown_client: bool) -> None:
        super().__init__(reason)
        self.unknown_client = unknown_client


class _Seed:
    """The SDK's `TokenStorage`, filled from a login and emptied into the next."""

    def __init__(self, tokens: Mapping[str, Any] | None, client: Mapping[str, Any] | None) -> None:
        self.tokens = OAuthToken.model_validate(tokens) if tokens else None
        self.client = OAuthClientInformationFull.model_validate(client) if client else None
        self.fresh = False

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens, self.fresh = tokens, True

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


async def renewed(login: Login, settings: OAuth | None, challenge: Challenge | None) -> Login:
    """The login with tokens renewed, by refresh token or, where configured, by the client's own credentials.

    Raises `OverError` where only a person can log in again, else `OAuthError`.
    """
    if settings is not None and settings.grant == "client_credentials":
        return await _by_credentials(login, settings, challenge or Challenge())
    with _told():
        seed = _Seed(login.tokens, _client(login, settings, registered_at(login)))
        provider = _seeded(OAuthClientProvider(login.url, _metadata(settings, None), seed), login)
    provider.context.token_expiry_time = 1.0
    answers = await _driven(provider, login.url, None)
    if not seed.fresh:
        raise _refusal(answers)
    return replace(_kept(login, provider, seed), client=login.client)


async def authorised(
    login: Login,
    settings: OAuth | None,
    challenge: Challenge,
    redirect_uri: str,
    show: Callable[[str], Awaitable[None]],
    redirected: Callable[[], Awaitable[AuthorizationCodeResult]],
) -> Login:
    """The login with new tokens, for which a person opens the address shown; raises `OAuthError`."""
    metadata_url = settings.client_metadata_url if settings else ""
    metadata = _metadata(settings, redirect_uri)
    with _told():
        seed = _Seed(None, _client(login, settings, redirect_uri))
        provider = OAuthClientProvider(login.url, metadata, seed, show, redirected, metadata_url or None)
    try:
        await _driven(provider, login.url, _asking(login, settings, challenge))
    except OAuthError as failure:
        if provider.context.oauth_metadata is not None:
            raise
        key = "it names no authorization server, so it may want a key in `headers` instead"
        raise OAuthError(f"{failure}; {key}") from failure
    kept = _kept(login, provider, seed)
    configured = {"redirect_uris": [redirect_uri]} if settings and settings.client_id else kept.client
    return replace(kept, client=configured, wanted=None)


def registered_at(login: Login) -> str | None:
    """The address to which our registration lets a browser return."""
    uris: Any = (login.client or {}).get("redirect_uris")
    return str(uris[0]) if uris else None


async def _by_credentials(login: Login, settings: OAuth, challenge: Challenge) -> Login:
    tokens = {**login.tokens, "refresh_token": None} if login.tokens else None
    seed = _Seed(tokens, None)
    provider: OAuthClientProvider
    if settings.private_key:
        signed = SignedJWTParameters(
            issuer=settings.client_id,
            subject=settings.client_id,
            signing_key=_pem(settings.private_key),
            signing_algorithm=settings.signing_algorithm,
        )
        sign = signed.create_assertion_provider()
        provider = PrivateKeyJWTOAuthProvider(login.url, seed, settings.client_id, sign, None, settings.issuer)
    else:
        how = settings.client_authentication or "client_secret_basic"
        given = (settings.client_id, settings.client_secret)
        provider = ClientCredentialsOAuthProvider(login.url, seed, *given, how, None, settings.issuer)
    await _driven(provider, login.url, _asking(login, settings, challenge))
    return replace(_kept(login, provider, seed), client=None, wanted=None)


def _pem(key: str) -> str:
    if "-----BEGIN" in key:
        return key
    try:
        return Path(key).expanduser().read_text(encoding="utf-8")
    except OSError as missing:
        raise OAuthError(f"the private key {key} cannot be read: {missing.strerror}") from missing


async def _driven(provider: OAuthClientProvider, url: str, refusal: httpx2.Response | None) -> list[httpx2.Response]:
    """Run the flow until it would send the upstream a request with its token; returns what else was answered.

    `refusal` stands for the upstream's answer to a request without one. Raises `OAuthError`.
    """
    request = httpx2.Request("POST", url)
    answers: list[httpx2.Response] = []
    with _told():
        async with (
            aclosing(provider.async_auth_flow(request)) as flow,
            httpx2.AsyncClient(verify=trust(), timeout=PATIENCE) as client,
        ):
            outgoing = await anext(flow)
            while outgoing is not request or refusal is not None:
                if outgoing is request:
                    response, refusal = refusal, None
                    cast("httpx2.Response", response).request = request
                else:
                    response = await _answer(client, outgoing)
                    answers.append(response)
                outgoing = await flow.asend(cast("httpx2.Response", response))
    return answers


async def _answer(client: httpx2.AsyncClient, request: httpx2.Request) -> httpx2.Response:
    try:
        async with asyncio.timeout(PATIENCE):
            return await client.send(request)
    except TimeoutError as late:
        raise OAuthError(f"no answer within {PATIENCE:g} s from {request.url.copy_with(query=None)}") from late


@contextmanager
def _told() -> Generator[None]:
    """Turn what can go wrong with another's server, or with a file that was written by hand, into `OAuthError`."""
    try:
        yield
    except (OAuthFlowError, httpx2.HTTPError, httpx2.InvalidURL, PyJWTError, ValueError) as failure:
        raise OAuthError(_sentence(failure)) from failure


def _sentence(failure: Exception) -> str:
    if isinstance(failure, httpx2.RequestError):
        return f"{failure.request.url.copy_with(query=None)}: {failure or type(failure).__name__}"
    return " ".join(str(failure).split())[:500]


def _refusal(answers: list[httpx2.Response]) -> OAuthError:
    """Why a refresh brought nothing."""
    if not answers:
        return OverError("it cannot be renewed", unknown_client=False)
    answer = answers[-1]
    try:
        said: Any = json.loads(answer.content)
        reason = str(said["error"])
    except (ValueError, KeyError, TypeError):
        reason = f"HTTP {answer.status_code} from {answer.request.url.copy_with(query=None)}"
    if answer.status_code >= 500 or answer.status_code in _FOR_NOW or answer.status_code < 400:
        return OAuthError(reason)
    return OverError(reason, unknown_client=reason in ("invalid_client", "unauthorized_client"))


def _asking(login: Login, settings: OAuth | None, challenge: Challenge) -> httpx2.Response:
    """The refusal that the flow begins with: what the server wants, what it wants besides, or what is configured."""
    scope = settings.scope if settings and settings.scope else challenge.scope
    wanted = challenge if challenge.more else login.wanted
    if wanted is not None and wanted.more:
        scope = union_scopes(union_scopes(login.scope, scope), wanted.scope)
    fields = {"scope": scope, "resource_metadata": challenge.metadata}
    said = ", ".join(f'{key}="{value}"' for key, value in fields.items() if value)
    return httpx2.Response(401, headers={"www-authenticate": f"Bearer {said}"})


def _seeded(provider: OAuthClientProvider, login: Login) -> OAuthClientProvider:
    """Give the flow what was discovered at the last login."""
    server = login.server or {}
    context = provider.context
    if server.get("authorization"):
        context.oauth_metadata = OAuthMetadata.model_validate(server["authorization"])
    if server.get("resource"):
        context.protected_resource_metadata = ProtectedResourceMetadata.model_validate(server["resource"])
    context.auth_server_url = server.get("chosen")
    return provider


def _kept(login: Login, provider: OAuthClientProvider, seed: _Seed) -> Login:
    """What to keep for the next time."""
    context = provider.context
    tokens = seed.tokens
    assert tokens is not None  # noqa: S101 (the flow ended well)
    server = {
        "authorization": _plain(context.oauth_metadata),
        "resource": _plain(context.protected_resource_metadata),
        "chosen": context.auth_server_url,
    }
    expires = time.time() + tokens.expires_in if tokens.expires_in is not None else None
    return replace(login, tokens=_plain(tokens), expires=expires, client=_plain(seed.client), server=server)


def _plain(model: BaseModel | None) -> dict[str, Any] | None:
    return model.model_dump(mode="json", exclude_none=True) if model is not None else None


def _metadata(settings: OAuth | None, redirect_uri: str | None) -> OAuthClientMetadata:
    """What we say of ourselves when we register."""
    return OAuthClientMetadata(
        redirect_uris=[AnyUrl(redirect_uri)] if redirect_uri else None,
        client_name="mcp-mend",
        token_endpoint_auth_method="none",  # noqa: S106 (a program on a person's machine keeps no secret)
        scope=settings.scope or None if settings else None,
    )


def _client(login: Login, settings: OAuth | None, redirect_uri: str | None) -> Mapping[str, Any] | None:
    """Our registration: the configured one, else that of the last login while it fits; None to register anew."""
    if settings is not None and settings.client_id:
        how = settings.client_authentication or ("client_secret_basic" if settings.client_secret else "none")
        return {
            "client_id": settings.client_id,
            "client_secret": settings.client_secret,
            "token_endpoint_auth_method": how,
            "redirect_uris": [redirect_uri] if redirect_uri else None,
            "issuer": settings.issuer,
        }
    ends: Any = (login.client or {}).get("client_secret_expires_at")
    return login.client if registered_at(login) == redirect_uri and not (ends and ends < time.time()) else None
