"""A real nginx with a given configuration."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tests.services.running import running

MISSING = "there is no nginx: apt-get install nginx-light"


def program() -> str | None:
    """Where nginx is, or None."""
    return shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/local/bin:/usr/bin")


@contextmanager
def nginx(config: str, port: int) -> Generator[subprocess.Popen[bytes]]:
    """An nginx that follows this file, once it listens on `port` of 127.0.0.1; raises `LookupError` without one.

    `FOLDER` in the text stands for a folder of its own, in which it may write.
    """
    found = program()
    if found is None:
        raise LookupError(MISSING)
    with tempfile.TemporaryDirectory(prefix="mend-nginx-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        file = folder / "nginx.conf"
        file.write_text(config.replace("FOLDER", name), encoding="utf-8")
        command = [found, "-c", str(file), "-p", name, "-e", "stderr", "-g", "daemon off;"]
        with running(command, folder / "log", lambda: _listens(port)) as process:
            yield process


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
