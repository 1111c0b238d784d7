"""FastMCP's client: does what stdin asks and prints what it was told."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from fastmcp import Client
from fastmcp.client.transports import StdioTransport
from speaking import cancelled, run


async def asked(at: dict[str, Any], to_all: Any) -> list[Any]:
    command = at.get("command")
    there = StdioTransport(command[0], command[1:], env=dict(os.environ)) if command else at["url"]
    heard: list[Any] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        heard.append([done, total, message])

    async def call(name: str, arguments: dict[str, Any]) -> Any:
        result = await client.call_tool(name, arguments, raise_on_error=False)
        return {
            "content": [block.model_dump(mode="json", by_alias=True, exclude_none=True) for block in result.content],
            "structured": result.structured_content,
            "data": str(result.data),
            "error": result.is_error,
            "meta": result.meta or {},
        }

    async def answer(what: str, *given: Any) -> Any:
        if what == "tools":
            return {tool.name: tool.model_dump(mode="json", by_alias=True) for tool in await client.list_tools()}
        if what == "read":
            return [content.text for content in await client.read_resource(given[0])]
        if what == "prompt":
            return [message.content.text for message in (await client.get_prompt(*given)).messages]
        if what == "together":
            return await asyncio.gather(*(call(*each) for each in given[0]))
        if what == "cancel":
            return await cancelled(call(*given))
        if what == "progress":
            heard.clear()
            await call(*given)
            return heard
        return await call(*given)

    async with Client(there, progress_handler=progress) as client:
        return await to_all(answer)


run(asked)
