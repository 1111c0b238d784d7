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
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from proxy.model.requests import AbortFlag, Answer, RequestThread, Work
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


@dataclass(eq=False)
class Connection:
    """One proxy."""

    writer: asyncio.StreamWriter
    tasks: dict[int, asyncio.Task[Answer]] = field(default_factory=dict[int, asyncio.Task[Answer]])

    def send(self, **message: Any) -> None:
        """Write a message; a proxy that has gone is no error."""
        if not self.writer.is_closing():
            self.writer.write(encode(message))


def language(settings: Settings, abort: AbortFlag) -> Work:
    """Load the language model, from here on within its bound of memory.

    There is no bound where a GPU driver maps far more addresses than it uses.
    """
    from proxy.model.engine import Engine
    from proxy.model.native import gpu_build

    if not gpu_build():
        resource.setrlimit(resource.RLIMIT_AS, (settings.memory_mb << 20, settings.memory_mb << 20))
    return Engine(
        Path(settings.model),
        abort,
        context=settings.context,
        threads=settings.threads,
        gpu_layers=settings.gpu_layers,
    )


def meaning(settings: Settings, abort: AbortFlag) -> Work:
    """Load the embedding model."""
    from proxy.model.meaning import Meaning

    return Meaning(Path(settings.vectors), abort)


class Desk:
    """The side that faces the proxies. Every method runs on the event loop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._language = RequestThread(partial(language, settings), "planner")
        self._meaning = RequestThread(partial(meaning, settings), "retrieval")
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
        for task in connection.tasks.values():
            task.cancel()
        self._connections.discard(connection)
        writer.close()
        if not self._connections:
            os._exit(0)

    def _take(self, connection: Connection, body: dict[str, Any]) -> None:
        number = body["id"]
        if body["do"] == "cancel":
            if task := connection.tasks.get(number):
                task.cancel()
            return
        thread = self._meaning if body["do"] in MEANING else self._language
        task = connection.tasks[number] = self._loop.create_task(thread.answer(body))
        task.add_done_callback(partial(self._finish, connection, number))
        self._rest()

    def _finish(self, connection: Connection, number: int, task: asyncio.Task[Answer]) -> None:
        """Send a request's answer; a worker whose native code broke off ends here."""
        del connection.tasks[number]
        answer = {"error": Fault.CANCELLED, "message": ""} if task.cancelled() else task.result()
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
        if any(connection.tasks for connection in self._connections):
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


def main() -> None:
    """Run the worker that the command line describes."""
    faulthandler.enable()
    settings = Settings(**decode(sys.argv[1].encode()))
    os.setsid()
    os.nice(NICE)
    os.chdir("/")
    asyncio.run(serve(settings, socket.socket(fileno=SOCKET)))


if __name__ == "__main__":
    main()
