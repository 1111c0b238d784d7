"""`mcp-mend wrap`: the proxy in front of one server, as a drop-in for one entry of a client's configuration."""

from __future__ import annotations

from pathlib import Path

import click

from proxy.commands.options import config_option, mode_option, run, settings, wrapping


@click.command(context_settings={"allow_interspersed_args": False})
@click.option("--name", help="Name of the server in the journal; without a command, the configured one to wrap.")
@mode_option
@click.option("--url", help="A server that is already running, instead of a command.")
@click.option("--header", "headers", multiple=True, metavar="'NAME: VALUE'", help="Sent with --url; ${VAR} expands.")
@config_option
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def wrap(
    name: str | None,
    mode: str | None,
    url: str | None,
    headers: tuple[str, ...],
    config: Path | None,
    command: tuple[str, ...],
) -> None:
    """Stand in front of one server, its tool names unchanged and none added.

    \b
    mcp-mend wrap -- uvx mcp-server-time
    mcp-mend wrap --name github --url https://example.com/mcp --header 'Authorization: Bearer ${TOKEN}'
    """
    if command and url:
        raise click.UsageError("give either a command or --url")
    given = bool(command or url)
    loaded = settings(config, mode=mode, upstreams=not given)
    wrapped = wrapping(loaded.config, name=name, command=command, url=url, headers=_pairs(headers))
    from proxy import app

    run(app.wrap, wrapped)


def _pairs(headers: tuple[str, ...]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for header in headers:
        name, colon, value = header.partition(":")
        if not colon or not name.strip():
            raise click.BadParameter(f"write 'NAME: VALUE', not {header!r}", param_hint="--header")
        pairs[name.strip()] = value.strip()
    return pairs
