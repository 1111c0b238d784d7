"""What a rank costs on an OpenAI-compatible server: requests, bytes, tokens and seconds."""

from __future__ import annotations

import time

import httpx2

from proxy.model.openai import Endpoint
from schemas.config import Planner
from tests.planner import situations


async def measure(url: str, model: str, rounds: int) -> None:
    """Rank sixteen repairs of one call and sixteen calls of other tools, the question differing in its end."""
    requests, size = 0, 0

    async def count(reply: httpx2.Response) -> None:
        nonlocal requests, size
        await reply.aread()
        requests, size = requests + 1, size + len(reply.content)

    wanted = Planner(base_url=url, model=model, deadline=300)
    async with httpx2.AsyncClient(base_url=url + "/", timeout=None, event_hooks={"response": [count]}) as client:
        planner = Endpoint(client, wanted)
        for name, options in (("repairs of one call", situations.options()), ("other tools", situations.swaps())):
            for number in range(rounds):
                requests, size, tokens, began = 0, 0, planner.usage.tokens, time.perf_counter()
                scores = await planner.rank(situations.contexts(number), options)
                took, tokens = time.perf_counter() - began, planner.usage.tokens - tokens
                ways = "no answer" if scores is None else "likelihoods" if planner.likelihoods else "one choice"
                print(f"{name}: {requests} requests, {size:,} bytes, {tokens:,} tokens, {took:.2f} s, {ways}")
