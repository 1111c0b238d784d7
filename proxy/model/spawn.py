"""Reaching the planner's worker: the running one of this state folder, else a new one.

A lock file makes sure that proxies starting together start one worker. The socket listens before the worker has
started, so nobody waits for a process to come up. Blocking; the client calls it in a thread. POSIX only.
"""

from __future__ import annotations

import os
import socket
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import anyio
from filelock import FileLock

from proxy.model.wire import SOCKET, Settings

ADDRESS = 100
"""Longest path of a socket, in bytes: 108 on Linux and 104 on macOS with their end mark. Beyond it, no sharing."""
WORDS = 600
"""Characters of a dead worker's last lines that go into the log."""


@dataclass(frozen=True)
class Reached:
    """A connected socket; `pid` is the worker's where this process started it, else 0; `log` its error output."""

    channel: socket.socket
    pid: int
    log: Path


def reach(settings: Settings, folder: Path) -> Reached:
    """Connect to the worker for these settings, started if need be; raises OSError where that is impossible."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    address = folder / f"{settings.key}.sock"
    errors = folder / f"{settings.key}.log"
    if len(os.fsencode(address)) > ADDRESS:
        ours, theirs = socket.socketpair()
        with theirs:
            return Reached(ours, _start(replace(settings, listen=False), theirs, errors), errors)
    with FileLock(folder / f"{settings.key}.lock", mode=0o600):
        channel = _connect(address)
        if channel:
            return Reached(channel, 0, errors)
        with _listen(address) as listening:
            pid = _start(settings, listening, errors)
        channel = _connect(address)
        if channel is None:
            raise ConnectionError(f"nobody listens on {address}")
        return Reached(channel, pid, errors)


def _connect(address: Path) -> socket.socket | None:
    channel = socket.socket(socket.AF_UNIX)
    try:
        channel.connect(os.fspath(address))
    except (FileNotFoundError, ConnectionRefusedError):
        channel.close()
        return None
    return channel


def _listen(address: Path) -> socket.socket:
    """Take the address, which nobody answers on; only this user may connect."""
    address.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(os.fspath(address))
    address.chmod(0o600)
    listening.listen()
    return listening


def _start(settings: Settings, channel: socket.socket, errors: Path) -> int:
    """Start a worker on this socket, its error output in a fresh file, and return its process id."""
    environment = {
        **os.environ,
        # Threads of llama.cpp that wait for one another by spinning slow each other 20 to 50 times on a busy machine.
        "GOMP_SPINCOUNT": "1000",
        "OPENBLAS_NUM_THREADS": "1",
        # Every arena reserves 64 MB of addresses, which count against the bound on memory.
        "MALLOC_ARENA_MAX": "2",
    }
    null = os.devnull
    return os.posix_spawn(
        sys.executable,
        [sys.executable, "-P", "-m", "proxy.model.worker", settings.json()],
        environment,
        file_actions=[
            (os.POSIX_SPAWN_DUP2, channel.fileno(), SOCKET),
            (os.POSIX_SPAWN_OPEN, 0, null, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, null, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_OPEN, 2, os.fspath(errors), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
        ],
    )


async def last_words(reached: Reached) -> str:
    """What a worker that has ended wrote last, in one line."""
    path = anyio.Path(reached.log)
    text = await path.read_text(errors="replace") if await path.exists() else ""
    return " ".join(text.split())[-WORDS:] or "it said nothing"


async def reap(reached: Reached, seconds: float = 1.0) -> None:
    """Collect a worker that this process started and that is about to end; one that others use is left alone."""
    if not reached.pid:
        return
    with anyio.move_on_after(seconds):
        while True:
            try:
                if os.waitpid(reached.pid, os.WNOHANG)[0]:  # noqa: ASYNC222 - it does not wait
                    return
            except ChildProcessError:
                return
            await anyio.sleep(0.01)
