"""pydantic-ai's toolset: does what stdin asks and prints what a model behind it would be told."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from fastmcp.client.transports import StdioTransport
from pydantic_ai import BinaryContent, ModelRetry
from pydantic_ai.mcp import MCPToolset
from speaking import cancelled, run


def plain(value: Any) -> Any:
    if isinstance(value, BinaryContent):
        return {"media": value.media_type, "bytes": len(value.data)}
    return [plain(each) for each in value] if isinstance(value, list) else value


async def asked(at: dict[str, Any], to_all: Any) -> list[Any]:
    command = at.get("command")
    there = StdioTransport(command[0], command[1:], env=dict(os.environ)) if command else at["url"]
    heard: list[Any] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        heard.append([done, total, message])

    async def call(name: str, arguments: dict[str, Any]) -> Any:
        try:
            return {"content": plain(await toolset.direct_call_tool(name, arguments)), "error": False}
        except ModelRetry as refusal:
            return {"content": refusal.message, "error": True}

    async def answer(what: str, *given: Any) -> Any:
        if what == "tools":
            return {tool.name: tool.model_dump(mode="json", by_alias=True) for tool in await toolset.list_tools()}
        if what == "read":
            return [plain(await toolset.read_resource(given[0]))]
        if what == "prompt":
            return [message.content for message in (await toolset.get_prompt(*given)).messages]
        if what == "together":
            return await asyncio.gather(*(call(*each) for each in given[0]))
        if what == "cancel":
            return await cancelled(call(*given))
        if what == "progress":
            heard.clear()
            await call(*given)
            return heard
        return await call(*given)

    toolset = MCPToolset(there, progress_handler=progress)
    async with toolset:
        return await to_all(answer)


run(asked)
