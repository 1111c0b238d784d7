"""The planner's process: takes requests from one or more proxies and runs them on its models.

Started by `proxy.model.spawn` as `python -P -m proxy.model.worker SETTINGS` with its socket on descriptor 3.
One thread answers the sockets, one runs the language model and one the embedding model, so that cancelling and
deadlines reach a running request. It ends by itself when the last proxy has gone (its own parent or not, killed or
not) and when nobody has used it for a while. Whatever native code does happens here.
"""

from __future__ import annotations

import asyncio
import faulthandler
import os
import resource
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from proxy.model.native import AbortFlag
from proxy.model.requests import Answer, Faulty, Job, RequestThread
from proxy.model.wire import LINE, SOCKET, Fault, Settings, decode, encode

FIRST_PROXY = 30.0
"""Seconds that a worker waits for its first connection."""
WATCH = 0.5
"""Seconds between two looks at the memory in use."""
OUT_OF_MEMORY = 70
"""Exit status of a worker that outgrew its bound."""
NICE = 5
"""The proxy's event loop comes first where processors are scarce."""
MEANING = frozenset({"learn", "compare"})
Work = Callable[[Mapping[str, Any]], Answer]


@dataclass(eq=False)
class Connection:
    """One proxy."""

    writer: asyncio.StreamWriter
    jobs: dict[int, tuple[Job, RequestThread]] = field(default_factory=dict[int, tuple[Job, RequestThread]])

    def send(self, **message: Any) -> None:
        """Write a message; a proxy that has gone is no error."""
        if not self.writer.is_closing():
            self.writer.write(encode(message))


class Late:
    """Work whose libraries are imported at the first request, in the thread that does it."""

    def __init__(self, make: Callable[[], Work], extra: str) -> None:
        self._make = make
        self._extra = extra
        self._work: Work | None = None

    def __call__(self, body: Mapping[str, Any]) -> Answer:
        """Answer one request; raises Faulty."""
        if self._work is None:
            try:
                self._work = self._make()
            except ImportError as error:
                raise Faulty(Fault.MODEL, f"{error}: install mcp-mend[{self._extra}]") from error
        return self._work(body)


def thinking(settings: Settings) -> RequestThread:
    """The thread of the language model."""
    abort = AbortFlag()

    def make() -> Work:
        from proxy.model.thinking import Thinking

        return Thinking(settings, abort)

    return RequestThread("model", Late(make, "planner"), abort)


def meaning(settings: Settings) -> RequestThread:
    """The thread of the embedding model."""
    stop = threading.Event()

    def make() -> Work:
        from proxy.model.meaning import Meaning

        return Meaning(Path(settings.vectors), stop)

    return RequestThread("meaning", Late(make, "retrieval"), stop)


class Desk:
    """The side that faces the proxies. Every method runs on the event loop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._thinking = thinking(settings)
        self._meaning = meaning(settings)
        self._connections: set[Connection] = set()
        self._loop = asyncio.get_running_loop()
        self._leaving = self._loop.call_later(FIRST_PROXY, self._leave)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one proxy until it goes; what it still wants is then stopped."""
        connection = Connection(writer)
        self._connections.add(connection)
        self._rest()
        connection.send(pid=os.getpid())
        try:
            while line := await reader.readline():
                self._take(connection, decode(line))
        except (ConnectionError, ValueError) as error:
            sys.stderr.write(f"a proxy's connection ended: {error!r}\n")
        for job, lane in tuple(connection.jobs.values()):
            lane.stop(job, Fault.CANCELLED)
        self._connections.discard(connection)
        writer.close()
        if not self._connections:
            os._exit(0)

    def _take(self, connection: Connection, body: dict[str, Any]) -> None:
        number = body["id"]
        if body["do"] == "cancel":
            if held := connection.jobs.get(number):
                held[1].stop(held[0], Fault.CANCELLED)
            return
        lane = self._meaning if body["do"] in MEANING else self._thinking
        job = Job(body, lambda answer: self._finish(connection, number, answer))
        connection.jobs[number] = job, lane
        job.timer = self._loop.call_later(body["deadline"], lane.stop, job, Fault.DEADLINE)
        lane.put(job, self._loop)
        self._rest()

    def _finish(self, connection: Connection, number: int, answer: Answer) -> None:
        """Send a request's answer; a worker whose native code broke off ends here."""
        job, _ = connection.jobs.pop(number)
        if job.timer:
            job.timer.cancel()
        connection.send(id=number, **answer)
        self._rest()
        if answer.get("error") == Fault.NATIVE:
            sys.stderr.write(f"native code failed: {answer['message']}\n")
            self._loop.call_later(0.05, os._exit, 1)

    def _rest(self) -> None:
        """Count the idle time anew."""
        self._leaving.cancel()
        self._leaving = self._loop.call_later(self._settings.idle, self._leave)

    def _leave(self) -> None:
        if any(connection.jobs for connection in self._connections):
            self._rest()
            return
        for connection in self._connections:
            connection.send(bye="idle")
            connection.writer.close()
        self._loop.call_later(0.05, os._exit, 0)


def resident() -> int:
    """Bytes of memory in use, 0 where the platform does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * resource.getpagesize()


async def watch_memory(megabytes: int) -> None:
    """End the process once it uses more than the bound."""
    while True:
        if resident() > megabytes << 20:
            sys.stderr.write(f"the planner outgrew planner.memory_mb = {megabytes}\n")
            os._exit(OUT_OF_MEMORY)
        await asyncio.sleep(WATCH)


async def serve(settings: Settings, channel: socket.socket) -> None:
    """Serve proxies until there is a reason to leave; does not return."""
    desk = Desk(settings)
    if settings.listen:
        server = await asyncio.start_unix_server(desk.talk, sock=channel, limit=LINE)
        async with server:
            await watch_memory(settings.memory_mb)
    talk = asyncio.create_task(desk.talk(*await asyncio.open_unix_connection(sock=channel, limit=LINE)))
    await watch_memory(settings.memory_mb)
    await talk


def end(failure: threading.ExceptHookArgs) -> None:
    """End the process when a thread fails: a worker that cannot answer must not stay."""
    threading.__excepthook__(failure)
    sys.stderr.flush()
    os._exit(1)


def main() -> None:
    """Run the worker that the command line describes."""
    faulthandler.enable()
    threading.excepthook = end
    settings = Settings(**decode(sys.argv[1].encode()))
    os.setsid()
    os.nice(NICE)
    os.chdir("/")
    asyncio.run(serve(settings, socket.socket(fileno=SOCKET)))


if __name__ == "__main__":
    main()
