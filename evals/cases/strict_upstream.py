"""A server that publishes given tools, refuses what they do not accept, echoes what they do, and logs every call.

Refusals have the words of four libraries; where `style` is plain those of serde, in a JSON-RPC error.
Usage: python -m evals.cases.strict_upstream SPEC.json LOG.jsonl, speaking MCP of the handshake era on stdio.
SPEC is `{"style": ..., "tools": [raw tool objects], "rules": {tool: rule}}`. A rule may hold `only`, the one set of
arguments that is accepted (even against the schema), `never`, true where nothing is, and `quote`, its own words.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema

from tests.fakes import Style, failed, refusal

_STRICT: Any = jsonschema.validators.extend(
    jsonschema.Draft202012Validator,
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
    ),
)
"""JSON Schema, except that 7.0 is no integer: typed languages refuse it."""
_TYPES = {bool: "boolean", int: "number", float: "number", str: "string", type(None): "null", list: "array"}


def equal(left: Any, right: Any) -> bool:
    """Compare JSON values strictly: true is not 1, but 2000.0 is 2000."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(equal(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(equal(a, b) for a, b in zip(left, right, strict=True))
    return bool(left == right)


def refused(
    tool: str, schema: Mapping[str, Any], rule: Mapping[str, Any], arguments: Mapping[str, Any], style: Style = "plain"
) -> dict[str, Any] | None:
    """A server's refusal of these arguments, by its schema or else by its rule; None where they pass."""
    only = rule.get("only")
    if only is not None and equal(arguments, only):
        return None
    errors = list(_STRICT(schema).iter_errors(arguments))
    if not errors and only is not None:
        errors = sorted(_STRICT(_shape(only)).iter_errors(arguments), key=lambda error: error.validator != "required")
    wrong = [key for key in arguments if not errors and (rule.get("never") or (only and arguments[key] != only[key]))]
    if not errors and not wrong:
        return None
    named, value = (wrong[:1], arguments[wrong[0]]) if wrong else (_named(errors[0]), errors[0].instance)
    if _speaks_of(rule.get("quote", ""), named, value):
        reply = failed(f"Error: {rule['quote']}")
    elif wrong:
        reply = failed(f"400 Bad Request: invalid value {json.dumps(value)} for {named[0]}")
    elif style == "plain":
        place = ".".join(dict.fromkeys([*map(str, errors[0].absolute_path), *named[-1:]]))
        return {"error": {"code": -32602, "message": f"Invalid params: {place}: {_serde(errors[0])}"}}
    else:
        reply = refusal(style, tool, errors)
    return {"error": reply.error} if reply.result is None else {"result": reply.result}


def _shape(value: Any) -> dict[str, Any]:
    """The schema of values with the keys and types of this one."""
    if isinstance(value, list) and value:
        return {"type": "array", "items": _shape(value[0])}
    if not isinstance(value, dict):
        return {"type": _TYPES[type(value)]}
    inner = {key: _shape(each) for key, each in value.items()}
    return {"type": "object", "properties": inner, "required": list(inner), "additionalProperties": False}


def _named(error: jsonschema.ValidationError) -> list[str]:
    """The arguments that an error is about."""
    if error.validator in ("required", "additionalProperties"):
        return re.findall(r"'([^']*)'", error.message)
    return [str(part) for part in error.absolute_path]


def _speaks_of(quote: str, names: list[str], value: Any) -> bool:
    said = set(re.findall(r"\w+", quote.lower()))
    words = [re.findall(r"[a-z]+", re.sub(r"([A-Z])", r" \1", name).lower()) for name in names]
    quoted = isinstance(value, str) and value != "" and value in quote
    return quoted or any(each and said.issuperset(each) for each in words)


def _serde(error: jsonschema.ValidationError) -> str:
    match error.validator:
        case "required" | "additionalProperties":
            return "missing field" if error.validator == "required" else "unknown field"
        case "enum":
            wanted = ", ".join(map(repr, error.validator_value))
            return f"unknown variant {json.dumps(error.instance)}, expected one of {wanted}"
        case _:
            wanted = error.validator_value if isinstance(error.validator_value, str) else "string"
            kind = _TYPES.get(type(error.instance), "object")
            return f"invalid type: {kind} {json.dumps(error.instance)}, expected {wanted}"


class Upstream:
    """The answers of the server; every `tools/call` adds a line to the log."""

    def __init__(self, spec: dict[str, Any], log: Path) -> None:
        self._tools = {tool["name"]: tool for tool in spec["tools"]}
        self._spec = spec
        self._log = log

    def answer(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """The answer to one request, as `{"result": ...}` or `{"error": ...}`."""
        match method:
            case "initialize":
                info = {"serverInfo": {"name": "strict", "version": "1"}, "capabilities": {"tools": {}}}
                return {"result": {"protocolVersion": "2025-06-18", **info}}
            case "tools/list":
                return {"result": {"tools": list(self._tools.values())}}
            case "tools/call":
                return self._call(params)
            case "ping":
                return {"result": {}}
            case _:
                return {"error": {"code": -32601, "message": "Method not found"}}

    def _call(self, params: dict[str, Any]) -> dict[str, Any]:
        name, arguments = params.get("name"), params.get("arguments")
        answer = self._judge(str(name), {} if arguments is None else arguments)
        accepted = "result" in answer and not answer["result"].get("isError")
        line = {"tool": name, "arguments": arguments, "accepted": accepted, "answer": answer}
        with self._log.open("a") as log:
            log.write(json.dumps(line) + "\n")
        return answer

    def _judge(self, name: str, arguments: Any) -> dict[str, Any]:
        if name not in self._tools:
            return {"error": {"code": -32602, "message": f"Unknown tool: {name}"}}
        if not isinstance(arguments, dict):
            return {"error": {"code": -32602, "message": "Invalid request parameters", "data": ""}}
        rule, schema = self._spec["rules"].get(name, {}), self._tools[name]["inputSchema"]
        block = {"type": "text", "text": json.dumps({"echo": arguments}), "x-block": "kept"}
        result = {"content": [block], "structuredContent": {"echo": arguments}, "x-result": {"kept": True}}
        return refused(name, schema, rule, arguments, self._spec["style"]) or {"result": result}


def main() -> None:
    """Serve until stdin closes."""
    upstream = Upstream(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2]))
    for line in sys.stdin:
        message = json.loads(line)
        if "id" in message and "method" in message:
            answer = upstream.answer(message["method"], message.get("params") or {})
            sys.stdout.write(json.dumps({"jsonrpc": "2.0", "id": message["id"], **answer}) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
