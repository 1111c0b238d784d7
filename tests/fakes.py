"""Upstream servers, a client and a journal in memory: real implementations of the ports, made of Python functions.

A server validates as strictly as its schemas say and refuses in the words of one of four validators; every call that
it executes is noted, whatever it then answers.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any, Literal

import anyio
from jsonschema import Draft202012Validator

from catalog_cache.merge import public_name
from proxy.ports import Client, Journal, Upstreams, Usage, Written
from proxy.workflows.workflow import Workflow
from schemas.catalog import Catalog, Effect, Json, Tool
from schemas.config import Config
from schemas.record import CallRecord, RunRecord
from schemas.report import Report
from schemas.trial import Reply

Style = Literal["jsonschema", "pydantic", "zod", "plain"]
STYLES: tuple[Style, ...] = ("jsonschema", "pydantic", "zod", "plain")

TEXT: dict[str, Any] = {"type": "string"}
INTEGER: dict[str, Any] = {"type": "integer"}
NUMBER: dict[str, Any] = {"type": "number"}
BOOLEAN: dict[str, Any] = {"type": "boolean"}
TEXTS: dict[str, Any] = {"type": "array", "items": TEXT}

_HINTS: dict[str, dict[str, bool] | None] = {
    "read": {"readOnlyHint": True},
    "idempotent": {"readOnlyHint": False, "destructiveHint": False, "idempotentHint": True},
    "write": {"readOnlyHint": False, "destructiveHint": False},
    "destructive": {"readOnlyHint": False, "destructiveHint": True},
    "unknown": None,
}


class RefusedError(Exception):
    """What a tool raises to answer with an error result of this text, having done nothing."""


class FaultError(Exception):
    """What a tool raises to answer with this very reply; `done` tells that its effect has happened all the same."""

    def __init__(self, reply: Reply, *, done: bool) -> None:
        super().__init__(reply)
        self.reply, self.done = reply, done


@dataclass(frozen=True)
class Offer:
    """A tool as its server sees it."""

    raw: dict[str, Any]
    run: Callable[..., Json]
    structured: bool = True


@dataclass
class Server:
    """One upstream server: its tools, how it refuses, and what it has done."""

    name: str
    style: Style = "jsonschema"
    offers: dict[str, Offer] = field(default_factory=dict[str, Offer])
    done: list[tuple[str, Any]] = field(default_factory=list[tuple[str, Any]])

    def tool(
        self, name: str, run: Callable[..., Json], effect: str = "read", /, *, optional: Sequence[str] = (),
        about: str = "", closed: bool = True, returns: Mapping[str, Any] | None = None, structured: bool = True,
        **properties: Any,
    ) -> Server:  # fmt: skip
        """Offer a tool; `properties` are its arguments' schemas, `optional` those that may be left out."""
        required = [key for key in properties if key not in optional]
        schema: dict[str, Any] = {"type": "object", "properties": properties, "required": required}
        if closed:
            schema["additionalProperties"] = False
        raw: dict[str, Any] = {"name": name, "description": about or name.replace("_", " "), "inputSchema": schema}
        if _HINTS[effect] is not None:
            raw["annotations"] = _HINTS[effect]
        if returns is not None:
            raw["outputSchema"] = returns
        self.offers[name] = Offer(raw, run, structured)
        return self

    def answer(self, name: str, arguments: Json) -> Reply:
        """Validate, execute, answer."""
        offer = self.offers.get(name)
        if offer is None:
            return Reply(error={"code": -32602, "message": f"Unknown tool: {name}"})
        validator: Any = Draft202012Validator(offer.raw["inputSchema"])
        errors: list[Any] = sorted(validator.iter_errors(arguments), key=_place)
        if errors:
            return refusal(self.style, name, errors)
        try:
            value = offer.run(**arguments)
        except RefusedError as error:
            return failed(str(error))
        except FaultError as fault:
            if fault.done:
                self.done.append((name, arguments))
            return fault.reply
        self.done.append((name, arguments))
        return value if isinstance(value, Reply) else succeeded(value, structured=offer.structured)


def succeeded(value: Json, *, structured: bool = True) -> Reply:
    """A success: the value as text, and as `structuredContent` where the server gives that."""
    text = value if isinstance(value, str) else json.dumps(value)
    result: dict[str, Any] = {"content": [{"type": "text", "text": text}], "isError": False}
    if structured:
        result["structuredContent"] = value if isinstance(value, dict) else {"result": value}
    return Reply(result=result)


def failed(text: str) -> Reply:
    """An error result of this text."""
    return Reply(result={"content": [{"type": "text", "text": text}], "isError": True})


def _place(error: Any) -> list[str]:
    return [str(part) for part in error.absolute_path]


def refusal(style: Style, tool: str, errors: list[Any]) -> Reply:
    """Refuse arguments before anything is done, in the words of one kind of validator."""
    match style:
        case "jsonschema":
            return failed(f"Input validation error: {errors[0].message}")
        case "pydantic":
            lines = [f"{len(errors)} validation error{'s' * (len(errors) > 1)} for call[{tool}]"]
            return failed("\n".join([*lines, *map(_pydantic, errors)]))
        case "zod":
            issues = json.dumps([_zod(error) for error in errors], indent=2)
            return Reply(error={"code": -32602, "message": f"Invalid arguments for tool {tool}: {issues}"})
        case "plain":
            return failed(_plain(errors[0]))


def _subject(error: Any) -> str:
    if error.validator == "required":
        return error.message.split("'")[1]
    if error.validator == "additionalProperties":
        return error.message.split("('")[1].split("'")[0]
    return ".".join(_place(error))


def _kind(error: Any) -> str:
    wanted = error.validator_value
    return wanted if isinstance(wanted, str) else str(error.validator)


def _pydantic(error: Any) -> str:
    said = {
        "required": ("Missing required argument", "missing_argument"),
        "additionalProperties": ("Unexpected keyword argument", "unexpected_keyword_argument"),
        "enum": (f"Input should be {' or '.join(map(repr, error.validator_value or []))}", "literal_error")
        if error.validator == "enum"
        else ("", ""),
    }.get(str(error.validator)) or (
        f"Input should be a valid {_kind(error)}",
        {"integer": "int_parsing", "number": "float_parsing", "array": "list_type", "boolean": "bool_parsing"}.get(
            _kind(error), f"{_kind(error)}_type"
        ),
    )
    tail = f"[type={said[1]}, input_value={error.instance!r}, input_type={type(error.instance).__name__}]"
    return f"{_subject(error)}\n  {said[0]} {tail}\n    For further information visit https://errors.pydantic.dev/2.11/"


def _zod(error: Any) -> dict[str, Any]:
    if error.validator == "required":
        path = [*error.absolute_path, _subject(error)]
        return {
            "code": "invalid_type",
            "expected": "unknown",
            "received": "undefined",
            "path": path,
            "message": "Required",
        }
    if error.validator == "additionalProperties":
        return {"code": "unrecognized_keys", "keys": [_subject(error)], "path": [], "message": "Unrecognized key(s)"}
    if error.validator == "enum":
        return {"code": "invalid_enum_value", "options": error.validator_value, "path": list(error.absolute_path),
                "message": "Invalid enum value"}  # fmt: skip
    said = {"expected": _kind(error), "received": type(error.instance).__name__}
    return {"code": "invalid_type", **said, "path": list(error.absolute_path), "message": f"Expected {_kind(error)}"}


def _plain(error: Any) -> str:
    name = _subject(error)
    match error.validator:
        case "required":
            return f"{name} is required"
        case "additionalProperties":
            return f"unknown parameter: {name}"
        case "enum":
            return f"{name} must be one of: {', '.join(map(str, error.validator_value))}"
        case _:
            return f"{name} must be of type {_kind(error)}, got {json.dumps(error.instance)}"


Answerer = Callable[[Tool, Mapping[str, Any], Callable[[], Reply]], Awaitable[Reply]]
"""Stands between proxy and server: gets the tool, the params, and what calls the server."""


@dataclass
class World(Upstreams):
    """Every upstream, reached without a wire; `sent` lists each call as it left the proxy."""

    servers: dict[str, Server]
    between: Answerer | None = None
    effects: dict[str, Effect] = field(default_factory=dict[str, Effect])
    sent: list[tuple[str, str, Any]] = field(default_factory=list[tuple[str, str, Any]])
    params: list[Mapping[str, Any]] = field(default_factory=list[Mapping[str, Any]])
    waited: list[str] = field(default_factory=list[str])
    late: dict[str, Server] = field(default_factory=dict[str, Server])
    """Servers that have connected only once somebody has waited for them."""

    def __post_init__(self) -> None:
        self._catalog = self._offered()

    def _offered(self) -> Catalog:
        tools = [
            Tool(server.name, name, public_name(server.name, name), offer.raw, override=self.effects.get(name))
            for server in self.servers.values()
            for name, offer in server.offers.items()
        ]
        return Catalog(tuple(tools), tuple(self.servers))

    @property
    def catalog(self) -> Catalog:
        return self._catalog

    async def ready(self, server: str) -> None:
        self.waited.append(server)
        if server in self.late:
            self.servers[server] = self.late.pop(server)
            self._catalog = self._offered()

    async def call(self, tool: Tool, params: Mapping[str, Any], client: Client | None = None) -> Reply:
        arguments = params.get("arguments", {})
        self.sent.append((tool.server, tool.name, arguments))
        self.params.append(params)
        await anyio.lowlevel.checkpoint()

        def answer() -> Reply:
            return self.servers[tool.server].answer(tool.name, arguments)

        return answer() if self.between is None else await self.between(tool, params, answer)

    @property
    def done(self) -> list[tuple[str, Any]]:
        """Every call that a server executed."""
        return [entry for server in self.servers.values() for entry in server.done]

    def tool(self, name: str) -> Tool:
        """The one tool of this name."""
        (tool,) = self.catalog.named(name)
        return tool


def world(*servers: Server, between: Answerer | None = None) -> World:
    """The upstreams of these servers."""
    return World({server.name: server for server in servers}, between)


def reading(server: Server, *names: str) -> World:
    """The upstream of this server, whose user has configured these tools as reading."""
    return replace(world(server), effects=dict.fromkeys(names, Effect.READ))


@dataclass
class Person(Client):
    """A client with somebody behind it: keeps the progress it was told, and answers questions by `chooses`."""

    name: str = "session-1"
    chooses: Callable[[str, Mapping[str, Any]], Mapping[str, Any] | None] | None = None
    told: list[str] = field(default_factory=list[str])
    asked: list[Mapping[str, Any]] = field(default_factory=list[Mapping[str, Any]])
    heard: anyio.Event = field(default_factory=anyio.Event)

    @property
    def session(self) -> str:
        return self.name

    async def progress(self, done: float, total: float | None, message: str) -> None:
        self.told.append(message)

    async def elicit(self, message: str, schema: Mapping[str, Any]) -> Mapping[str, Any] | None:
        self.asked.append(schema)
        return None if self.chooses is None else self.chooses(message, schema)

    async def sample(self, prompt: str, max_tokens: int) -> Written | None:
        del prompt, max_tokens
        return None


Score = Callable[[str, str], float]
"""Context and option to a score."""


@dataclass
class ScriptedPlanner:
    """Scores by a function, writes the given values in turn (None once they are used up), and keeps what it was asked.

    Without `score` it has nothing to say about rankings.
    """

    score: Score | None = None
    likelihoods: bool = True
    values: Sequence[Any] = ()
    asked: list[str] = field(default_factory=list[str])
    schemas: list[Mapping[str, Any]] = field(default_factory=list[Mapping[str, Any]])
    usage: Usage = field(default_factory=Usage)
    available: bool = True

    async def rank(self, context: str, options: Sequence[str]) -> Sequence[float] | None:
        """Score each option by the script."""
        self._note(context)
        return None if self.score is None else [self.score(context, option) for option in options]

    async def generate(self, context: str, schema: Mapping[str, Any], max_tokens: int = 256) -> Any | None:
        """The next value of the script, whatever the schema."""
        del max_tokens
        self._note(context)
        self.schemas.append(schema)
        number = len(self.schemas) - 1
        return self.values[number] if number < len(self.values) else None

    def _note(self, context: str) -> None:
        self.asked.append(context)
        self.usage = replace(self.usage, calls=self.usage.calls + 1)


@dataclass
class Book(Journal):
    """A journal in memory; the last record of an id is the one that counts."""

    calls: dict[str, CallRecord] = field(default_factory=dict[str, CallRecord])
    runs: dict[str, RunRecord] = field(default_factory=dict[str, RunRecord])
    notes: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """Every call noted, with its outcome, and every flush, in order."""
    written: bool = True

    def __post_init__(self) -> None:
        self._numbers = count(1)

    def new_id(self, kind: str, /) -> str:
        return f"{kind}_{next(self._numbers):06d}"

    def call(self, record: CallRecord) -> None:
        self.calls[record.call_id] = record
        self.notes.append((record.tool, record.outcome))

    def run(self, record: RunRecord) -> None:
        self.runs[record.repair_id] = record

    async def flush(self) -> bool:
        self.notes.append(("", "flushed"))
        await anyio.lowlevel.checkpoint()
        return self.written


def configured(**sections: Any) -> Config:
    """A configuration of these sections, all else by default."""
    return Config.model_validate(sections)


async def carried_out(
    where: World, plan: Json, *, client: Person | None = None, book: Book | None = None, config: Config | None = None
) -> Report:
    """Run one submission to its report."""
    workflow = Workflow(config or Config(), where, book or Book())
    with anyio.fail_after(20):
        return await workflow.run(plan, client or Person())


def step(name: str, tool: str, after: Sequence[str] = (), /, **arguments: Any) -> dict[str, Any]:
    """A step as a client writes it."""
    written: dict[str, Any] = {"id": name, "tool": tool, "arguments": arguments}
    return {**written, "after": list(after)} if after else written


def ref(name: str, path: str = "") -> dict[str, str]:
    """A reference as a client writes it."""
    return {"$ref": name, "path": path} if path else {"$ref": name}
