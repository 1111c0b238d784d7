"""How OpenAI-compatible servers spell things: a constraint by JSON Schema, an answer, an error. Pure.

Knows no connection; of what a server says about an error only its codes go on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import httpx2

from schemas.catalog import Json, as_list, as_object

REFUSED = frozenset({400, 404, 405, 422, 500, 501})
"""Statuses by which servers say that they do not know an address or a parameter (llama-cpp-python says 500)."""

CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,60}")
"""What is told of an error's body: its codes. Its sentences may repeat the question and stay out of every record."""


class Failed(Exception):  # noqa: N818 - an answer like others
    """The server answered with an error."""


class Refused(Failed):
    """The server does not take this kind of request."""


def answer_of(reply: httpx2.Response) -> dict[str, Any]:
    """The object that was answered; raises Refused and Failed with the status and the code of the error."""
    if reply.is_success:
        return as_object(reply.json()) or {}
    try:
        body = as_object(reply.json()) or {}
    except ValueError:
        body = {}
    error = as_object(body.get("error")) or body
    codes = [str(error[key]) for key in ("type", "code") if CODE.fullmatch(str(error.get(key) or ""))]
    kind = Refused if reply.status_code in REFUSED else Failed
    raise kind(" ".join([f"status {reply.status_code}", *codes]))


def told(error: Exception) -> str:
    """What went wrong, without a word of the server's own: a message of our side only where there is one."""
    if isinstance(error, Failed):
        return str(error)
    name = type(error).__name__
    return f"{name}: {error}" if isinstance(error, httpx2.ConnectError) else name


def _standard(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The spelling of OpenAI, vLLM, llama-server, LM Studio and Ollama."""
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}}


def _object(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The spelling of llama-cpp-python and of older llama-servers."""
    return {"response_format": {"type": "json_object", "schema": schema}}


def _plain(schema: Mapping[str, Any]) -> dict[str, Any]:
    """No constraint: the answer is only checked."""
    del schema
    return {}


FORMS = (_standard, _object, _plain)
"""Ways to ask for an answer under a schema, best first."""


def in_object(schema: Mapping[str, Any]) -> dict[str, Json]:
    """An object with the value in it: some servers take no other schema. Definitions move to its root."""
    inner = {key: value for key, value in schema.items() if key not in ("$defs", "definitions")}
    definitions = {key: schema[key] for key in ("$defs", "definitions") if key in schema}
    return {
        "type": "object",
        "properties": {"value": inner},
        "required": ["value"],
        "additionalProperties": False,
        **definitions,
    }


def content_of(reply: Mapping[str, Any]) -> str:
    """The text of a chat's first choice, "" where there is none."""
    choice = as_object((as_list(reply.get("choices")) or [None])[0]) or {}
    return str((as_object(choice.get("message")) or {}).get("content") or "")
