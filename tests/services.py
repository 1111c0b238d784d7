"""Real services for tests, each of its own in a temporary folder and gone at the end: PostgreSQL and nginx."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

STARTS = 60
"""Seconds that a service may take to start."""


def program(name: str, *folders: str) -> str:
    """Where a program is, on the PATH or in Debian's folders; skips the test where it is not."""
    found = shutil.which(name) or next(
        (str(path) for folder in folders for path in sorted(Path("/").glob(f"{folder}/{name}"), reverse=True)), None
    )
    if found is None:
        pytest.skip(f"there is no {name} here")
    return found


@contextmanager
def postgresql() -> Generator[str]:
    """A PostgreSQL server that listens on a socket of its own alone; gives the address of its first database."""
    bin_folder = Path(program("postgres", "usr/lib/postgresql/*/bin", "usr/local/bin")).parent
    user = _other_user()
    with tempfile.TemporaryDirectory(prefix="mend-pg-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if user is not None:
            os.chown(folder, user.pw_uid, user.pw_gid)
        account = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user is not None else {}
        initdb = [bin_folder / "initdb", "-D", folder / "data", "-A", "trust", "-U", "mend", "-E", "UTF8", "--no-sync"]
        subprocess.run(initdb, check=True, capture_output=True, cwd=folder, timeout=STARTS, **account)
        settings = ["listen_addresses=", "fsync=off", f"unix_socket_directories={folder}", "max_connections=200"]
        options = [word for setting in settings for word in ("-c", setting)]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [bin_folder / "postgres", "-D", folder / "data", *options],
                stdout=log, stderr=log, cwd=folder, **account,
            )  # fmt: skip
        try:
            address = f"postgresql://mend@/postgres?host={quote(str(folder), safe='')}"
            _answers(server, address, folder / "log")
            yield address
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(STARTS)


def _other_user() -> pwd.struct_passwd | None:
    """The user whom the server is to run as where we are root, whom it refuses."""
    if os.geteuid() != 0:
        return None
    return next(user for name in ("postgres", "nobody") for user in pwd.getpwall() if user.pw_name == name)


def _answers(server: subprocess.Popen[bytes], address: str, log: Path) -> None:
    for _ in range(STARTS * 10):
        with suppress(psycopg.OperationalError):
            psycopg.connect(address).close()
            return
        with suppress(subprocess.TimeoutExpired):
            server.wait(0.1)
            break
    pytest.fail(f"PostgreSQL did not start: {log.read_text(errors='replace')}")


@contextmanager
def nginx(configuration: str, folder: Path) -> Generator[subprocess.Popen[bytes]]:
    """An nginx with these `http` directives; ends it by a signal at the end."""
    binary = program("nginx", "usr/sbin", "usr/local/sbin")
    places = "".join(
        f"{kind}_temp_path {folder / kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    written = folder / "nginx.conf"
    written.write_text(
        f"daemon off; pid {folder / 'nginx.pid'}; error_log {folder / 'error.log'}; events {{}}\n"
        f"http {{ access_log off; {places}\n{configuration}\n}}\n"
    )
    server = subprocess.Popen([binary, "-p", str(folder), "-c", str(written), "-e", str(folder / "error.log")])
    try:
        yield server
    finally:
        server.terminate()
        server.wait(STARTS)
