"""What the tests of upstream connections share: a fleet over real servers, and a client that remembers."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio

from catalog_cache.cache import Cache
from proxy.upstreams.fleet import Fleet, running
from proxy.wire.caller import Caller, Profile
from schemas.config import Upstream
from schemas.trial import Reply

SERVERS = Path(__file__).parent.parent / "servers"


def echo(*options: str, **more: Any) -> Upstream:
    return Upstream(command=sys.executable, args=[str(SERVERS / "echo.py"), *options], **more)


@asynccontextmanager
async def fleet(**upstreams: Upstream) -> AsyncGenerator[Fleet]:
    async with running(upstreams, Cache(upstreams)) as made:
        yield made


async def say(fleet: Fleet, server: str, text: str, caller: Caller | None = None, **more: Any) -> Reply:
    params: Mapping[str, Any] = {"name": "echo", "arguments": {"text": text}, **more}
    with anyio.fail_after(20):
        return await fleet.request(server, "tools/call", params, caller)


def said(reply: Reply) -> str:
    assert reply.result is not None, reply
    return reply.result["content"][0]["text"]


class Remembering(Caller):
    """A client that notes what it is told and answers every question alike."""

    def __init__(self, answer: Reply | None = None, *, modern: bool = False) -> None:
        self.session = "s"
        self.profile = Profile()
        self.modern = modern
        self.told: list[tuple[str, Any]] = []
        self.asked: list[tuple[str, Any]] = []
        self._answer = answer or Reply(result={"roots": []})

    def tell(self, method: str, params: Any) -> None:
        self.told.append((method, params))

    async def ask(self, method: str, params: Any) -> Reply:
        self.asked.append((method, params))
        return self._answer
