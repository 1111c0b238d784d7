"""Tasks that belong to somebody: none outlives its owner, and what one fails with is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import anyio
import structlog
from anyio.abc import TaskGroup

log = structlog.get_logger("tasks")

Result = TypeVar("Result")


class Tasks:
    """The tasks of an owner that has a beginning and an end of its own; what one fails with is logged."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
        """Begin a task, which ends by itself or with its owner."""
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._done)
        return task

    async def close(self) -> None:
        """Cancel every task, and wait until all have ended."""
        for task in self._running:
            task.cancel()
        await self.finish()

    async def finish(self) -> None:
        """Wait until all have ended."""
        while self._running:
            await asyncio.wait(self._running)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        failure = None if task.cancelled() else task.exception()
        if failure is not None:
            log.error("task failed", exc_info=failure)


@asynccontextmanager
async def group() -> AsyncGenerator[TaskGroup]:
    """A task group of which the first failure comes out as itself."""
    try:
        async with anyio.create_task_group() as tasks:
            yield tasks
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from failures


async def first(*works: Callable[[], Awaitable[Any]]) -> None:
    """Wait until one of these is done; the others are cancelled, and have ended."""
    async with group() as tasks:

        async def run(work: Callable[[], Awaitable[Any]]) -> None:
            await work()
            tasks.cancel_scope.cancel()

        for work in works:
            tasks.start_soon(run, work)
