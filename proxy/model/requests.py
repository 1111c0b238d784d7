"""A thread of the worker that takes requests one after another, and can be stopped in the middle of one.

Knows nothing of models: what a request does is a function, and what goes wrong in it a `Fault`.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from proxy.model.wire import Fault

Answer = Mapping[str, Any]


class Interrupt(Protocol):
    """Something that stops the function that runs."""

    def set(self) -> None:
        """Stop it."""
        ...

    def clear(self) -> None:
        """Let the next one run."""
        ...


@dataclass(eq=False)
class Job:
    """One request; `reply` is called on the event loop, `stopped` says why it must not go on."""

    body: Mapping[str, Any]
    reply: Callable[[Answer], None]
    stopped: Fault | None = None
    answered: bool = False
    timer: asyncio.TimerHandle | None = None


class Faulty(Exception):  # noqa: N818 - an answer like others
    """A request that has no value."""

    def __init__(self, fault: Fault, message: str = "") -> None:
        super().__init__(message)
        self.fault = fault


class RequestThread:
    """Runs `work` on each job in turn. `work` raises Faulty; anything else ends the process."""

    def __init__(self, name: str, work: Callable[[Mapping[str, Any]], Answer], interrupt: Interrupt) -> None:
        self._work = work
        self._interrupt = interrupt
        self._queue: queue.SimpleQueue[tuple[Job, asyncio.AbstractEventLoop]] = queue.SimpleQueue()
        self._running: Job | None = None
        self._lock = threading.Lock()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def put(self, job: Job, loop: asyncio.AbstractEventLoop) -> None:
        """Queue a job; its answer comes back on `loop`."""
        self._queue.put((job, loop))

    def stop(self, job: Job, fault: Fault) -> None:
        """Let a job end with this fault: one that waits is answered here and now, one that runs as soon as it stops.

        Called on the event loop.
        """
        with self._lock:
            if job.answered:
                return
            job.stopped = job.stopped or fault
            if self._running is job:
                self._interrupt.set()
                return
            job.answered = True
        job.reply({"error": job.stopped, "message": ""})

    def _run(self) -> None:
        while True:
            job, loop = self._queue.get()
            with self._lock:
                if job.answered:
                    continue
                self._running = job
                self._interrupt.clear()
            answer = self._answer(job)
            with self._lock:
                self._running = None
                job.answered = True
            loop.call_soon_threadsafe(job.reply, answer)

    def _answer(self, job: Job) -> Answer:
        try:
            return self._work(job.body)
        except Faulty as faulty:
            fault = job.stopped if faulty.fault is Fault.CANCELLED and job.stopped else faulty.fault
            return {"error": fault, "message": str(faulty)}
