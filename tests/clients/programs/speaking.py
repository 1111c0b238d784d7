"""What the programs of Python clients share: questions come as JSON on stdin, answers leave as JSON on stdout."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any


Answer = Callable[..., Awaitable[Any]]


def run(asked: Callable[[dict[str, Any], Callable[[Answer], Awaitable[list[Any]]]], Awaitable[list[Any]]]) -> None:
    """Answer the questions of every place, one after the other; what a client raises is an answer too."""

    async def at(place: dict[str, Any]) -> list[Any]:
        async def to_all(answer: Answer) -> list[Any]:
            return [await _or_raised(answer(*question)) for question in place["questions"]]

        return await asked(place, to_all)

    async def everywhere() -> None:
        print(json.dumps([await at(place) for place in json.load(sys.stdin)]))  # noqa: T201

    asyncio.run(everywhere())


async def _or_raised(answer: Awaitable[Any]) -> Any:
    try:
        return await answer
    except Exception as error:  # noqa: BLE001
        return {"raised": f"{type(error).__name__}: {error}"}


async def cancelled(call: Coroutine[Any, Any, Any]) -> str:
    """Cancel a call once the server has taken it up, which it notes in the file that the environment names."""
    task = asyncio.ensure_future(call)
    log = Path(os.environ["WATCHED"])
    seen = log.read_text().count('"watching": true')
    while log.read_text().count('"watching": true') == seen and not task.done():
        await asyncio.sleep(0.02)
    task.cancel()
    try:
        return f"not cancelled: {await task}"
    except asyncio.CancelledError:
        return "cancelled"
