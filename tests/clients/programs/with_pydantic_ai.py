"""pydantic-ai's toolset: does what stdin asks and prints what a model behind it would be told."""

from __future__ import annotations

import os
from typing import Any

from fastmcp.client.transports import StdioTransport
from pydantic_ai import BinaryContent, ModelRetry
from pydantic_ai.mcp import MCPToolset
from speaking import Questions, run


def plain(value: Any) -> Any:
    if isinstance(value, BinaryContent):
        return {"media": value.media_type, "bytes": len(value.data)}
    return [plain(each) for each in value] if isinstance(value, list) else getattr(value, "content", value)


async def asked(place: Questions) -> list[Any]:
    command = place.command
    there = StdioTransport(command[0], command[1:], env=dict(os.environ)) if command else place.url
    async with MCPToolset(there, progress_handler=place.progress, init_timeout=60) as toolset:

        async def call(name: str, arguments: dict[str, Any]) -> Any:
            try:
                return {"content": plain(await toolset.direct_call_tool(name, arguments)), "error": False}
            except ModelRetry as refusal:
                return {"content": refusal.message, "error": True}

        async def tools() -> Any:
            return {tool.name: tool.model_dump(mode="json", by_alias=True) for tool in await toolset.list_tools()}

        async def read(uri: str) -> Any:
            return [plain(await toolset.read_resource(uri))]

        async def prompt(name: str, arguments: dict[str, str]) -> Any:
            return [plain(message.content) for message in (await toolset.get_prompt(name, arguments)).messages]

        return await place.answered(call=call, tools=tools, read=read, prompt=prompt)


run(asked)
