"""What the programs of Python clients share: questions come as JSON on stdin, answers leave as JSON on stdout."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

Answer = Callable[..., Coroutine[Any, Any, Any]]


class Questions:
    """What is asked of one place; `progress` is handed to the client as its handler."""

    def __init__(self, place: dict[str, Any]) -> None:
        self.command: list[str] | None = place.get("command")
        self.url: str | None = place.get("url")
        self._questions = place["questions"]
        self._heard: list[Any] = []

    async def progress(self, done: float, total: float | None, message: str | None, *_more: Any) -> None:
        self._heard.append([done, total, message])

    async def answered(self, *, call: Answer, **others: Answer) -> list[Any]:
        """An answer to each by these functions; what a client raises is an answer too."""

        async def together(calls: list[Any]) -> list[Any]:
            return await asyncio.gather(*(call(*each) for each in calls))

        async def progress(*given: Any) -> list[Any]:
            self._heard.clear()
            await call(*given)
            return [*self._heard]

        async def cancel(*given: Any) -> str:
            return await _cancelled(call(*given))

        table = {"call": call, "together": together, "progress": progress, "cancel": cancel, **others}
        return [await _or_raised(table[what](*given)) for what, *given in self._questions]


def run(asked: Callable[[Questions], Awaitable[list[Any]]]) -> None:
    """Answer the questions of every place, one after the other."""

    async def everywhere() -> None:
        print(json.dumps([await asked(Questions(place)) for place in json.load(sys.stdin)]))  # noqa: T201

    asyncio.run(everywhere())


async def _or_raised(answer: Awaitable[Any]) -> Any:
    try:
        return await answer
    except Exception as error:  # noqa: BLE001
        return {"raised": f"{type(error).__name__}: {error}"}


async def _cancelled(call: Coroutine[Any, Any, Any]) -> str:
    """Cancel a call once the server has taken it up, which it notes in the file that the environment names."""
    task = asyncio.ensure_future(call)
    log = Path(os.environ["WATCHED"])
    seen = log.read_text().count('"watching": true')
    while log.read_text().count('"watching": true') == seen and not task.done():  # noqa: ASYNC110 (a file has no event)
        await asyncio.sleep(0.02)
    task.cancel()
    try:
        return f"not cancelled: {await task}"
    except asyncio.CancelledError:
        return "cancelled"
