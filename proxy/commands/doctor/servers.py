"""What `doctor` finds out about servers: all are started at the same time, and each is judged alone."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import anyio
from jsonschema import Draft202012Validator, SchemaError
from jsonschema.validators import validator_for

from proxy import app
from proxy.commands.doctor import own
from proxy.commands.doctor.findings import Board, Finding
from proxy.commands.doctor.remedies import remedy_for
from proxy.upstreams.environment import withheld
from schemas.catalog import Tool, as_object, too_deep
from schemas.config import Config, Upstream

SLOW = 10.0
"""Seconds from which a start is called slow: clients give up after some ten to sixty."""
_NAMED = 5
"""Tools or variables that are named one by one."""


async def examine(config: Config, board: Board, lines: Sequence[Mapping[str, Any]]) -> None:
    """Ask every enabled server and the planner at the same time; each finding is on the board once it is made."""
    began = time.perf_counter()
    for name in ("planner", *config.upstreams):
        board.await_one(_key(name) if name in config.upstreams else name)

    async def ask_planner() -> None:
        board.put("planner", await own.planner(config, lines))

    async def ask(running: app.Running, name: str) -> None:
        board.put(_key(name), await _server(running, name, began))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask_planner)
        async with app.running(config) as running, anyio.create_task_group() as asking:
            for name, upstream in config.upstreams.items():
                if upstream.enabled:
                    asking.start_soon(ask, running, name)
                else:
                    board.put(_key(name), Finding(name, ok=None, said="not enabled"))


def _key(server: str) -> str:
    return f"server {server}"


async def _server(running: app.Running, name: str, began: float) -> Finding:
    await running.fleet.ready(name)
    took = time.perf_counter() - began
    member: Any = running.fleet.member(name)
    upstream = running.config.upstreams[name]
    connection = running.fleet.connection(name)
    if connection is None:
        said = tuple(member.stderr)
        remedy = remedy_for(name, upstream, member.reason, said, os.environ)
        return Finding(name, ok=False, said=f"{member.reason} ({took:.1f} s)", lines=said[-5:], remedy=remedy)
    tools = running.fleet.catalog.of(name)
    unsound = tuple(_unsound(tools))
    found = f"{len(tools)} tools, protocol {connection.version}, ready in {took:.1f} s"
    return Finding(
        name, ok=True, said=found, lines=(*unsound[:_NAMED], *_kept_from(upstream)),
        remedy=_advice(name, upstream, len(unsound), took),
    )  # fmt: skip


def _advice(name: str, upstream: Upstream, unsound: int, took: float) -> str:
    if unsound:
        return f"tell its author, or hide them: upstreams.{name}.tools.exclude; some clients refuse such tools"
    if took < SLOW:
        return ""
    if upstream.command is not None:
        return "starts slowly: install the program instead of fetching it at every start"
    return "answers slowly: a client may give up before"


def _unsound(tools: Sequence[Tool]) -> Iterator[str]:
    """Each tool whose input schema is none, with what is wrong."""
    for tool in tools:
        schema = as_object(tool.raw.get("inputSchema"))
        if too_deep(schema):
            yield f"{tool.name}: its inputSchema is nested too deep"
        elif schema is None or schema.get("type") != "object":
            yield f'{tool.name}: its inputSchema is no {{"type": "object", ...}}'
        else:
            try:
                validator_for(schema, default=Draft202012Validator).check_schema(schema)
            except SchemaError as error:
                where = "/".join(map(str, error.absolute_path))
                yield f"{tool.name}: invalid inputSchema at {where or 'its root'}: {error.message[:200]}"


def _kept_from(config: Upstream) -> tuple[str, ...]:
    """Which of our variables a server on stdio does not get, in a line."""
    names = withheld(config, os.environ) if config.command is not None else []
    if not config.inherit_env:
        return (f"environment: PATH, home, user, locale and proxies; {len(names)} variables are kept from it",)
    return (f"environment: all but {', '.join(names)}",) if names else ()
