"""What the tests of the journal share: log lines kept off the terminal, and places of both engines."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from proxy.store.sql import Place

BIN = Path("/usr/lib/postgresql/15/bin")


@pytest.fixture
def logs() -> Generator[list[Any]]:
    """Log lines, kept off the terminal; the set-up of other tests is undone."""
    structlog.reset_defaults()
    with capture_logs() as lines:
        yield lines
    structlog.reset_defaults()


class Postgres:
    """A PostgreSQL server of our own on a free port; it may be stopped and started again."""

    def __init__(self, folder: Path) -> None:
        self._as = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        self._data = folder / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self._databases = 0
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        if self._as:
            shutil.chown(folder, "postgres")
        self._run("initdb", "-A", "trust", "-U", "mend", "-E", "UTF8", "--locale=C.UTF-8", "-N", "-D", str(self._data))

    def _run(self, program: str, *words: str) -> None:
        line = [*self._as, str(BIN / program), *words]
        subprocess.run(line, check=True, capture_output=True, cwd="/", timeout=60)

    def start(self) -> None:
        quick = ["-c", "fsync=off", "-c", "unix_socket_directories=", "-c", "listen_addresses=127.0.0.1"]
        line = [*self._as, str(BIN / "postgres"), "-D", str(self._data), "-p", str(self.port), *quick]
        self._process = subprocess.Popen(line, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 30
        while True:
            with contextlib.suppress(subprocess.CalledProcessError):
                self._run("psql", "-h", "127.0.0.1", "-p", str(self.port), "-U", "mend", "-c", "SELECT 1", "postgres")
                return
            assert time.monotonic() < until, "PostgreSQL does not answer"
            time.sleep(0.05)

    def stop(self) -> None:
        if self._process is not None:
            self._run("pg_ctl", "stop", "-D", str(self._data), "-m", "immediate", "-w")
            self._process.wait(20)
            self._process = None

    def fresh(self) -> str:
        """The address of an empty database."""
        self._databases += 1
        name = f"mend{self._databases}"
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "mend", name)
        return f"postgresql://mend:hunter2@127.0.0.1:{self.port}/{name}"


@pytest.fixture(scope="session")
def postgres() -> Generator[Postgres]:
    """A running server; stopped at the end."""
    if not (BIN / "postgres").exists():
        pytest.skip(f"needs PostgreSQL in {BIN}")
    with tempfile.TemporaryDirectory(prefix="mend-postgres-") as folder:
        server = Postgres(Path(folder))
        try:
            server.start()
            yield server
        finally:
            server.stop()


@pytest.fixture
def postgres_url(postgres: Postgres) -> str:
    """The address of an empty database."""
    return postgres.fresh()


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Where things are kept, on each engine; the journal's tables are there where making them takes long."""
    if request.param == "sqlite":
        return Place(tmp_path / "state")
    made = Place(tmp_path / "state", request.getfixturevalue("postgres_url"))
    made.open("journal").close()
    return made
