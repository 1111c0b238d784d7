"""`mcp-mend effects`: what each tool may do to the world and why, and a person's word where nothing says so."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from proxy.commands.options import config_option, only, refuse_nothing, run, settings, wrapping
from proxy.repair.view.shown import json_text

if TYPE_CHECKING:
    from proxy.commands.deciding import Listed


@click.command(context_settings={"allow_interspersed_args": False})
@config_option
@click.option("--server", "servers", multiple=True, metavar="NAME", help="Only this server; may be given again.")
@click.option("--all", "everything", is_flag=True, help="Every tool, not only those of unknown effect.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line: every tool.")
@click.option("--write", is_flag=True, help="Ask what the tools of unknown effect do, and keep the answers.")
@click.option("--yes", "-y", is_flag=True, help="With --write: take every proposal, ask nothing.")
@click.option("--dry-run", is_flag=True, help="With --write: only show what would change.")
@click.option("--name", help="Name of a server given by --url or COMMAND.")
@click.option("--url", help="A server that `mcp-mend wrap --url` stands in front of.")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def effects(
    config: Path | None,
    servers: tuple[str, ...],
    everything: bool,
    as_json: bool,
    write: bool,
    yes: bool,
    dry_run: bool,
    name: str | None,
    url: str | None,
    command: tuple[str, ...],
) -> None:
    """Show the effect class of each tool and why it has it; only tools that surely read are tried and guessed at.

    --write asks about the tools of which nothing tells what they do; where their words point to a class, it is
    proposed. The answers go into a configuration of mcp-mend's own (TOML), else into its state folder. Servers
    that a client wraps may be named by their command line.

    \b
    mcp-mend effects
    mcp-mend effects --server github --all
    mcp-mend effects --write
    mcp-mend effects --write -- uvx mcp-server-time
    """
    if (yes or dry_run) and not write:
        raise click.UsageError("--yes and --dry-run belong to --write")
    given = bool(command or url)
    loaded = settings(config, local=True, quiet=True, upstreams=not given)
    if not given:
        refuse_nothing(loaded)
    chosen = only(wrapping(loaded.config, name=name, command=command, url=url) if given else loaded.config, servers)
    from proxy.commands import deciding

    listed: list[Listed] = run(deciding.listed, chosen)
    if as_json:
        for server in listed:
            for row in deciding.rows(server):
                click.echo(json_text(row))
    else:
        click.echo("\n".join(line for server in listed for line in deciding.told(server, everything=everything)))
    if write:
        deciding.write(listed, None if given else loaded.path, yes=yes, dry_run=dry_run)
    elif not as_json and any(server.unknown for server in listed):
        click.echo("mcp-mend effects --write decides what the unknown ones do", err=True)
