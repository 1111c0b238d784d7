"""A server started as a child process, spoken to over its stdin and stdout.

asyncio pipes without threads or reader tasks: bytes are handled where the event loop delivers them. Knows nothing of
MCP. The child leads its own process group, which is ended as a whole.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import cast

import anyio
import structlog

from proxy.upstreams.environment import environment
from proxy.upstreams.watchdog import Watchdog
from proxy.wire import rpc
from proxy.wire.lines import Lines, widen
from proxy.wire.rpc import Id, Message
from schemas.config import Upstream

log = structlog.get_logger("upstream")

STDERR_LINES = 20
"""Lines kept for diagnostics: enough for a traceback's end, small enough for an error message."""

GRACE = 2.0
"""Seconds a child gets to end by itself after its stdin closed, and again after SIGTERM."""


GROUPS = os.name == "posix"
"""Whether a process can lead a group that is ended as a whole; elsewhere the process alone is ended."""

LAST_WORDS = 0.3
"""Seconds to read what a process still has to say that has exited, or has closed one of its pipes."""

LARGEST_BACKLOG = 16 * 1024 * 1024
"""Bytes that wait for a child to read them before it is sent nothing more."""


class ChildProcess(asyncio.SubprocessProtocol):
    """A running child and the `Transport` to it; `ended` is called once when it closes stdin or stdout, or exits."""

    def __init__(self, name: str, receive: Callable[[Message], None], ended: Callable[[str], None]) -> None:
        self.name = name
        self.noise = 0
        self.stderr: deque[str] = deque(maxlen=STDERR_LINES)
        self._ended = ended
        self._lines = Lines(receive, self._skip)
        self._open = asyncio.Event()
        self._open.set()
        self._exited = asyncio.Event()
        self._silent: set[int] = set()
        self._spoken = asyncio.Event()
        self._partial = b""
        self._transport: asyncio.SubprocessTransport | None = None
        self._stdin: asyncio.WriteTransport | None = None
        self._closed = False

    def send(self, message: Message) -> None:
        """Write one message to the child's stdin."""
        if self._stdin is None or self._closed or self._stdin.is_closing():
            raise ConnectionError(f"the process of {self.name} has ended")
        if self._stdin.get_write_buffer_size() > LARGEST_BACKLOG:
            raise ConnectionError(f"the process of {self.name} does not read what is sent to it")
        self._stdin.write(rpc.encode(message, b"\n"))

    async def drained(self) -> None:
        """Wait until the child has read most of what was written."""
        if not self._open.is_set():
            await self._open.wait()

    async def spoken(self) -> None:
        """Wait, not for long, until everything that the child had to say has been read."""
        with anyio.move_on_after(LAST_WORDS):
            await self._spoken.wait()

    def abandon(self, ident: Id) -> bool:
        """A pipe cannot forget one request: the child must be told."""
        del ident
        return False

    def tail(self) -> tuple[str, ...]:
        """The last lines of stderr."""
        rest = self._partial.decode(errors="replace").strip()
        return (*self.stderr, rest) if rest else tuple(self.stderr)

    @property
    def pid(self) -> int:
        """Process id, which is also the id of its group."""
        return cast("asyncio.SubprocessTransport", self._transport).get_pid()

    def hold(self, on: bool) -> None:  # noqa: FBT001 (what a `Backpressure` calls)
        """Leave the child's stdout unread for now, or read on."""
        stdout = self._transport.get_pipe_transport(1) if self._transport is not None else None
        if isinstance(stdout, asyncio.ReadTransport) and not stdout.is_closing():
            (stdout.pause_reading if on else stdout.resume_reading)()

    async def start(self, config: Upstream) -> None:
        """Start the child in a new process group.

        Raises `OSError` where the program is missing or cannot be run.
        """
        env, cwd = environment(config, os.environ), config.cwd
        program = _program(config.command or "", env.get("PATH"), cwd)
        loop = asyncio.get_running_loop()
        await loop.subprocess_exec(lambda: self, program, *config.args, env=env, cwd=cwd, start_new_session=GROUPS)

    async def stop(self, watchdog: Watchdog) -> None:
        """End the child and everything in its group: stdin closed, then SIGTERM, then SIGKILL. Bounded in time."""
        transport, group = cast("asyncio.SubprocessTransport", self._transport), self.pid
        if self._stdin is not None:
            self._stdin.close()
        try:
            with anyio.move_on_after(GRACE):
                await self._exited.wait()
            if not self._exited.is_set() or _left(group):
                self._signal(transport, kindly=True)
                with anyio.move_on_after(GRACE):
                    await self._exited.wait()
                await _vanished(group, GRACE if self._exited.is_set() else 0)
        finally:
            self._signal(transport, kindly=False)
            watchdog.discard(group)
            transport.close()
        with anyio.move_on_after(GRACE):
            await self._exited.wait()

    def _signal(self, transport: asyncio.SubprocessTransport, *, kindly: bool) -> None:
        """Ask the child and everything in its group to end, or make them."""
        with suppress(ProcessLookupError, PermissionError):
            if GROUPS:
                os.killpg(self.pid, signal.SIGTERM if kindly else signal.SIGKILL)
            elif not self._exited.is_set():
                (transport.terminate if kindly else transport.kill)()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:  # noqa: D102 (asyncio's callback)
        self._transport = cast("asyncio.SubprocessTransport", transport)
        self._stdin = cast("asyncio.WriteTransport", self._transport.get_pipe_transport(0))
        widen(self._transport.get_pipe_transport(1))

    def pipe_data_received(self, fd: int, data: bytes) -> None:  # noqa: D102
        if fd == 1:
            self._lines.feed(data)
        else:
            self._keep_stderr(data)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:  # noqa: D102
        del exc
        if fd in (1, 2):
            self._silent.add(fd)
            if self._silent == {1, 2}:
                self._spoken.set()
            if self._exited.is_set() and self._silent == {1, 2}:
                self._end(self._exit_reason())
            elif fd == 1:
                self._end_soon("it closed its stdout")
        elif fd == 0:
            self._open.set()
            self._end_soon("it closed its stdin")

    def pause_writing(self) -> None:  # noqa: D102
        self._open.clear()

    def resume_writing(self) -> None:  # noqa: D102
        self._open.set()

    def process_exited(self) -> None:  # noqa: D102
        self._exited.set()
        if self._silent == {1, 2}:
            self._end(self._exit_reason())
        else:
            self._end_soon(self._exit_reason())

    def _end_soon(self, reason: str) -> None:
        """The connection is over, but what the child has written may still be read."""
        end = lambda: self._end(self._exit_reason() if self._exited.is_set() else reason)  # noqa: E731 (called once, here)
        asyncio.get_running_loop().call_later(LAST_WORDS, end)

    def _exit_reason(self) -> str:
        code = self._transport.get_returncode() if self._transport is not None else None
        return f"the process ended with exit code {code}"

    def _end(self, reason: str) -> None:
        self._open.set()
        if not self._closed:
            self._closed = True
            self._ended(reason)

    def _skip(self, line: bytes) -> None:
        self.noise += 1
        text = line[:500].decode(errors="replace")
        log.info("line on stdout is no message", upstream=self.name, line=text, count=self.noise)

    def _keep_stderr(self, data: bytes) -> None:
        *whole, self._partial = (self._partial + data).split(b"\n")
        self._partial = self._partial[-4000:]
        for line in whole:
            text = line[:2000].decode(errors="replace").rstrip()
            if text:
                self.stderr.append(text)
                log.debug("stderr", upstream=self.name, line=text)


def _program(command: str, path: str | None, cwd: str | None) -> str:
    if cwd is not None and not Path(cwd).is_dir():
        raise NotADirectoryError(f"the working directory {cwd!r} does not exist")
    program = shutil.which(command, path=path)
    if program is None and cwd is not None:
        program = shutil.which(str(Path(cwd) / command))
    if program is None:
        raise FileNotFoundError(f"the program {command!r} was not found on PATH")
    return program


async def _vanished(group: int, seconds: float) -> None:
    """Wait until no process of the group is left, polling as there is no event for it."""
    for _ in range(int(seconds / 0.02)):
        if not _left(group):
            return
        await asyncio.sleep(0.02)


def _left(group: int) -> bool:
    """Tell whether a process group still has members."""
    if not GROUPS:
        return False
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True
