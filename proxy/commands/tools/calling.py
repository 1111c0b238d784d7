"""`tools call`: one call on the way that a client's takes, so that repair and journal are the same."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from proxy.commands.options import config_option, held_back, mode_option, only, refuse, refuse_nothing, run, settings
from proxy.commands.tools.listing import server_option
from proxy.commands.tools.values import ArgumentError
from proxy.repair.view.shown import json_text, one_line, shown, whole, without_secrets

if TYPE_CHECKING:
    from proxy.app import Running
    from schemas.catalog import Tool
    from schemas.config import Config
    from schemas.trial import Reply

FAILED = 1
"""Exit status of a call that failed."""


@click.command("call")
@click.argument("name")
@click.argument("words", metavar="[KEY=VALUE ... | JSON | -]", nargs=-1)
@server_option
@config_option
@mode_option
@click.option("--json", "as_json", is_flag=True, help="Print the result or error as JSON, whole.")
def call_tool(
    name: str, words: tuple[str, ...], servers: tuple[str, ...], config: Path | None, mode: str | None, as_json: bool
) -> None:
    """Call the tool NAME, repair the call where it fails, and print what came back; the repair goes to stderr.

    KEY=5 is a number where the tool's schema wants one, else text; KEY:=JSON is exactly that; - reads one JSON object
    from standard input. Exit status 0: it went well; 1: it failed; 2: bad input.

    \b
    mcp-mend tools call get_current_time timezone=UTC
    mcp-mend tools call search query=rake limit=5 'tags:=["new"]'
    mcp-mend tools call search '{"query": "rake"}' --server shop --json
    """
    loaded = settings(config, mode=mode, local=True, quiet=True)
    refuse_nothing(loaded)
    chosen = only(loaded.config, servers)
    given = (sys.stdin.read(),) if words == ("-",) else words
    with held_back(chosen):
        reply: Reply | ArgumentError = run(_call, chosen, name, given)
    if isinstance(reply, ArgumentError):
        refuse(str(reply))
    if as_json:
        click.echo(json_text(reply.result or {"error": reply.error or {"message": reply.message}}, indent=2))
    else:
        _tell(reply)
    _tell_repair(reply, loaded.config)
    sys.exit(FAILED if reply.refused or reply.lost is not None else 0)


async def _call(config: Config, name: str, words: Sequence[str]) -> Reply | ArgumentError:
    """Start what is needed, wait until it is there, call, and end everything."""
    from rich.console import Console

    from proxy import app
    from proxy.commands.run import Terminal
    from proxy.commands.tools.values import read_arguments

    with Console(stderr=True).status("starting the servers") as status:
        async with app.running(config) as running:
            tool = await _found(running, name)
            try:
                arguments = read_arguments(words, tool.properties if tool is not None else {})
            except ArgumentError as error:
                return error
            called = tool.public if tool is not None else name
            return await running.calls.call({"name": called, "arguments": arguments}, Terminal(status))


async def _found(running: Running, name: str) -> Tool | None:
    """The tool of this public name, or the only one of this name; None where its name is to be mended too."""
    import anyio

    fleet = running.fleet
    await fleet.listed_for(name)
    if fleet.catalog.public(name) is None:
        async with anyio.create_task_group() as tasks:
            for server in fleet.names:
                tasks.start_soon(fleet.ready, server)
    named = [tool for server in fleet.names for tool in fleet.catalog.of(server) if tool.name == name]
    tool = fleet.catalog.public(name) or (named[0] if len(named) == 1 else None)
    if tool is not None:
        await fleet.ready(tool.server)
    return tool


def _tell(reply: Reply) -> None:
    """Print what came back as text."""
    if reply.result is None:
        message = str((reply.error or {}).get("message", reply.message))
        lines = [message, *reply.stderr[-5:]]
        click.echo(whole(shown(without_secrets("\n".join(lines)))), err=True)
        return
    from schemas.catalog import as_list

    blocks = as_list(reply.result.get("content")) or []
    said = "\n".join(_block(block) for block in blocks)
    if not said and "structuredContent" in reply.result:
        said = json_text(reply.result["structuredContent"], indent=2)
    click.echo(whole(said), err=reply.refused)


def _block(block: Any) -> str:
    """A block of content: its text, or a line that says what it is."""
    from schemas.catalog import as_object

    keys = as_object(block) or {}
    if isinstance(keys.get("text"), str):
        return shown(keys["text"])
    resource = as_object(keys.get("resource")) or {}
    if isinstance(resource.get("text"), str):
        return shown(resource["text"])
    facts = [str(keys.get("type", "block")), keys.get("mimeType"), keys.get("uri") or resource.get("uri")]
    size = f"{len(keys['data'])} characters" if isinstance(keys.get("data"), str) else None
    return one_line(f"[{' '.join(str(fact) for fact in (*facts, size) if fact)}; --json shows it]")


def _tell_repair(reply: Reply, config: Config) -> None:
    """Show on stderr what a repair changed, from the journal, or from the result where none is kept."""
    from proxy.commands.log.one import told_diff
    from proxy.commands.log.text import change
    from proxy.repair.view.shown import all_shown
    from proxy.store.reader import NoEntryError, open_reader
    from proxy.store.sql import StoreError, place_of
    from schemas.catalog import as_list, as_object

    meta = as_object((reply.result or {}).get("_meta")) or {}
    told = as_object(meta.get("mcp-mend/repair"))
    if told is None:
        return
    try:
        with open_reader(place_of(config.store)) as reader:
            said = told_diff(reader.run(reader.resolve(str(told.get("repair_id")), "run")))
    except (FileNotFoundError, NoEntryError, StoreError):
        repairs = [as_object(one) or {} for one in as_list(told.get("repairs")) or []]
        said = "\n".join(change(at + 1, all_shown(one)) for at, one in enumerate(repairs))
    click.echo(whole(said), err=True)
