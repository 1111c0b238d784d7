"""A client for the official client suite, on the SDK: `python -m evals.conformance.client [--through-mend] URL`.

The suite starts it with the address of a server that watches what arrives. Through the proxy, what arrives there is
what the proxy makes of it.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import mcp.types as types
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.shared.exceptions import MCPError

MODERN = "2026-07-28"
Ask = Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]
"""How a request is sent that may be refused."""
ECHO_SCHEMA = {"json_schema_2020_12_tool": "schema"}


async def elicit(context: Any, params: Any) -> types.ElicitResult:
    """Accept, with the defaults that the schema gives."""
    properties = params.requested_schema.get("properties", {}) if hasattr(params, "requested_schema") else {}
    content = {name: schema["default"] for name, schema in properties.items() if "default" in schema}
    missing = {name: "x" for name in properties if name not in content}
    return types.ElicitResult(action="accept", content=content | missing)


async def sample(context: Any, params: Any) -> types.CreateMessageResult:
    """Say something."""
    said = types.TextContent(type="text", text="something")
    return types.CreateMessageResult(role="assistant", content=said, model="none", stop_reason="endTurn")


async def roots(context: Any) -> types.ListRootsResult:
    """Offer one."""
    return types.ListRootsResult.model_validate({"roots": [{"uri": "file:///tmp", "name": "tmp"}]})


def dummy(schema: dict[str, Any]) -> dict[str, Any]:
    """The least arguments that a schema accepts."""
    kinds = {"number": 5, "integer": 5, "boolean": True, "array": [], "object": {}}
    properties = schema.get("properties", {})
    return {name: kinds.get(properties.get(name, {}).get("type"), "x") for name in schema.get("required", [])}


async def behave(client: Client, ask: Ask) -> None:
    """List the tools, and call what the scenario names, else every one."""
    listed = (await ask(client.list_tools)).tools
    context = json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT", "{}"))
    calls = [(call["name"], call["arguments"]) for call in context.get("toolCalls", [])]
    focal = next((tool for tool in listed if tool.name in ECHO_SCHEMA), None)
    if focal is not None:
        echo = next(tool for tool in listed if tool.name != focal.name)
        calls = [(echo.name, {ECHO_SCHEMA[focal.name]: focal.input_schema})]
    for name, arguments in calls or [(tool.name, dummy(tool.input_schema)) for tool in listed]:
        try:
            await ask(partial(client.call_tool, name, arguments))
        except MCPError as failure:
            print(f"{name}: {failure!r}", file=sys.stderr)


async def once(call: Callable[[], Awaitable[Any]]) -> Any:
    """Ask as a client does that takes a refusal for an answer."""
    return await call()


async def run(url: str, *, through: bool) -> None:
    """Connect as asked and behave."""
    modern = os.environ.get("MCP_CONFORMANCE_PROTOCOL_VERSION") == MODERN
    options: dict[str, Any] = {
        "elicitation_callback": elicit,
        "sampling_callback": sample,
        "list_roots_callback": roots,
    }
    options["mode"] = "auto" if modern else "legacy"
    if os.environ.get("MCP_CONFORMANCE_SCENARIO", "").startswith("auth/"):
        from evals.conformance.signing import connected

        async with connected(url, through=through, **options) as (client, insist):
            await behave(client, insist)
        return
    with tempfile.TemporaryDirectory() as home:
        target: Any = url
        if through:
            command = ["-m", "proxy.cli", "wrap", "--url", url]
            env = {**os.environ, "MCP_MEND_HOME": home}
            target = stdio_client(StdioServerParameters(command=sys.executable, args=command, env=env))
        async with Client(target, **options) as client:
            await behave(client, once)


if __name__ == "__main__":
    asyncio.run(run(sys.argv[-1], through="--through-mend" in sys.argv))
