"""A small real server with a planner's face, which is told how to behave."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


@dataclass
class Engine:
    """Answers every chat with `content` and prompts as vLLM does: the shorter an option, the likelier.

    `hangs` lets questions wait, `status` makes errors of them; `asked` holds every body, `most` how many were under
    way at once.
    """

    content: str = '{"n": 4}'
    status: int = 200
    error: Any = None
    asked: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    port: int = 0
    under_way: int = 0
    most: int = 0
    free: anyio.Event = field(default_factory=anyio.Event)

    came: anyio.Event = field(default_factory=anyio.Event)

    def __post_init__(self) -> None:
        self.free.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def hang(self) -> None:
        self.free = anyio.Event()

    async def heard(self, count: int) -> None:
        with anyio.fail_after(10):
            while len(self.asked) < count:
                await self.came.wait()

    async def answer(self, request: Request) -> Response:
        self.asked.append(await request.json())
        self.came.set()
        self.came = anyio.Event()
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await self.free.wait()
        finally:
            self.under_way -= 1
        if self.status != 200:
            return JSONResponse(self.error, self.status)
        prompts = self.asked[-1].get("prompt")
        if prompts is None:
            choices: list[Any] = [{"message": {"content": self.content}}]
        else:
            choices = [_echoed(index, text) for index, text in enumerate(prompts)]
        return JSONResponse({"choices": choices[::-1], "usage": {"total_tokens": 7}})


def _echoed(index: int, text: str) -> dict[str, Any]:
    """One choice: the prompt is a token, its last line another, and what follows a third."""
    start = text.rindex("\n") + 1
    return {
        "index": index,
        "logprobs": {"text_offset": [0, start, len(text)], "token_logprobs": [None, start - len(text), -0.1]},
    }


@asynccontextmanager
async def running(engine: Engine) -> AsyncIterator[Engine]:
    """Let it listen, at the port that it had before."""
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", engine.port))
        listening.listen()
        engine.port = listening.getsockname()[1]
        paths = ("/v1/chat/completions", "/v1/completions")
        app = Starlette(routes=[Route(path, engine.answer, methods=["POST"]) for path in paths])
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=1))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(server.serve, [listening])
            yield engine
            engine.free.set()
            server.should_exit = True
