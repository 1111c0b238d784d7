"""FastMCP's client: does what stdin asks and prints what it was told."""

from __future__ import annotations

import os
from typing import Any

from fastmcp import Client
from fastmcp.client.transports import StdioTransport
from speaking import Questions, run


async def asked(place: Questions) -> list[Any]:
    command = place.command
    there = StdioTransport(command[0], command[1:], env=dict(os.environ)) if command else place.url
    async with Client(there, progress_handler=place.progress) as client:

        async def call(name: str, arguments: dict[str, Any]) -> Any:
            result = await client.call_tool(name, arguments, raise_on_error=False)
            blocks = [block.model_dump(mode="json", by_alias=True, exclude_none=True) for block in result.content]
            structured = {"structured": result.structured_content, "data": str(result.data)}
            return {"content": blocks, **structured, "error": result.is_error, "meta": result.meta or {}}

        async def tools() -> Any:
            return {tool.name: tool.model_dump(mode="json", by_alias=True) for tool in await client.list_tools()}

        async def read(uri: str) -> Any:
            return [content.text for content in await client.read_resource(uri)]

        async def prompt(name: str, arguments: dict[str, str]) -> Any:
            return [message.content.text for message in (await client.get_prompt(name, arguments)).messages]

        return await place.answered(call=call, tools=tools, read=read, prompt=prompt)


run(asked)
