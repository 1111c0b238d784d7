"""Logins in the store, for replicas: one that renews a token renews it for all, and nobody else does so meanwhile.

Always encrypted, by a key that the database never sees. Replicas tell one another of changes (`CHANGED`); who is
refused, or waits for a person, looks for itself besides.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

from proxy.store.sql import Connection, StoreError
from proxy.store.state import State
from proxy.upstreams.auth.logins import LOCKED, Login, canonical, dumped, loaded
from proxy.upstreams.auth.sealed import sealed

CHANGED = "logins"
"""What the other replicas are told when a login was written or forgotten."""
LEASE = 120.0
"""Seconds after which another may renew, where a replica ended that did."""
EVERY = 5.0
"""Seconds between two looks of who waits for a person and hears nothing of other replicas."""
_AGAIN = 0.2
"""Seconds between two attempts to be alone."""
_KEY = "address = ? AND tenant = ?"

T = TypeVar("T")


class StoredLogins:
    """Implements `proxy.upstreams.auth.logins.Logins`."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._known: dict[tuple[str, str], StoredLogin] = {}

    def of(self, url: str, tenant: str = "") -> StoredLogin:
        """One login; the same object for the same one."""
        key = canonical(url), tenant
        return self._known.setdefault(key, StoredLogin(self._state, *key))

    async def asked_by(self, name: str) -> str | None:
        """The address of the upstream of this name that was refused last."""
        newest = "SELECT address FROM logins WHERE name = ? ORDER BY at DESC LIMIT 1"
        rows = await _asked(self._state, lambda connection: connection.rows(newest, [name]))
        return rows[0]["address"] if rows else None

    def notice(self) -> None:
        """Read what is needed anew: somebody says that logins have changed."""
        for login in self._known.values():
            login.notice()


class StoredLogin:
    """Implements `proxy.upstreams.auth.logins.KeptLogin`; read from memory until somebody says that it has changed."""

    def __init__(self, state: State, url: str, tenant: str) -> None:
        self.url = url
        self._state = state
        self._key = (url, tenant)
        self._login = Login(url)
        self._notices = 1
        self._read_at = 0
        self._noticed = asyncio.Event()

    def notice(self) -> None:
        """Read it anew when it is asked for next."""
        self._notices += 1
        self._noticed.set()

    async def read(self, *, anew: bool = False) -> Login:
        """What is kept; while the store cannot be read, what was kept when it could."""
        if self._read_at == self._notices and not anew:
            return self._login
        noticed = self._notices
        statement = f"SELECT sealed FROM logins WHERE {_KEY}"  # noqa: S608
        try:
            rows = await _asked(self._state, lambda connection: connection.rows(statement, self._key))
        except OSError:
            if self._login == Login(self.url):
                raise
            return self._login
        text = rows[0]["sealed"] if rows else ""
        self._login = loaded(text, self.url, self._state.place.name) if text else Login(self.url)
        self._read_at = noticed
        return self._login

    async def write(self, login: Login) -> None:
        """Keep another content instead, encrypted."""
        text = sealed(dumped(login), always=True)

        def work(connection: Connection) -> None:
            now = connection.dialect.now
            with connection.transaction():
                connection.announce(CHANGED)
                connection.run(
                    f"""INSERT INTO logins (address, tenant, name, sealed, at, holder, until)
                    VALUES (?, ?, ?, ?, {now}, '', 0) ON CONFLICT (address, tenant)
                    DO UPDATE SET name = excluded.name, sealed = excluded.sealed, at = excluded.at""",  # noqa: S608
                    [*self._key, login.name, text],
                )

        await _asked(self._state, work)
        self._login, self._read_at = login, self._notices

    async def erase(self) -> bool:
        """Forget everything but who holds it; True where there was something."""
        forgotten = f"UPDATE logins SET name = '', sealed = '' WHERE {_KEY} AND sealed <> ''"  # noqa: S608

        def work(connection: Connection) -> bool:
            with connection.transaction():
                connection.announce(CHANGED)
                return connection.run(forgotten, self._key) > 0

        found = await _asked(self._state, work)
        self._login, self._read_at = Login(self.url), self._notices
        return found

    @asynccontextmanager
    async def alone(self) -> AsyncGenerator[None]:
        """Hold it against every other replica, for `LEASE` at most."""
        holder = uuid.uuid4().hex

        def take(connection: Connection) -> bool:
            now = connection.dialect.now
            taken = f"""INSERT INTO logins (address, tenant, name, sealed, at, holder, until)
                VALUES (?, ?, '', '', {now}, ?, {now} + ?) ON CONFLICT (address, tenant)
                DO UPDATE SET holder = excluded.holder, until = excluded.until WHERE logins.until < {now}"""  # noqa: S608
            return connection.run(taken, [*self._key, holder, LEASE]) > 0

        def leave(connection: Connection) -> None:
            mine = f"{_KEY} AND holder = ?"
            connection.run(f"DELETE FROM logins WHERE {mine} AND sealed = ''", [*self._key, holder])  # noqa: S608
            connection.run(f"UPDATE logins SET until = 0 WHERE {mine}", [*self._key, holder])  # noqa: S608

        try:
            async with asyncio.timeout(LOCKED):
                while not await _asked(self._state, take):  # noqa: ASYNC110 (another replica holds it)
                    await asyncio.sleep(_AGAIN)
        except TimeoutError as late:
            raise TimeoutError(f"the login to {self.url} is being renewed by another replica") from late
        try:
            yield
        finally:
            self._state.later("that a renewal has ended", leave)

    async def changed(self, token: str | None) -> None:
        """Wait until there is another access token than this one."""
        while True:
            self._noticed.clear()
            with suppress(OSError):
                if (await self.read(anew=True)).token not in (None, token):
                    return
            with suppress(TimeoutError):
                async with asyncio.timeout(EVERY):
                    await self._noticed.wait()


async def _asked(state: State, work: Callable[[Connection], T]) -> T:
    try:
        return await state.ask(work)
    except StoreError as error:
        raise OSError(f"{state.place.name}: {error}") from error
