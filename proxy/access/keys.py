"""The public keys of an identity provider, as its discovery document and key set (JWKS) publish them.

They are fetched beside the calls, one fetch at a time, each bounded in time and size; a request waits for one only
where its token is signed with a key that is not known yet, as after a rotation.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import anyio
import structlog

from proxy.wire import rpc
from schemas.catalog import as_list, as_object

if TYPE_CHECKING:
    import httpx2
    import jwt

log = structlog.get_logger("access")

FRESH = 600.0
"""Seconds after which keys are fetched again."""
LAST = 86_400.0
"""Seconds for which keys are good while they cannot be fetched again."""
AGAIN = 10.0
"""Seconds between two fetches for the sake of unknown keys, or after one that failed."""
PATIENCE = 5.0
"""Seconds that one fetch may take."""
LARGEST = 1 << 20
"""Bytes of a document."""
MOST = 100
"""Keys of one set."""
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class KeysError(Exception):
    """Why there are no keys."""


class Keys:
    """The keys of one issuer by their id; `round` counts how often they have changed."""

    def __init__(self, issuer: str, jwks_url: str = "") -> None:
        self.round = 0
        self._issuer = issuer
        self._url = jwks_url
        self._keys: Mapping[str | None, jwt.PyJWK] = {}
        self._published: Any = None
        self._fetched = self._tried = float("-inf")
        self._failure = "they have not been fetched yet"
        self._lock = asyncio.Lock()

    async def of(self, kid: Any) -> jwt.PyJWK | None:
        """The key of this id, or the one there is where a token names none. Raises `KeysError` without any keys."""
        if self._found(kid) is None and time.monotonic() - self._tried >= AGAIN:
            await self._fetch()
        if time.monotonic() - self._fetched > LAST:
            raise KeysError(self._failure)
        return self._found(kid)

    async def keep_fresh(self) -> None:
        """Fetch the keys where that is due."""
        now = time.monotonic()
        if now - self._fetched >= FRESH and now - self._tried >= AGAIN:
            await self._fetch()

    def _found(self, kid: Any) -> jwt.PyJWK | None:
        if kid is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(kid) if isinstance(kid, str) else None

    async def _fetch(self) -> None:
        """Fetch the keys; whoever comes meanwhile waits for the same fetch. A failure leaves what there is."""
        begun = time.monotonic()
        async with self._lock:
            if self._tried >= begun:
                return
            try:
                with anyio.fail_after(PATIENCE):
                    published = await self._published_now()
                self._take(published)
            except TimeoutError:
                self._failed(f"no answer in {PATIENCE:g} s")
            except KeysError as error:
                self._failed(str(error))
            self._tried = time.monotonic()

    async def _published_now(self) -> Any:
        import httpx2

        from proxy.upstreams.remote import trust

        try:
            async with httpx2.AsyncClient(verify=trust(), timeout=PATIENCE) as client:
                return await _document(client, self._url or await self._discovered(client))
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, TypeError) as error:
            raise KeysError(f"{type(error).__name__}: {error}") from error

    async def _discovered(self, client: httpx2.AsyncClient) -> str:
        found = rpc.fields(await _document(client, f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"))
        url = found.get("jwks_uri")
        if found.get("issuer") != self._issuer:
            raise KeysError(f"the discovery document is of another issuer ({found.get('issuer')!r})")
        if not isinstance(url, str) or not _safe(url):
            raise KeysError("the discovery document names no https address as jwks_uri")
        return url

    def _take(self, published: Any) -> None:
        import jwt

        keys: dict[str | None, jwt.PyJWK] = {}
        for each in (as_list(rpc.fields(published).get("keys")) or [])[:MOST]:
            said = as_object(each) or {}
            if said.get("kty") not in ("RSA", "EC", "OKP") or said.get("use", "sig") != "sig":
                continue
            try:
                keys[said.get("kid")] = jwt.PyJWK(said)
            except (jwt.PyJWTError, ValueError, TypeError) as error:
                log.warning("a key of the identity provider cannot be used", kid=said.get("kid"), reason=str(error))
        if not keys:
            raise KeysError("the key set holds no public key for signatures")
        if published != self._published:
            self._published, self._keys = published, keys
            self.round += 1
        self._fetched, self._failure = time.monotonic(), ""

    def _failed(self, reason: str) -> None:
        self._failure = reason
        log.warning("the keys of the identity provider cannot be had", issuer=self._issuer, reason=reason)


async def _document(client: httpx2.AsyncClient, url: str) -> Any:
    """A JSON document; raises `KeysError` where it is none, or too large."""
    async with client.stream("GET", url, headers={"accept": "application/json"}) as response:
        if response.status_code != 200:
            raise KeysError(f"{url} answered {response.status_code}")
        body = b""
        async for part in response.aiter_bytes():
            body += part
            if len(body) > LARGEST:
                raise KeysError(f"{url} is larger than {LARGEST >> 20} MB")
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise KeysError(f"{url} is no JSON") from error


def _safe(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
