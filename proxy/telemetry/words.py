"""Every span and attribute, once: their names, and when they are set. Pure; `docs/observability.md` is held to it.

`mcp.`, `gen_ai.`, `jsonrpc.`, `rpc.`, `network.`, `server.` and `error.` are the semantic conventions' (GenAI and MCP),
`mcp_mend.` our own.
"""

from __future__ import annotations

METHOD = "mcp.method.name"
SESSION = "mcp.session.id"
VERSION = "mcp.protocol.version"
RESOURCE = "mcp.resource.uri"
OPERATION = "gen_ai.operation.name"
TOOL = "gen_ai.tool.name"
PROMPT = "gen_ai.prompt.name"
AGENT = "gen_ai.agent.name"
ARGUMENTS = "gen_ai.tool.call.arguments"
RESULT = "gen_ai.tool.call.result"
PROVIDER = "gen_ai.provider.name"
MODEL = "gen_ai.request.model"
ANSWERED = "gen_ai.response.model"
READ = "gen_ai.usage.input_tokens"
WRITTEN = "gen_ai.usage.output_tokens"
REQUEST = "jsonrpc.request.id"
CODE = "rpc.response.status_code"
TRANSPORT = "network.transport"
PROTOCOL = "network.protocol.name"
ADDRESS = "server.address"
PORT = "server.port"
ERROR = "error.type"
CLIENT_NAME = "mcp_mend.client.name"
CLIENT_VERSION = "mcp_mend.client.version"
SERVER = "mcp_mend.server"
CALL = "mcp_mend.call.id"
STEP = "mcp_mend.step"
EFFECT = "mcp_mend.effect"
RUN = "mcp_mend.run.id"
KIND = "mcp_mend.run.kind"
STATUS = "mcp_mend.run.status"
REPAIRS = "mcp_mend.run.repairs"
PROBLEMS = "mcp_mend.run.problems"
CALLS = "mcp_mend.run.calls"
STOP = "mcp_mend.run.stop"
GENERATION = "mcp_mend.generation"
TRIED = "mcp_mend.generation.tried"
EDITS = "mcp_mend.candidate.edits"
RULES = "mcp_mend.candidate.rules"
SCORE = "mcp_mend.candidate.score"
SOLVED = "mcp_mend.candidate.solved"

EXECUTE_TOOL = "execute_tool"
INVOKE_WORKFLOW = "invoke_workflow"

SPANS = {
    "session": (SESSION, VERSION, TRANSPORT, CLIENT_NAME, CLIENT_VERSION),
    "server": (METHOD, OPERATION, TOOL, PROMPT, RESOURCE, SESSION, VERSION, REQUEST, TRANSPORT, PROTOCOL, ERROR, CODE),
    "repair": (RUN, KIND, STATUS, REPAIRS, PROBLEMS, CALLS, ERROR),
    "workflow": (OPERATION, AGENT, RUN, KIND, STATUS, REPAIRS, PROBLEMS, CALLS, STOP, ERROR),
    "generation": (GENERATION, TRIED, ERROR),
    "candidate": (EDITS, RULES, SCORE, SOLVED, ERROR),
    "inference": (OPERATION, PROVIDER, MODEL, ANSWERED, READ, WRITTEN, ERROR),
    "client": (
        *(METHOD, OPERATION, TOOL, PROMPT, RESOURCE, VERSION, TRANSPORT, PROTOCOL, ADDRESS, PORT, ERROR, CODE),
        *(SERVER, CALL, RUN, STEP, EFFECT, ARGUMENTS, RESULT),
    ),
}
"""The attributes of each kind of span."""

NAMES = {
    "session": "session",
    "server": "{mcp.method.name} {tool or prompt}",
    "repair": "repair",
    "workflow": "invoke_workflow run_workflow",
    "generation": "generation",
    "candidate": "candidate",
    "inference": "{gen_ai.operation.name} {gen_ai.request.model}",
    "client": "{mcp.method.name} {tool or prompt}",
}
