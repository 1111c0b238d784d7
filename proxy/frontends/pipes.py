"""Our own stdin and stdout as a `Transport`: asyncio pipes on POSIX, threads where those cannot serve.

The file descriptors 0 and 1 are taken away from everyone else, so that nothing that prints can break the protocol.
"""

from __future__ import annotations

import asyncio
import os
import queue
import stat
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

import structlog

from proxy.wire import rpc
from proxy.wire.lines import Lines, widen
from proxy.wire.rpc import Id, Message

log = structlog.get_logger("server")

_CHUNK = 1 << 16
_MUCH = 1 << 20
"""Bytes that wait for the client to read them before nothing more is taken for it."""

POLLED = os.name == "posix"
"""Whether the event loop can wait for the pipes of a client; elsewhere threads read and write."""


class Pipes(asyncio.Protocol):
    """The client's end: `send` writes to stdout, `ended` is set once stdin closes, `broken` once stdout does.

    `full` is told when so much waits for the client to read it that nothing more should come, and when that is over.
    """

    def __init__(
        self,
        receive: Callable[[Message], None],
        garbage: Callable[[bytes], None],
        full: Callable[[bool], None] = lambda _: None,
    ) -> None:
        self.ended = asyncio.Event()
        self.broken = asyncio.Event()
        self._lines = Lines(receive, garbage)
        self._write: Callable[[bytes], None] | None = None
        self._reading: asyncio.BaseTransport | None = None
        self._writing: asyncio.WriteTransport | _Threaded | None = None
        self._out = _Out(self.broken, full)
        self._taken: tuple[int, int] | None = None

    async def open(self) -> None:
        """Take over stdin and stdout."""
        stdin, stdout = self._taken = _taken()
        loop = asyncio.get_running_loop()
        try:
            _must_poll(stdout)
            writer, _ = await loop.connect_write_pipe(
                lambda: self._out, os.fdopen(stdout, "wb", buffering=0, closefd=False)
            )
            writer.set_write_buffer_limits(_MUCH)
            widen(writer)
            self._writing = writer
        except (ValueError, OSError, NotImplementedError):
            self._writing = _Threaded(stdout, loop, self._out)
        self._write = self._writing.write
        try:
            _must_poll(stdin)
            self._reading, _ = await loop.connect_read_pipe(
                lambda: self, os.fdopen(stdin, "rb", buffering=0, closefd=False)
            )
        except (ValueError, OSError, NotImplementedError):
            _start_reader(stdin, loop, self)

    def send(self, message: Message) -> None:
        """Write one message."""
        if self._write is None or self.broken.is_set():
            raise ConnectionError("the client has closed its end")
        self._write(rpc.encode(message, b"\n"))

    async def drained(self) -> None:
        """Wait until the client has read most of what was written."""
        await self._out.open.wait()

    def abandon(self, ident: Id) -> bool:
        """The client must be told when a question is withdrawn."""
        del ident
        return False

    @property
    def backlog(self) -> int:
        """Bytes that wait for the client to read them."""
        return self._writing.get_write_buffer_size() if self._writing is not None else 0

    async def flush(self, seconds: float) -> None:
        """Wait until everything written has left, but not longer than this."""
        for _ in range(int(seconds / 0.01)):
            if self.broken.is_set() or self.backlog == 0:
                return
            await asyncio.sleep(0.01)

    def close(self) -> None:
        """Let both pipes go."""
        for transport in (self._reading, self._writing):
            if transport is not None:
                transport.close()
        if self._taken is not None and self._reading is not None:
            asyncio.get_running_loop().call_soon(_close, self._taken)

    def data_received(self, data: bytes) -> None:  # noqa: D102 (asyncio's callback)
        self._lines.feed(data)

    def eof_received(self) -> None:  # noqa: D102
        self._lines.feed(b"\n")
        self.ended.set()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: D102
        del exc
        self.ended.set()


class _Out(asyncio.BaseProtocol):
    """Flow control of stdout, and the news that the client no longer reads."""

    def __init__(self, broken: asyncio.Event, full: Callable[[bool], None]) -> None:
        self.open = asyncio.Event()
        self.open.set()
        self._broken = broken
        self._full = full

    def pause_writing(self) -> None:
        self.open.clear()
        self._full(True)  # noqa: FBT003 (the one thing it says)

    def resume_writing(self) -> None:
        self.open.set()
        self._full(False)  # noqa: FBT003

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.resume_writing()
        self._broken.set()


def _must_poll(fd: int) -> None:
    """Raise `ValueError` for a descriptor that the event loop cannot wait for, such as a file or /dev/null."""
    mode = os.fstat(fd).st_mode
    if not POLLED or not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(fd)):
        raise ValueError("nothing to wait for")


def _close(fds: tuple[int, int]) -> None:
    for fd in fds:
        os.close(fd)


def _taken() -> tuple[int, int]:
    """Private copies of stdin and stdout; descriptor 0 then reads nothing and descriptor 1 writes to stderr."""
    sys.stdout.flush()
    stdin, stdout = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    return stdin, stdout


class _Threaded:
    """Writes in a thread, in order, with the flow control that a transport would have."""

    def __init__(self, fd: int, loop: asyncio.AbstractEventLoop, out: _Out) -> None:
        self._fd, self._loop, self._out = fd, loop, out
        self._waiting = 0
        self._queue: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        threading.Thread(target=self._work, name="stdout", daemon=True).start()

    def write(self, data: bytes) -> None:
        self._waiting += len(data)
        if self._waiting > _MUCH:
            self._out.pause_writing()
        self._queue.put(data)

    def get_write_buffer_size(self) -> int:
        return self._waiting

    def close(self) -> None:
        self._queue.put(None)

    def _work(self) -> None:
        with suppress(RuntimeError):  # the loop has ended
            while (data := self._queue.get()) is not None:
                view = memoryview(data)
                try:
                    while view:
                        view = view[os.write(self._fd, view) :]
                except OSError as broken:
                    self._loop.call_soon_threadsafe(self._out.connection_lost, broken)
                    return
                self._loop.call_soon_threadsafe(self._written, len(data))

    def _written(self, size: int) -> None:
        self._waiting -= size
        if self._waiting <= _MUCH:
            self._out.resume_writing()


def _start_reader(fd: int, loop: asyncio.AbstractEventLoop, pipes: Pipes) -> None:
    def read() -> None:
        with suppress(RuntimeError):  # the loop has ended
            with suppress(OSError):
                while data := os.read(fd, _CHUNK):
                    loop.call_soon_threadsafe(pipes.data_received, data)
            loop.call_soon_threadsafe(pipes.eof_received)

    threading.Thread(target=read, name="stdin", daemon=True).start()
