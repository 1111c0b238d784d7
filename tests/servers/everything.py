"""A real MCP server of both eras that offers every feature under the names which the official conformance suites call.

`python everything.py PORT` serves Streamable HTTP (with resumable streams) on loopback; without a port, stdio.
"""

# pyright: basic, reportDeprecated=false
from __future__ import annotations

import hashlib
import hmac
import json
import re
import sys
import warnings
from collections import deque
from typing import Any

import anyio
import mcp.types as types
from mcp.server.lowlevel import NotificationOptions, Server
from mcp.server.streamable_http import EventCallback, EventMessage, EventStore
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler, PromptsListChanged, ToolsListChanged
from mcp.shared.exceptions import MCPError

warnings.filterwarnings("ignore", message=".*deprecated as of.*")

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
WAV = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA="
MODERN = "2026-07-28"
MISSING_CAPABILITY = -32021
SECRET = b"a key of this process"

BUS = InMemorySubscriptionBus()
JSON_SCHEMA_TOOL = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}
SCHEMAS: dict[str, dict[str, Any]] = {
    "test_sampling": {"type": "object", "properties": {"prompt": {"type": "string"}}, "required": ["prompt"]},
    "test_elicitation": {"type": "object", "properties": {"message": {"type": "string"}}, "required": ["message"]},
    "json_schema_2020_12_tool": JSON_SCHEMA_TOOL,
    "test_x_mcp_header": {
        "type": "object",
        "properties": {"region": {"type": "string", "x-mcp-header": "Region"}},
        "required": ["region"],
    },
}


def text(value: str, **more: Any) -> types.CallToolResult:
    return types.CallToolResult.model_validate({"content": [{"type": "text", "text": value}], **more})


def content(*blocks: dict[str, Any]) -> types.CallToolResult:
    return types.CallToolResult.model_validate({"content": list(blocks)})


def resource(uri: str, kind: str, body: str) -> dict[str, Any]:
    return {"type": "resource", "resource": {"uri": uri, "mimeType": kind, "text": body}}


def form(message: str, **properties: dict[str, Any]) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return {"method": "elicitation/create", "params": {"message": message, "requestedSchema": schema}}


def sampling(prompt: str, tokens: int = 100) -> dict[str, Any]:
    message = {"role": "user", "content": {"type": "text", "text": prompt}}
    return {"method": "sampling/createMessage", "params": {"messages": [message], "maxTokens": tokens}}


ROOTS: dict[str, Any] = {"method": "roots/list", "params": {}}
IMAGE = {"type": "image", "data": PNG, "mimeType": "image/png"}
AUDIO = {"type": "audio", "data": WAV, "mimeType": "audio/wav"}


def seal(state: str) -> str:
    return f"{state}.{hmac.new(SECRET, state.encode(), hashlib.sha256).hexdigest()}"


def unseal(sealed: Any) -> str:
    state, _, _ = str(sealed).rpartition(".")
    if not hmac.compare_digest(seal(state), str(sealed)):
        raise MCPError(types.INVALID_PARAMS, "requestState failed its integrity check")
    return state


def ask(state: str | None = None, **requests: dict[str, Any]) -> types.InputRequiredResult:
    body: dict[str, Any] = {"resultType": "input_required", "inputRequests": requests}
    return types.InputRequiredResult.model_validate(body if state is None else {**body, "requestState": seal(state)})


class Input:
    """What a retried request brought: the answers by key, and the state."""

    def __init__(self, params: Any) -> None:
        raw = params.model_dump(by_alias=True, mode="json", exclude_none=True)
        self.answers: dict[str, Any] = raw.get("inputResponses") or {}
        self.state = raw.get("requestState")

    def form(self, key: str, field: str) -> Any:
        answer = self.answers.get(key)
        return (answer.get("content") or {}).get(field) if isinstance(answer, dict) else None


async def log(ctx: Any, message: str) -> None:
    await ctx.session.send_log_message("info", message, related_request_id=ctx.request_id)


async def with_logging(ctx: Any, params: Any) -> Any:
    for message in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        await log(ctx, message)
        await anyio.sleep(0.05)
    return text("logged")


async def with_progress(ctx: Any, params: Any) -> Any:
    for done in (0, 50, 100):
        await ctx.session.report_progress(done, 100)
        await anyio.sleep(0.05)
    return text("progressed")


async def reconnection(ctx: Any, params: Any) -> Any:
    if ctx.close_sse_stream is not None:
        await anyio.sleep(0.05)
        await ctx.close_sse_stream()
    await anyio.sleep(0.3)
    return text("resumed")


async def sample(ctx: Any, params: Any) -> Any:
    said = types.SamplingMessage.model_validate(sampling(params.arguments["prompt"])["params"]["messages"][0])
    reply = await ctx.session.create_message([said], max_tokens=100, related_request_id=ctx.request_id)
    return text(f"LLM response: {getattr(reply.content, 'text', reply.content)}")


async def elicit(ctx: Any, message: str, schema: dict[str, Any]) -> str:
    reply = await ctx.session.elicit_form(message, schema, related_request_id=ctx.request_id)
    return f"action={reply.action}, content={json.dumps(reply.content)}"


async def elicitation(ctx: Any, params: Any) -> Any:
    fields = {name: {"type": "string", "description": name} for name in ("username", "email")}
    schema = {"type": "object", "properties": fields, "required": list(fields)}
    return text(f"User response: {await elicit(ctx, params.arguments['message'], schema)}")


async def elicit_defaults(ctx: Any, params: Any) -> Any:
    fields = {
        "name": {"type": "string", "default": "John Doe"},
        "age": {"type": "integer", "default": 30},
        "score": {"type": "number", "default": 95.5},
        "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
        "verified": {"type": "boolean", "default": True},
    }
    return text(f"Elicitation completed: {await elicit(ctx, 'Defaults', {'type': 'object', 'properties': fields})}")


async def elicit_enums(ctx: Any, params: Any) -> Any:
    plain = ["option1", "option2", "option3"]
    titled = [{"const": f"value{number}", "title": f"Choice {number}"} for number in (1, 2, 3)]
    names = ["Option One", "Option Two", "Option Three"]
    fields = {
        "untitledSingle": {"type": "string", "enum": plain},
        "titledSingle": {"type": "string", "oneOf": titled},
        "legacyEnum": {"type": "string", "enum": ["opt1", "opt2", "opt3"], "enumNames": names},
        "untitledMulti": {"type": "array", "items": {"type": "string", "enum": plain}},
        "titledMulti": {"type": "array", "items": {"anyOf": titled}},
    }
    return text(f"Elicitation completed: {await elicit(ctx, 'Enums', {'type': 'object', 'properties': fields})}")


def need(ctx: Any, capability: str) -> None:
    if not ctx.session.check_client_capability(types.ClientCapabilities.model_validate({capability: {}})):
        data = {"requiredCapabilities": {capability: {}}}
        raise MCPError(MISSING_CAPABILITY, f"This tool needs the client capability {capability}", data)


async def missing_capability(ctx: Any, params: Any) -> Any:
    need(ctx, "sampling")
    return text("the client can sample")


async def ask_name(ctx: Any, params: Any) -> Any:
    name = Input(params).form("user_name", "name")
    if name is None:
        return ask(user_name=form("What is your name?", name={"type": "string"}))
    return text(f"Hello, {name}!")


async def ask_model(ctx: Any, params: Any) -> Any:
    answer = Input(params).answers.get("capital_question")
    return text(json.dumps(answer)) if answer else ask(capital_question=sampling("What is the capital of France?"))


async def ask_roots(ctx: Any, params: Any) -> Any:
    answer = Input(params).answers.get("client_roots")
    return text(json.dumps(answer)) if answer else ask(client_roots=ROOTS)


async def ask_with_state(ctx: Any, params: Any) -> Any:
    given = Input(params)
    if given.state is None:
        return ask("state-ok", confirm=form("Please confirm", ok={"type": "boolean"}))
    return text(unseal(given.state))


async def ask_many(ctx: Any, params: Any) -> Any:
    given = Input(params)
    if {"user_name", "greeting", "client_roots"} <= given.answers.keys() and unseal(given.state):
        return text("all answered")
    name = form("What is your name?", name={"type": "string"})
    return ask("many", user_name=name, greeting=sampling("Generate a greeting", 50), client_roots=ROOTS)


async def ask_rounds(ctx: Any, params: Any) -> Any:
    given = Input(params)
    state = unseal(given.state) if given.state is not None else ""
    if given.form("step1", "name") is not None and state == "round-1":
        return ask("round-2", step2=form("Step 2: What is your favorite color?", color={"type": "string"}))
    if given.form("step2", "color") is not None and state == "round-2":
        return text("both rounds done")
    return ask("round-1", step1=form("Step 1: What is your name?", name={"type": "string"}))


async def ask_as_able(ctx: Any, params: Any) -> Any:
    wanted = {"sampling": sampling("Say hello"), "elicitation": form("Confirm", ok={"type": "boolean"}), "roots": ROOTS}
    able = {
        name: request
        for name, request in wanted.items()
        if ctx.session.check_client_capability(types.ClientCapabilities.model_validate({name: {}}))
    }
    return ask(None, **able) if able and not Input(params).answers else text("nothing to ask")


async def change_tools(ctx: Any, params: Any) -> Any:
    await BUS.publish(ToolsListChanged())
    if ctx.protocol_version != MODERN:
        await ctx.session.send_tool_list_changed()
    return text("changed")


async def change_prompts(ctx: Any, params: Any) -> Any:
    await BUS.publish(PromptsListChanged())
    if ctx.protocol_version != MODERN:
        await ctx.session.send_prompt_list_changed()
    return text("changed")


async def log_once(ctx: Any, params: Any) -> Any:
    await log(ctx, "one line")
    return text("logged")


def always(result: types.CallToolResult) -> Any:
    async def answer(ctx: Any, params: Any) -> Any:
        return result

    return answer


TOOLS: dict[str, Any] = {
    "test_simple_text": always(text("This is a simple text response for testing.")),
    "test_image_content": always(content(IMAGE)),
    "test_audio_content": always(content(AUDIO)),
    "test_embedded_resource": always(
        content(resource("test://embedded-resource", "text/plain", "This is an embedded resource content."))
    ),
    "test_multiple_content_types": always(
        content(
            {"type": "text", "text": "Multiple content types test:"},
            IMAGE,
            resource("test://mixed-content-resource", "application/json", '{"test":"data","value":123}'),
        )
    ),
    "test_error_handling": always(text("This tool intentionally returns an error for testing", isError=True)),
    "test_tool_with_logging": with_logging,
    "test_tool_with_progress": with_progress,
    "test_reconnection": reconnection,
    "test_sampling": sample,
    "test_elicitation": elicitation,
    "test_elicitation_sep1034_defaults": elicit_defaults,
    "test_elicitation_sep1330_enums": elicit_enums,
    "json_schema_2020_12_tool": always(text("valid")),
    "test_x_mcp_header": always(text("header accepted")),
    "test_missing_capability": missing_capability,
    "test_streaming_elicitation": ask_name,
    "test_logging_tool": log_once,
    "test_trigger_tool_change": change_tools,
    "test_trigger_prompt_change": change_prompts,
    "test_input_required_result_elicitation": ask_name,
    "test_input_required_result_sampling": ask_model,
    "test_input_required_result_list_roots": ask_roots,
    "test_input_required_result_request_state": ask_with_state,
    "test_input_required_result_tampered_state": ask_with_state,
    "test_input_required_result_multiple_inputs": ask_many,
    "test_input_required_result_multi_round": ask_rounds,
    "test_input_required_result_capabilities": ask_as_able,
}
RESOURCES = {
    "test://static-text": ("text/plain", {"text": "This is the content of the static text resource."}),
    "test://static-binary": ("image/png", {"blob": PNG}),
    "test://watched-resource": ("text/plain", {"text": "Watched."}),
}
TEMPLATE = "test://template/{id}/data"
PROMPTS: dict[str, tuple[str, ...]] = {
    "test_simple_prompt": (),
    "test_prompt_with_arguments": ("arg1", "arg2"),
    "test_prompt_with_embedded_resource": ("resourceUri",),
    "test_prompt_with_image": (),
    "test_input_required_result_prompt": (),
}


async def list_tools(ctx: Any, params: Any) -> types.ListToolsResult:
    empty = {"type": "object", "properties": {}}
    tools = [{"name": name, "description": name, "inputSchema": SCHEMAS.get(name, empty)} for name in TOOLS]
    return types.ListToolsResult.model_validate({"tools": tools})


async def call_tool(ctx: Any, params: types.CallToolRequestParams) -> Any:
    tool = TOOLS.get(params.name)
    if tool is None:
        raise MCPError(types.INVALID_PARAMS, f"Unknown tool: {params.name}")
    return await tool(ctx, params)


async def list_resources(ctx: Any, params: Any) -> types.ListResourcesResult:
    shown = [{"uri": uri, "name": uri, "description": uri, "mimeType": kind} for uri, (kind, _) in RESOURCES.items()]
    return types.ListResourcesResult.model_validate({"resources": shown})


async def list_templates(ctx: Any, params: Any) -> types.ListResourceTemplatesResult:
    shown = [{"uriTemplate": TEMPLATE, "name": "template", "description": "By id", "mimeType": "application/json"}]
    return types.ListResourceTemplatesResult.model_validate({"resourceTemplates": shown})


async def read_resource(ctx: Any, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
    uri = str(params.uri)
    found = re.fullmatch(r"test://template/([^/]+)/data", uri)
    if found is not None:
        ident = found.group(1)
        body = json.dumps({"id": ident, "templateTest": True, "data": f"Data for ID: {ident}"})
        shown = {"uri": uri, "mimeType": "application/json", "text": body}
    elif uri in RESOURCES:
        kind, body = RESOURCES[uri]
        shown = {"uri": uri, "mimeType": kind, **body}
    else:
        raise MCPError(types.INVALID_PARAMS, "Resource not found", {"uri": uri})
    return types.ReadResourceResult.model_validate({"contents": [shown]})


async def list_prompts(ctx: Any, params: Any) -> types.ListPromptsResult:
    shown = [
        {"name": name, "description": name, "arguments": [{"name": each, "required": True} for each in arguments]}
        for name, arguments in PROMPTS.items()
    ]
    return types.ListPromptsResult.model_validate({"prompts": shown})


async def get_prompt(ctx: Any, params: types.GetPromptRequestParams) -> Any:
    given = params.arguments or {}
    blocks: list[dict[str, Any]] = []
    if params.name == "test_simple_prompt":
        blocks = [{"type": "text", "text": "This is a simple prompt for testing."}]
    elif params.name == "test_prompt_with_arguments":
        said = f"Prompt with arguments: arg1='{given.get('arg1')}', arg2='{given.get('arg2')}'"
        blocks = [{"type": "text", "text": said}]
    elif params.name == "test_prompt_with_embedded_resource":
        embedded = resource(str(given.get("resourceUri")), "text/plain", "Embedded resource content for testing.")
        blocks = [embedded, {"type": "text", "text": "Please process the embedded resource above."}]
    elif params.name == "test_prompt_with_image":
        blocks = [IMAGE, {"type": "text", "text": "Please analyze the image above."}]
    elif params.name == "test_input_required_result_prompt":
        context = Input(params).form("user_context", "context")
        if context is None:
            return ask(user_context=form("What context should the prompt use?", context={"type": "string"}))
        blocks = [{"type": "text", "text": f"In the context of {context}"}]
    else:
        raise MCPError(types.INVALID_PARAMS, f"Unknown prompt: {params.name}")
    messages = [{"role": "user", "content": block} for block in blocks]
    return types.GetPromptResult.model_validate({"messages": messages})


async def complete(ctx: Any, params: Any) -> types.CompleteResult:
    values = [word for word in ("paris", "park", "party") if word.startswith(params.argument.value)]
    return types.CompleteResult.model_validate({"completion": {"values": values, "total": len(values)}})


async def accept(ctx: Any, params: Any) -> types.EmptyResult:
    return types.EmptyResult()


class Events(EventStore):
    """The last thousand events, in memory."""

    def __init__(self) -> None:
        self.events: deque[tuple[int, str, Any]] = deque(maxlen=1000)
        self.count = 0

    async def store_event(self, stream_id: Any, message: Any) -> str:
        self.count += 1
        self.events.append((self.count, stream_id, message))
        return str(self.count)

    async def replay_events_after(self, last_event_id: str, send_callback: EventCallback) -> Any:
        stream = next((each for number, each, _ in self.events if str(number) == last_event_id), None)
        for number, each, message in list(self.events):
            if each == stream and number > int(last_event_id) and message is not None:
                await send_callback(EventMessage(message, str(number)))
        return stream


def server() -> Server[Any]:
    made: Server[Any] = Server(
        "everything",
        version="1.0.0",
        instructions="Call anything.",
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_resources=list_resources,
        on_list_resource_templates=list_templates,
        on_read_resource=read_resource,
        on_subscribe_resource=accept,
        on_unsubscribe_resource=accept,
        on_list_prompts=list_prompts,
        on_get_prompt=get_prompt,
        on_completion=complete,
        on_set_logging_level=accept,
        on_subscriptions_listen=ListenHandler(BUS),
    )
    return made


def main() -> None:
    made = server()
    if len(sys.argv) > 1:
        import uvicorn

        app = made.streamable_http_app(event_store=Events(), retry_interval=200)
        uvicorn.run(app, port=int(sys.argv[1]), log_level="error")
        return
    from mcp.server.stdio import stdio_server

    async def serve() -> None:
        changes = NotificationOptions(tools_changed=True, prompts_changed=True, resources_changed=True)
        async with stdio_server() as (read, write):
            await made.run(read, write, made.create_initialization_options(changes))

    anyio.run(serve)


if __name__ == "__main__":
    main()
