"""`mcp-mend install` and `uninstall`: into a client's configuration, and out of it again."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from proxy.commands.clients.change import careful, change, client_argument, client_file, parsed, read
from proxy.commands.options import mode_option, refuse
from proxy.plain import one_line

if TYPE_CHECKING:
    from proxy.settings.rewrite import Rewritten

_FROM_CACHE = ("archive-v0", "uv/cache", "uv\\cache")
"""Parts of the path of a program that uvx keeps for a while only."""


@click.command()
@client_argument
@click.option("--server", "servers", multiple=True, help="Wrap only this server; may be given several times.")
@click.option("--serve", is_flag=True, help="Instead add one entry that serves all servers of your own configuration.")
@mode_option
@careful
def install(
    client: str,
    servers: tuple[str, ...],
    serve: bool,
    mode: str | None,
    file: Path | None,
    dry_run: bool,
    yes: bool,
) -> None:
    """Put mcp-mend in front of every local server of a client, tool names unchanged.

    Shows the change and asks before it is made; the file as it was is kept beside it, and `uninstall` undoes it.

    \b
    mcp-mend install claude-desktop
    mcp-mend install cursor --server github --mode suggest
    """
    from proxy.settings import rewrite

    found, path = client_file(client, file)
    _json_only(path, found.table)
    before = read(path)
    options = ["--mode", mode] if mode else []
    if serve:
        line = [*launcher(), "serve", *options]
        entry = {**({"type": "stdio"} if found.table == "servers" else {}), "command": line[0], "args": line[1:]}
        rewritten = parsed(path, lambda: rewrite.added(before, found.table, "mcp-mend", entry))
    else:
        if not before:
            refuse(f"{found.title} has no file {path}; --serve makes one, --file names another")
        rewritten = parsed(path, lambda: rewrite.wrapped(before, launcher(), only=servers, options=options))
    missing = [name for name in servers if name not in {*rewritten.changed, *(rewritten.left or {})}]
    if missing:
        refuse(f"{path} has no server called {', '.join(missing)}")
    _finish(path, before, rewritten, f"restart {found.title} to use it", dry_run=dry_run, yes=yes)


@click.command()
@client_argument
@careful
def uninstall(client: str, file: Path | None, dry_run: bool, yes: bool) -> None:
    """Take mcp-mend out of a client's configuration; wrapped servers start by themselves again.

    \b
    mcp-mend uninstall claude-desktop --dry-run
    """
    from proxy.settings import rewrite

    found, path = client_file(client, file)
    _json_only(path, found.table)
    before = read(path)
    rewritten = parsed(path, lambda: rewrite.unwrapped(before or "{}"))
    if not rewritten.changed:
        click.echo(f"mcp-mend is not in {path}", err=True)
        return
    _finish(path, before, rewritten, f"restart {found.title} to go on without it", dry_run=dry_run, yes=yes)


def launcher() -> list[str]:
    """The command line that starts this mcp-mend from anywhere."""
    started = shutil.which(sys.argv[0]) or shutil.which("mcp-mend")
    program = Path(started).resolve() if started else Path(sys.executable).with_name("mcp-mend")
    if any(part in str(program) for part in _FROM_CACHE):
        return ["uvx", "mcp-mend"]
    if program.is_file() and program.stem == "mcp-mend":
        return [str(program)]
    return [sys.executable, "-P", "-m", "proxy.cli"]


def _json_only(path: Path, table: str) -> None:
    if path.suffix == ".toml":
        line = launcher()
        say = f'[{table}.mcp-mend]\ncommand = "{line[0]}"\nargs = {[*line[1:], "serve"]}'
        refuse(f"{path} is TOML, which this command does not change; add to it:\n{say}")


def _finish(path: Path, before: str, rewritten: Rewritten, then: str, *, dry_run: bool, yes: bool) -> None:
    left: Mapping[str, str] = rewritten.left or {}
    for name, why in left.items():
        click.echo(one_line(f"{name} stays as it is: {why}"), err=True)
    if not rewritten.changed:
        click.echo("there is nothing to change", err=True)
    elif change(path, before, rewritten.text, dry_run=dry_run, yes=yes):
        click.echo(one_line(f"changed: {', '.join(rewritten.changed)}; {then}"), err=True)
