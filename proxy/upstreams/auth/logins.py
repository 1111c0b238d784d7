"""What is kept of the login to one address: tokens, our registration there, and where the tokens are renewed.

Kept in files here, or in the store that replicas share (`proxy.store.logins`). Knows nothing of how tokens are got.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import time
from collections import deque
from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol, cast
from urllib.parse import urlsplit, urlunsplit

import structlog

from catalog_cache.home import exchange, private_folder, state_folder
from proxy.upstreams.auth.sealed import SealedError, opened, sealed

log = structlog.get_logger("upstream")

FORMAT = 1
EARLY = 10.0
"""Seconds before its end that a token counts as over: a request takes time to arrive."""
LOCKED = 60.0
"""Seconds to wait for another process that renews the same tokens."""
EVERY = 1.0
"""Seconds between two looks at the file while somebody is waited for."""


class OAuthError(Exception):
    """No token could be had; the text says why, for a person."""


_held: deque[str] = deque(maxlen=256)


def held() -> tuple[str, ...]:
    """Every token and client secret that this process has read or got: journal and log leave them out."""
    return tuple(_held)


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a server said when it refused: the scope it wants, where its metadata lies, whether it wants *more*."""

    scope: str | None = None
    metadata: str | None = None
    more: bool = False


@dataclass(frozen=True, slots=True)
class Login:
    """The content of one file; `tokens`, `client` and `server` are as the SDK writes them, `expires` in epoch seconds.

    `wanted` is what a server asked for that the tokens do not give; `name` the upstream that asked last.
    """

    url: str
    name: str = ""
    tokens: Mapping[str, Any] | None = None
    expires: float | None = None
    client: Mapping[str, Any] | None = None
    server: Mapping[str, Any] | None = None
    wanted: Challenge | None = None

    @property
    def token(self) -> str | None:
        """The access token."""
        return str(self.tokens["access_token"]) if self.tokens else None

    @property
    def scope(self) -> str | None:
        """What the tokens allow."""
        return cast("str | None", self.tokens.get("scope")) if self.tokens else None

    @property
    def renewable(self) -> bool:
        """Tell whether there is a refresh token."""
        return bool(self.tokens and self.tokens.get("refresh_token"))

    @property
    def over(self) -> bool:
        """Tell whether the access token has reached its end."""
        return self.expires is not None and time.time() > self.expires - EARLY

    def without_tokens(self, wanted: Challenge | None) -> Login:
        """The same without tokens that are good for nothing any more."""
        return replace(self, tokens=None, expires=None, wanted=wanted)


class KeptLogin(Protocol):
    """The login to one address, of one tenant or of whoever runs the proxy; `url` is the address in one spelling."""

    url: str

    async def read(self, *, anew: bool = False) -> Login:
        """What is kept, an empty login where there is nothing; `anew` where it may have changed without a word.

        Raises `OSError` where it cannot be known.
        """
        ...

    async def write(self, login: Login) -> None:
        """Keep another content instead. Raises `OSError`, also for a key too short."""
        ...

    async def erase(self) -> bool:
        """Forget everything but who holds it; True where there was something. Raises `OSError`."""
        ...

    def alone(self) -> AbstractAsyncContextManager[None]:
        """Hold it against every other process and connection. Raises `TimeoutError` and `OSError`."""
        ...

    async def changed(self, token: str | None) -> None:
        """Wait until there is another access token than this one."""
        ...


class Logins(Protocol):
    """Every login that is kept at one place."""

    def of(self, url: str, tenant: str = "") -> KeptLogin:
        """The login to an address: a tenant's own, or ("") that of whoever runs the proxy."""
        ...

    async def asked_by(self, name: str) -> str | None:
        """The address of the upstream of this name that was refused last, wherever its configuration lies."""
        ...


class LoginFiles:
    """Implements `Logins`: private files in a folder, encrypted where there is a key."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder

    def of(self, url: str, tenant: str = "") -> LoginFile:
        """The file of one login."""
        return LoginFile(url, self._folder, tenant)

    async def asked_by(self, name: str) -> str | None:
        """The address of the upstream of this name that was refused last."""
        folder = self._folder or logins_folder()
        files = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
        found = (_parsed(path, "") for path in files)
        return next((login.url for login in found if login.name == name and login.url), None)


class LoginFile:
    """Implements `KeptLogin`: a file, written whole and swapped in; reading costs one `stat` while it is the same."""

    def __init__(self, url: str, folder: Path | None = None, tenant: str = "") -> None:
        self.url = canonical(url)
        host = re.sub(r"[^A-Za-z0-9.-]", "_", urlsplit(self.url).hostname or "")
        whose = f"{self.url}\n{tenant}" if tenant else self.url
        digest = hashlib.sha256(whose.encode()).hexdigest()[:16]
        self.path = (folder if folder is not None else logins_folder()) / f"{host}-{digest}.json"
        self._mark: tuple[int, int, int] | None = None
        self._login = Login(self.url)

    async def read(self, *, anew: bool = False) -> Login:
        """What the file says; an empty login where there is none or it cannot be read."""
        del anew
        mark = self._marked()
        if mark != self._mark:
            self._login = _parsed(self.path, self.url) if mark is not None else Login(self.url)
            self._mark = mark
        return self._login

    async def write(self, login: Login) -> None:
        """Swap in another content, readable by its user alone."""
        private_folder(self.path.parent)
        exchange(self.path, sealed(dumped(login)))

    async def erase(self) -> bool:
        """Forget everything; True where there was something."""
        there = self.path.exists()
        self.path.unlink(missing_ok=True)
        return there

    @asynccontextmanager
    async def alone(self) -> AsyncGenerator[None]:
        """Hold the file against every other process and connection. Raises `TimeoutError`."""
        from filelock import AsyncFileLock, Timeout

        private_folder(self.path.parent)
        lock = AsyncFileLock(self._lock_path, timeout=LOCKED, mode=0o600)
        try:
            await lock.acquire()
        except Timeout as late:
            raise TimeoutError(f"{self._lock_path} is held by another process") from late
        try:
            yield
        finally:
            await lock.release()

    async def changed(self, token: str | None) -> None:
        """Wait until the file holds another access token than this one, polling as no event tells."""
        while (await self.read()).token in (None, token):  # noqa: ASYNC110 (another process writes it)
            await asyncio.sleep(EVERY)

    @property
    def _lock_path(self) -> Path:
        return self.path.with_suffix(".lock")

    def _marked(self) -> tuple[int, int, int] | None:
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino


def logins_folder() -> Path:
    """Where the files lie."""
    return state_folder() / "logins"


def canonical(url: str) -> str:
    """One spelling for one address: case of scheme and host, no fragment."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(scheme=parts.scheme.lower(), netloc=parts.netloc.lower(), fragment=""))


def dumped(login: Login) -> str:
    """A login as it is kept."""
    _remember(login)
    return json.dumps({"format": FORMAT, **asdict(login)}, indent=1)


def loaded(text: str, url: str, where: str) -> Login:
    """What `sealed(dumped(login))` made of a login; an empty one, and a log line, where it cannot be read."""
    try:
        value = json.loads(opened(text))
        if value.pop("format") != FORMAT:
            return Login(url)
        wanted = value.pop("wanted")
        found = Login(**value, wanted=Challenge(**wanted) if wanted else None)
    except SealedError as refused:
        log.warning("login not opened", path=where, reason=str(refused))
        return Login(url)
    except (ValueError, TypeError, KeyError, AttributeError) as broken:
        log.warning("login unreadable", path=where, reason=repr(broken))
        return Login(url)
    _remember(found)
    return found


def _parsed(path: Path, url: str) -> Login:
    try:
        return loaded(path.read_text(encoding="utf-8"), url, str(path))
    except FileNotFoundError:
        return Login(url)
    except OSError as broken:
        log.warning("login unreadable", path=str(path), reason=repr(broken))
        return Login(url)


def _remember(login: Login) -> None:
    for values, keys in ((login.tokens, ("access_token", "refresh_token")), (login.client, ("client_secret",))):
        for key in keys:
            value = values.get(key) if values else None
            if isinstance(value, str) and value not in _held:
                _held.append(value)
