"""`tools list`: what there is to call."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from proxy.commands.options import config_option, held_back, only, refuse_nothing, run, settings
from proxy.repair.view.shown import json_text, one_line

if TYPE_CHECKING:
    from proxy.commands.deciding import Listed
    from schemas.catalog import Tool

FAILED = 1
"""Exit status where a server could not be asked."""

server_option = click.option("--server", "servers", multiple=True, metavar="NAME", help="Only this server; repeatable.")


@click.command("list")
@server_option
@config_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, as the servers list them.")
def list_tools(servers: tuple[str, ...], config: Path | None, as_json: bool) -> None:
    """List the tools of every server with their arguments; those that must be given end in *.

    Exit status 0: every server was asked; 1: one could not be.

    \b
    mcp-mend tools list
    mcp-mend tools list --server time --json
    """
    from proxy.commands import deciding
    from proxy.commands.log.text import table

    loaded = settings(config, local=True, quiet=True)
    refuse_nothing(loaded)
    chosen = only(loaded.config, servers)
    with held_back(chosen):
        found: list[Listed] = run(deciding.listed, chosen)
    if as_json:
        for server in found:
            for tool in server.tools:
                said = {"server": server.name, "tool": tool.public, **_raw(tool)}
                click.echo(json_text(said))
    else:
        rows = [
            (server.name, tool.public, tool.effect.value, _arguments(tool), tool.description)
            for server in found
            for tool in server.tools
        ]
        click.echo(table(rows, ("SERVER", "TOOL", "EFFECT", "ARGUMENTS", "WHAT")) if rows else "there are no tools")
    failed = [server for server in found if server.failed]
    for server in failed:
        said = f"{server.name} cannot be asked: {server.failed}; mcp-mend doctor says what to do"
        click.echo(f"mcp-mend: {one_line(said)}", err=True)
    sys.exit(FAILED if failed else 0)


def _raw(tool: Tool) -> dict[str, Any]:
    return {key: value for key, value in tool.raw.items() if key not in ("server", "tool")}


def _arguments(tool: Tool) -> str:
    return " ".join(f"{name}*" if name in tool.required else name for name in tool.properties)
