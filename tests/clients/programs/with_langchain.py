"""langchain-mcp-adapters: does what stdin asks and prints what a model behind it would be told.

Tools are taken as its documentation takes them first, a new session for each call. A tool that was not listed cannot be
called that way; only its session sends such a name.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

from langchain_mcp_adapters.callbacks import CallbackContext, Callbacks
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.tools import load_mcp_tools
from speaking import cancelled, run


async def asked(at: dict[str, Any], to_all: Any) -> list[Any]:
    command = at.get("command")
    if command:
        there = {"transport": "stdio", "command": command[0], "args": command[1:], "env": dict(os.environ)}
    else:
        there = {"transport": "streamable_http", "url": at["url"]}
    heard: list[Any] = []

    async def progress(done: float, total: float | None, message: str | None, context: CallbackContext) -> None:
        heard.append([done, total, message])

    client = MultiServerMCPClient({"it": there}, callbacks=Callbacks(on_progress=progress))

    async def call(name: str, arguments: dict[str, Any]) -> Any:
        if name not in several:
            result = await session.call_tool(name, arguments)
            return {"content": [block.text for block in result.content], "error": bool(result.isError), "meta": result.meta}
        said = await several[name].ainvoke({"type": "tool_call", "id": "1", "name": name, "args": arguments})
        blocks = said.content if isinstance(said.content, list) else [said.content]
        for block in blocks:
            block.pop("id", None)
        return {"content": blocks, "artifact": said.artifact, "error": said.status == "error"}

    async def answer(what: str, *given: Any) -> Any:
        if what == "tools":
            return {name: {"description": tool.description, "inputSchema": tool.args_schema, "metadata": tool.metadata}
                    for name, tool in single.items()}  # fmt: skip
        if what == "read":
            return [blob.as_string() for blob in await client.get_resources("it", uris=given[0])]
        if what == "prompt":
            return [message.content for message in await client.get_prompt("it", given[0], arguments=given[1])]
        if what == "together":
            return await asyncio.gather(*(call(*each) for each in given[0]))
        if what == "cancel":
            return await cancelled(call(*given))
        if what == "progress":
            heard.clear()
            await call(*given)
            return heard
        return await call(*given)

    single = {tool.name: tool for tool in await client.get_tools()}
    async with client.session("it") as session:
        loaded = await load_mcp_tools(session, callbacks=client.callbacks, server_name="it")
        several = {tool.name: tool for tool in loaded}
        return await to_all(answer)


run(asked)
