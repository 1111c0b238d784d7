"""The planner's process: takes requests from one or more proxies and runs them on one model, one at a time.

Started by `proxy.planner.client` as `python -P -m proxy.planner.worker SETTINGS` with its socket on descriptor 3.
One thread answers the sockets, another runs the model, so that cancelling and deadlines reach a running request.
It ends by itself when the last proxy has gone (its own parent or not, killed or not) and when nobody has used it
for a while. Whatever the native code does happens here.
"""

from __future__ import annotations

import asyncio
import faulthandler
import os
import queue
import resource
import socket
import sys
import threading
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from proxy.planner import constrain, native, prefix
from proxy.planner.engine import Answer, Engine
from proxy.planner.wire import LINE, SOCKET, Fault, Settings, decode, encode

FIRST_PROXY = 30.0
"""Seconds that a worker waits for its first connection."""
WATCH = 0.5
"""Seconds between two looks at the memory in use."""
OUT_OF_MEMORY = 70
"""Exit status of a worker that outgrew its bound."""


@dataclass(eq=False)
class Job:
    """One request of one connection; `stopped` says why it must not go on."""

    connection: Connection
    body: dict[str, Any]
    stopped: Fault | None = None
    timer: asyncio.TimerHandle | None = None


@dataclass(eq=False)
class Connection:
    """One proxy."""

    writer: asyncio.StreamWriter
    jobs: dict[int, Job] = field(default_factory=dict[int, Job])

    def send(self, **message: Any) -> None:
        """Write a message; a proxy that has gone is no error."""
        if not self.writer.is_closing():
            self.writer.write(encode(message))


class Model:
    """The thread that runs the model. Loads it at the first request; `stop` may be called from any thread."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._switch = native.Switch()
        self._engine: Engine | None = None
        self._queue: queue.SimpleQueue[tuple[Job, asyncio.AbstractEventLoop]] = queue.SimpleQueue()
        self._running: Job | None = None
        self._lock = threading.Lock()
        threading.Thread(target=self._run, name="model", daemon=True).start()

    def put(self, job: Job, loop: asyncio.AbstractEventLoop) -> None:
        """Queue a request; its answer comes back on `loop`."""
        self._queue.put((job, loop))

    def stop(self, job: Job, fault: Fault) -> None:
        """Let a request end with this fault, at once if it runs."""
        with self._lock:
            job.stopped = job.stopped or fault
            if self._running is job:
                self._switch.set()

    def _run(self) -> None:
        while True:
            job, loop = self._queue.get()
            with self._lock:
                self._running = job
                self._switch.clear()
            answer = self._answer(job)
            with self._lock:
                self._running = None
            loop.call_soon_threadsafe(finish, job, answer)

    def _answer(self, job: Job) -> dict[str, Any]:
        try:
            return asdict(self._work(job))
        except native.Aborted:
            return {"error": job.stopped or Fault.CANCELLED, "message": ""}
        except prefix.TooLong as error:
            return {"error": Fault.TOO_LONG, "message": str(error)}
        except constrain.BadSchema as error:
            return {"error": Fault.SCHEMA, "message": str(error)}
        except native.ModelError as error:
            return {"error": Fault.MODEL, "message": str(error)}
        except (native.NativeError, MemoryError, ValueError) as error:
            return {"error": Fault.NATIVE, "message": str(error) or type(error).__name__}

    def _work(self, job: Job) -> Answer:
        if job.stopped:
            raise native.Aborted
        if self._engine is None:
            self._engine = self._load()
        body = job.body
        if body["do"] == "rank":
            return self._engine.rank(body["context"], body["options"])
        return self._engine.generate(body["context"], body["schema"], body["limit"])

    def _load(self) -> Engine:
        settings = self._settings
        return Engine(
            Path(settings.model),
            self._switch,
            context=settings.context,
            threads=settings.threads,
            gpu_layers=settings.gpu_layers,
        )


def finish(job: Job, answer: dict[str, Any]) -> None:
    """Send a request's answer; a worker whose native code broke off ends here."""
    if job.timer:
        job.timer.cancel()
    job.connection.jobs.pop(job.body["id"], None)
    job.connection.send(id=job.body["id"], **answer)
    if answer.get("error") == Fault.NATIVE:
        sys.stderr.write(f"native code failed: {answer['message']}\n")
        asyncio.get_running_loop().call_later(0.05, os._exit, 1)


class Desk:
    """The side that faces the proxies. Every method runs on the event loop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._model = Model(settings)
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
        for job in connection.jobs.values():
            self._model.stop(job, Fault.CANCELLED)
        self._connections.discard(connection)
        writer.close()
        if not self._connections:
            os._exit(0)

    def _take(self, connection: Connection, body: dict[str, Any]) -> None:
        if body["do"] == "cancel":
            if job := connection.jobs.get(body["id"]):
                self._model.stop(job, Fault.CANCELLED)
            return
        job = connection.jobs[body["id"]] = Job(connection, body)
        job.timer = self._loop.call_later(body["deadline"], self._model.stop, job, Fault.DEADLINE)
        self._model.put(job, self._loop)
        self._rest()

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


def bound_memory(megabytes: int) -> None:
    """Let allocations beyond the bound fail; not where a GPU driver maps far more addresses than it uses."""
    if not native.gpu_build():
        resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))


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
    """End the process when its model thread fails: a worker that cannot answer must not stay."""
    threading.__excepthook__(failure)
    sys.stderr.flush()
    os._exit(1)


def main() -> None:
    """Run the worker that the command line describes."""
    faulthandler.enable()
    threading.excepthook = end
    settings = Settings(**decode(sys.argv[1].encode()))
    os.setsid()
    os.chdir("/")
    bound_memory(settings.memory_mb)
    asyncio.run(serve(settings, socket.socket(fileno=SOCKET)))


if __name__ == "__main__":
    main()
