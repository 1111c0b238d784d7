"""langchain-mcp-adapters: does what stdin asks and prints what a model behind it would be told.

Tools are listed, resources read and prompts got as its documentation shows it first, each in a session of its own.
"""

from __future__ import annotations

import os
from typing import Any

from langchain_mcp_adapters.callbacks import Callbacks
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.tools import load_mcp_tools
from speaking import Questions, run


async def asked(place: Questions) -> list[Any]:
    command = place.command
    if command:
        there = {"transport": "stdio", "command": command[0], "args": command[1:], "env": dict(os.environ)}
    else:
        there = {"transport": "streamable_http", "url": place.url}
    client = MultiServerMCPClient({"it": there}, callbacks=Callbacks(on_progress=place.progress))

    async def tools() -> Any:
        return {
            tool.name: {"description": tool.description, "inputSchema": tool.args_schema, "metadata": tool.metadata}
            for tool in await client.get_tools()
        }

    async def read(uri: str) -> Any:
        return [blob.as_string() for blob in await client.get_resources("it", uris=uri)]

    async def prompt(name: str, arguments: dict[str, str]) -> Any:
        return [message.content for message in await client.get_prompt("it", name, arguments=arguments)]

    async with client.session("it") as session:
        loaded = await load_mcp_tools(session, callbacks=client.callbacks, server_name="it")
        by_name = {tool.name: tool for tool in loaded}

        async def call(name: str, arguments: dict[str, Any]) -> Any:
            said = await by_name[name].ainvoke({"type": "tool_call", "id": "1", "name": name, "args": arguments})
            blocks = [{key: value for key, value in block.items() if key != "id"} for block in said.content]
            return {"content": blocks, "artifact": said.artifact, "error": said.status == "error"}

        return await place.answered(call=call, tools=tools, read=read, prompt=prompt)


run(asked)
