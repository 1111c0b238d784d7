"""One program of a service, as a user that may run it, from its first answer to its end."""

from __future__ import annotations

import os
import pwd
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

START_SECONDS = 30.0


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def other_user(name: str) -> str | None:
    """A user that is not root, for programs that refuse root: this one if there is one, else nobody; None for us."""
    if os.geteuid() != 0:
        return None
    return name if any(entry.pw_name == name for entry in pwd.getpwall()) else "nobody"


@contextmanager
def running(
    command: Sequence[str], log: Path, ready: Callable[[], bool], *, user: str | None = None, end: int = signal.SIGTERM
) -> Generator[subprocess.Popen[bytes]]:
    """A program from the time it is ready; raises `RuntimeError` with its output where it ends before."""
    group = None if user is None else pwd.getpwnam(user).pw_gid
    with log.open("wb") as out:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            user=user,
            group=group,
            extra_groups=None if user is None else [],
            cwd="/",
        )
    try:
        given_up = time.monotonic() + START_SECONDS
        while not ready():
            if process.poll() is not None or time.monotonic() > given_up:
                raise RuntimeError(f"{command[0]} does not come up:\n{log.read_text(errors='replace')}")
            time.sleep(0.02)
        yield process
    finally:
        process.send_signal(end)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
