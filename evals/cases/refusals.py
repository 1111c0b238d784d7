"""How strict servers refuse a call, in the words of the libraries that real servers are built with.

Pure: a schema, a rule and the arguments go in, an issue or a reply comes out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import jsonschema

Style = Literal["jsonschema", "pydantic", "zod", "rpc"]
STYLES: tuple[Style, ...] = ("jsonschema", "pydantic", "zod", "rpc")

_STRICT = jsonschema.validators.extend(
    jsonschema.Draft202012Validator,
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
    ),
)
"""JSON Schema, except that 7.0 is no integer: typed languages refuse it."""

_KINDS = {"type": "type", "anyOf": "type", "oneOf": "type", "required": "missing", "enum": "enum"}
_PYDANTIC = {
    "array": ("list", "list_type"),
    "object": ("dictionary", "dict_type"),
    "string": ("string", "string_type"),
    "integer": ("integer", "int_type"),
    "number": ("number", "float_type"),
    "boolean": ("boolean", "bool_type"),
}
_PYTHON = {"array": "list", "object": "dict", "string": "str", "integer": "int", "number": "float", "boolean": "bool"}


@dataclass(frozen=True)
class Issue:
    """One thing that a server dislikes about the arguments; `wanted` is a type name or the accepted values."""

    kind: str
    path: tuple[str | int, ...]
    value: Any
    wanted: Any
    message: str


def equal(left: Any, right: Any) -> bool:
    """Compare JSON values strictly: true is not 1, but 2000.0 is 2000."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(equal(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(equal(a, b) for a, b in zip(left, right, strict=True))
    return bool(left == right)


def issues(schema: Mapping[str, Any], rule: Mapping[str, Any], arguments: Mapping[str, Any]) -> list[Issue]:
    """List what a server dislikes: what its schema refuses, else what its rule does.

    A rule holds `only`, the one set of arguments that is accepted (even against the schema; None: no such rule), and
    `never`, true where nothing is.
    """
    only = rule.get("only")
    if only is not None and equal(arguments, only):
        return []
    found = [_schema_issue(error) for error in _STRICT(schema).iter_errors(arguments)]
    if not found and only is not None:
        found = sorted(_differences(arguments, only, ()), key=lambda issue: issue.kind != "missing")
    if not found and rule.get("never"):
        found = [Issue("refused", (key,), value, None, _invalid(value, (key,))) for key, value in arguments.items()]
    return found


def _invalid(value: Any, path: tuple[str | int, ...]) -> str:
    return f"invalid value {json.dumps(value)} for {_dotted(path)}"


def _schema_issue(error: jsonschema.ValidationError) -> Issue:
    path = tuple(error.absolute_path)
    if error.validator == "required":
        name = re.match(r"'(.*)' is a required property", error.message)
        return Issue("missing", (*path, name[1] if name else ""), None, None, error.message)
    if error.validator == "additionalProperties":
        names = re.findall(r"'([^']*)'", error.message)
        return Issue("unexpected", (*path, names[-1] if names else ""), None, None, error.message)
    wanted = error.validator_value
    if error.validator in ("anyOf", "oneOf"):
        wanted = [branch.get("type") for branch in error.validator_value]
    return Issue(_KINDS.get(str(error.validator), "refused"), path, error.instance, wanted, error.message)


def _differences(sent: Any, wanted: Any, path: tuple[str | int, ...]) -> Iterator[Issue]:
    if isinstance(sent, Mapping) and isinstance(wanted, Mapping):
        for key in [*sent, *(key for key in wanted if key not in sent)]:
            yield from _difference(sent, wanted, key, (*path, key))
    elif isinstance(sent, list) and isinstance(wanted, list) and len(sent) == len(wanted):
        for index, (a, b) in enumerate(zip(sent, wanted, strict=True)):
            yield from _differences(a, b, (*path, index))
    elif not equal(sent, wanted):
        if _type(sent) == _type(wanted):
            yield Issue("refused", path, sent, None, _invalid(sent, path))
        else:
            message = f"{_dotted(path)} should be of type {_type(wanted)}, instead was {json.dumps(sent)}"
            yield Issue("type", path, sent, _type(wanted), message)


def _difference(sent: Mapping[str, Any], wanted: Mapping[str, Any], key: str, path: tuple[Any, ...]) -> Iterator[Issue]:
    if key not in sent:
        yield Issue("missing", path, None, None, f"'{key}' is a required property")
    elif key in wanted:
        yield from _differences(sent[key], wanted[key], path)
    elif sent[key] in ("", None):
        yield Issue("refused", path, sent[key], None, f"parsing {_words(key)}: cannot parse {json.dumps(sent[key])}")
    else:
        yield Issue(
            "unexpected", path, sent[key], None, f"Additional properties are not allowed ('{key}' was unexpected)"
        )


def reply(tool: str, found: list[Issue], style: Style, quote: str = "") -> dict[str, Any]:
    """Write the JSON-RPC answer (`result` or `error`) of a server that refuses; `quote` is its own text, if known."""
    first = found[0]
    if quote and _speaks_of(quote, first):
        return _error_result(f"Error: {quote}")
    if first.kind == "refused" and style != "rpc":
        return _error_result(f"400 Bad Request: {first.message}")
    match style:
        case "jsonschema":
            return _error_result(f"Input validation error: {first.message}")
        case "pydantic":
            return _error_result(_pydantic(tool, found))
        case "zod":
            listed = json.dumps([_zod(issue) for issue in found], indent=2)
            return _error_result(
                f"MCP error -32602: Input validation error: Invalid arguments for tool {tool}: {listed}"
            )
        case "rpc":
            return {"error": {"code": -32602, "message": f"Invalid params: {_dotted(first.path)}: {_plain(first)}"}}


def _speaks_of(quote: str, issue: Issue) -> bool:
    words = _words(str(issue.path[-1] if issue.path else "")).split()
    spoken = set(re.findall(r"\w+", quote.lower()))
    quoted = isinstance(issue.value, str) and issue.value and issue.value in quote
    return bool(quoted or (words and spoken.issuperset(words)))


def _error_result(text: str) -> dict[str, Any]:
    return {"result": {"content": [{"type": "text", "text": text}], "isError": True}}


def _pydantic(tool: str, found: list[Issue]) -> str:
    lines = [f"{len(found)} validation error{'s' if len(found) > 1 else ''} for call[{tool}]"]
    for issue in found:
        lines += [_dotted(issue.path), f"  {_pydantic_line(issue)}"]
    return "\n".join(lines)


def _pydantic_line(issue: Issue) -> str:
    got = f"input_value={issue.value!r}, input_type={_PYTHON.get(_type(issue.value), 'NoneType')}"
    match issue.kind:
        case "missing":
            return "Missing required argument [type=missing_argument, input_value={...}, input_type=dict]"
        case "unexpected":
            return f"Unexpected keyword argument [type=unexpected_keyword_argument, {got}]"
        case "enum":
            return f"Input should be {_alternatives(issue.wanted)} [type=literal_error, {got}]"
        case "type":
            name, code = _PYDANTIC.get(_first_type(issue.wanted), ("value", "value_error"))
            return f"Input should be a valid {name} [type={code}, {got}]"
        case _:
            return f"Value error, {issue.message} [type=value_error, {got}]"


def _zod(issue: Issue) -> dict[str, Any]:
    path = list(issue.path)
    match issue.kind:
        case "missing":
            return {
                "code": "invalid_type",
                "expected": "string",
                "received": "undefined",
                "path": path,
                "message": "Required",
            }
        case "unexpected":
            return {
                "code": "unrecognized_keys",
                "keys": path[-1:],
                "path": path[:-1],
                "message": f"Unrecognized key(s) in object: '{path[-1]}'",
            }
        case "enum":
            return {
                "code": "invalid_enum_value",
                "options": issue.wanted,
                "received": issue.value,
                "path": path,
                "message": f"Invalid enum value. Expected {_alternatives(issue.wanted)}, received '{issue.value}'",
            }
        case _:
            wanted, got = _first_type(issue.wanted), _type(issue.value)
            return {
                "code": "invalid_type",
                "expected": wanted,
                "received": got,
                "path": path,
                "message": f"Expected {wanted}, received {got}",
            }


def _plain(issue: Issue) -> str:
    match issue.kind:
        case "missing":
            return "missing field"
        case "unexpected":
            return "unknown field"
        case "enum":
            return f"unknown variant {json.dumps(issue.value)}, expected one of {_alternatives(issue.wanted)}"
        case "type":
            return f"invalid type: {_type(issue.value)} {json.dumps(issue.value)}, expected {_first_type(issue.wanted)}"
        case _:
            return issue.message


def _alternatives(values: Any) -> str:
    quoted = [f"'{value}'" for value in values]
    return " or ".join([", ".join(quoted[:-1]), *quoted[-1:]]) if len(quoted) > 1 else "".join(quoted)


def _first_type(wanted: Any) -> str:
    named = wanted if isinstance(wanted, list) else [wanted]
    return str(next((name for name in named if name != "null"), "string"))


def _type(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    for kind, name in ((int, "integer"), (float, "number"), (str, "string"), (list, "array")):
        if isinstance(value, kind):
            return name
    return "object"


def _dotted(path: tuple[str | int, ...]) -> str:
    return ".".join(str(part) for part in path)


def _words(name: str) -> str:
    return " ".join(re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)).lower()
