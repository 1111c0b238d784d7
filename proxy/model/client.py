"""The planner in a process of its own: the proxy's end.

`Remote` starts the worker at the first request, shares one worker among all proxies of one state folder, starts it
again after a crash, and where that does not help says so once and answers None, so that repairs go on by rules
alone. Never blocks the event loop and never raises for what the worker does.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import structlog

from proxy import tracing
from proxy.model.breaker import Breaker
from proxy.model.spawn import Reached, last_words, reach, reap
from proxy.model.wire import LINE, Fault, Settings, decode, encode
from proxy.ports import Usage
from proxy.tracing import Cost, Inference

log = structlog.get_logger("planner")

GRACE = 2.0
"""Seconds that a worker may be late with the answer to a request whose deadline has passed."""
USUAL = 256
"""Tokens of an ordinary answer: a value, a step."""
LONGEST = 3.0
"""A whole plan is the reason why its run waits: it may take this many times as long as an ordinary answer."""


def time_for(deadline: float, tokens: int) -> float:
    """Seconds for an answer of at most so many tokens, given those for an ordinary one."""
    return deadline * min(LONGEST, max(1.0, tokens / USUAL))


class Ended(Exception):  # noqa: N818 - the worker's end, not this program's error
    """The worker ended before it answered: it left (idle, or its last proxy had just gone), or it crashed."""


class Link:
    """One connection to a worker, and the requests that wait on it."""

    def __init__(self, reached: Reached, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reached = reached
        self._reader = reader
        self._writer = writer
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._late: set[asyncio.TimerHandle] = set()
        self._numbers = itertools.count(1)
        self._pid = 0
        self.ended = False
        self._reading = asyncio.create_task(self._read())

    async def ask(self, body: Mapping[str, Any], seconds: float) -> dict[str, Any] | None:
        """Send a request and wait for its answer, None once the seconds are over.

        Raises Ended with the worker. When the caller is cancelled, so is the request.
        """
        number = next(self._numbers)
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        self._writer.write(encode({**body, "id": number, "deadline": seconds}))
        try:
            with anyio.move_on_after(seconds + 0.25):
                return await asyncio.shield(answer)
            return None
        finally:
            if not answer.done():
                self._give_up(number)

    def _give_up(self, number: int) -> None:
        """Cancel a request in the worker, and the worker itself where it does not hear that."""
        self._writer.write(encode({"id": number, "do": "cancel"}))
        loop = asyncio.get_running_loop()
        self._late.add(loop.call_later(GRACE, self._kill_if_waiting, number))

    def _kill_if_waiting(self, number: int) -> None:
        if number in self._waiting and self._pid and not self.ended:
            log.warning("the planner's worker does not answer and is ended", pid=self._pid)
            os.kill(self._pid, signal.SIGKILL)

    async def _read(self) -> None:
        greeted = left = False
        try:
            while line := await self._reader.readline():
                message = decode(line)
                if "pid" in message:
                    self._pid, greeted = message["pid"], True
                elif "bye" in message:
                    left = True
                elif (answer := self._waiting.pop(message["id"], None)) and not answer.done():
                    answer.set_result(message)
        except (ConnectionError, ValueError) as error:
            log.debug("the planner's connection broke", error=repr(error))
        self.ended = True
        words = await last_words(self._reached)
        reason = Ended(f"the worker {'does not stay up' if left or not greeted else 'crashed'}: {words}")
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(reason)
                answer.exception()  # whoever waited may have been cancelled meanwhile
        self._waiting.clear()
        self._writer.close()

    async def close(self) -> None:
        """Leave the worker; it ends by itself where no other proxy uses it."""
        for handle in self._late:
            handle.cancel()
        self._writer.close()
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)
        await reap(self._reached)


class Remote:
    """The worker of one state folder, started and started again as needed; several askers may share it."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self._settings = settings
        self._folder = folder
        self._connecting = asyncio.Lock()
        self.breaker = Breaker()
        self.link: Link | None = None

    @property
    def model(self) -> str:
        """The name of the language model."""
        return Path(self._settings.model).stem

    async def ask(self, body: Mapping[str, Any], seconds: float) -> dict[str, Any] | None:
        """Ask the worker, a second time where it ended before it could answer; None: no worker or no time."""
        if not self.breaker.admit():
            return None
        end = time.monotonic() + seconds
        reason = ""
        try:
            for _ in range(2):
                try:
                    link = await self._reach(end)
                    return await link.ask(body, max(0.0, end - time.monotonic())) if link else None
                except Ended as ended:
                    reason = str(ended)
                except OSError as error:
                    reason = f"the worker cannot be started: {error}"
            self.breaker.failed(reason)
        finally:
            self.breaker.left()
        return None

    async def _reach(self, end: float) -> Link | None:
        """The live link, made where there is none; None where that takes too long."""
        with anyio.move_on_after(max(0.0, end - time.monotonic())):
            async with self._connecting:
                if self.link is None or self.link.ended:
                    await self.close()
                    reached = await anyio.to_thread.run_sync(reach, self._settings, self._folder)
                    reader, writer = await asyncio.open_unix_connection(sock=reached.channel, limit=LINE)
                    self.link = Link(reached, reader, writer)
                return self.link
        return None

    async def close(self) -> None:
        """Let the worker go."""
        link, self.link = self.link, None
        if link:
            await link.close()


class LocalPlanner:
    """The `Planner` port on the worker process.

    `deadline` bounds a request in seconds, waiting for others included; a long answer gets more (`time_for`).
    """

    likelihoods = True

    def __init__(self, remote: Remote, deadline: float) -> None:
        self._remote = remote
        self._deadline = deadline
        self.usage = Usage(model=remote.model)

    @property
    def available(self) -> bool:
        """Whether it is asked; a worker that does not start or stay is left alone for a while."""
        return self._remote.breaker.closed

    async def rank(self, context: str, options: Sequence[str]) -> Sequence[float] | None:
        """Mean log-likelihood per token of each option as the answer to the context; None: no planner."""
        if not options:
            return []
        return await self._value({"do": "rank", "context": context, "options": list(options)}, self._deadline)

    async def generate(self, context: str, schema: Mapping[str, Any], max_tokens: int = 256) -> Any | None:
        """One JSON value under the schema; None: no planner, no time, or not complete within `max_tokens`."""
        body = {"do": "generate", "context": context, "schema": schema, "limit": max_tokens}
        return await self._value(body, time_for(self._deadline, max_tokens))

    async def _value(self, body: Mapping[str, Any], seconds: float) -> Any | None:
        asked = Inference("chat" if body["do"] == "generate" else "text_completion", "llama.cpp", self._remote.model)
        answer = await tracing.inference(asked, self._remote.ask(body, seconds), _cost)
        if answer is None:
            return None
        fault = answer.get("error")
        if fault is None:
            self._remote.breaker.worked()
            tokens = answer["tokens"] + answer["sampled"]
            self.usage = replace(self.usage, calls=self.usage.calls + 1, tokens=self.usage.tokens + tokens)
            return answer["value"]
        if fault in (Fault.MODEL, Fault.NATIVE):
            self._remote.breaker.failed(answer["message"])
        else:
            log.info("the planner has no answer", why=fault, message=answer["message"])
        return None


def _cost(answer: Mapping[str, Any] | None) -> Cost:
    """What an answer of the worker took: read is what it evaluated or still held, less what it wrote."""
    if answer is None or "error" in answer:
        return Cost(error=str((answer or {}).get("error", "no_answer")))
    written = answer["sampled"] + answer["forced"]
    return Cost(answer["reused"] + answer["tokens"] - written, written)
