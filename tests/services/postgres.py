"""A real PostgreSQL in a temporary folder, and fresh databases in it."""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import LiteralString, cast

from tests.services.running import free_port, other_user, running

MISSING = "there is no PostgreSQL: apt-get install postgresql"
PASSWORD = "kept-from-every-log"
_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "200"}


def programs() -> Path | None:
    """The folder of the newest PostgreSQL's programs, or None."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("postgres")
    found = [*([Path(on_path)] if on_path else []), *debian]
    return found[-1].parent if found else None


@dataclass
class Postgres:
    """A server at work; `port` is on 127.0.0.1."""

    port: int
    process: subprocess.Popen[bytes]
    _numbers: count[int] = field(default_factory=count)

    def url(self, database: str = "postgres") -> str:
        """The address of one database."""
        return f"postgresql://postgres:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    @contextmanager
    def database(self, settings: LiteralString = "") -> Generator[str]:
        """The address of a database of its own, empty at first and gone afterwards, whoever still uses it."""
        name = cast("LiteralString", f"mend_{next(self._numbers)}")
        self.run(f"CREATE DATABASE {name} {settings}")
        try:
            yield self.url(name)
        finally:
            if self.process.poll() is None:
                self.run(f"DROP DATABASE {name} WITH (FORCE)")

    def run(self, statement: LiteralString) -> None:
        """Carry out a statement of the administrator's."""
        import psycopg  # most runs of tests want no database

        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def postgres(**settings: str) -> Generator[Postgres]:
    """A server with these settings beside those that make it fast and forgetful; raises `LookupError` without one."""
    bin_folder = programs()
    if bin_folder is None:
        raise LookupError(MISSING)
    user = other_user("postgres")
    with tempfile.TemporaryDirectory(prefix="mend-pg-") as name:
        folder, port = Path(name), free_port()
        if user is not None:
            shutil.chown(folder, user)
        data = folder / "data"
        make = [str(bin_folder / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8"]
        subprocess.run(
            [*make, "--locale=C.UTF-8"], user=user, cwd="/", check=True, capture_output=True, stdin=subprocess.DEVNULL
        )
        command = [str(bin_folder / "postgres"), "-D", str(data), "-k", str(folder), "-h", "127.0.0.1", "-p", str(port)]
        for key, value in {**_SETTINGS, **settings}.items():
            command += ["-c", f"{key}={value}"]
        check = [str(bin_folder / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]

        def ready() -> bool:
            return subprocess.run(check, check=False).returncode == 0

        with running(command, folder / "log", ready, user=user, end=signal.SIGINT) as process:
            yield Postgres(port, process)
