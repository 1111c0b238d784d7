"""`mcp-mend import`: take over a client's servers into the user's own configuration."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from proxy.commands.clients.change import Refusal, careful, change, parsed, read
from proxy.commands.clients.chosen import client_argument, found_files, project_option
from proxy.commands.clients.table import CLIENTS, Client
from proxy.commands.clients.twice import take_out
from proxy.repair.view.shown import one_line
from schemas.catalog import as_object


@click.command("import")
@client_argument
@click.option(
    "--to", type=click.Path(path_type=Path, dir_okay=False), help="A TOML file instead of your own proxy.toml."
)
@project_option
@careful
def import_servers(client: str, to: Path | None, project: bool, file: Path | None, dry_run: bool, yes: bool) -> None:
    """Copy a client's servers into your own configuration; those of a name that is there already stay as they are.

    Where the client has an entry that serves them too, the import offers to take its own entries out.

    \b
    mcp-mend import claude-desktop
    mcp-mend import vscode --to proxy.toml
    """
    from proxy.settings.find import NAMES, config_folder

    found = CLIENTS[client]
    target = to or _own()
    before = read(target)
    there = _names(target, before)
    tables: list[str] = []
    notes: list[str] = []
    paths = found_files(found, file, project=project)
    for path in paths:
        if not path.is_file():
            raise Refusal(f"{found.title} has no file {path}; --file names another")
        _take(found, path, there, tables, notes)
    for note in notes:
        click.echo(one_line(note), err=True)
    after = before
    if tables:
        gap = "" if not before or before.endswith("\n\n") else "\n" if before.endswith("\n") else "\n\n"
        after = before + gap + "\n".join(tables)
        if change(target, before, after, dry_run=dry_run, yes=yes):
            click.echo(f"{len(tables)} servers imported into {target}; `mcp-mend doctor` tries them", err=True)
        elif not dry_run:
            return
    else:
        click.echo("there is nothing to import", err=True)
    default = to is None or to.resolve() == (config_folder() / NAMES[0]).resolve()
    take_out(found, client, paths, target, after, default=default, dry_run=dry_run, yes=yes)


def _own() -> Path:
    from proxy.settings.find import NAMES, config_folder

    own, other = (config_folder() / name for name in NAMES)
    if other.is_file() and not own.is_file():
        raise Refusal(
            f"your configuration is {other}; a {own.name} beside it would take its place: use --to, or add to it"
        )
    return own


def _names(target: Path, text: str) -> set[str]:
    """Upstreams that the target has already."""
    from proxy.settings.lines import read_text

    found = parsed(target, lambda: read_text(str(target), text, toml=True))
    return set(as_object(found.data.get("upstreams")) or {})


def _take(client: Client, path: Path, there: set[str], tables: list[str], notes: list[str]) -> None:
    """Add the TOML tables of a file's servers, and what is to be said about the others."""
    from proxy.settings.clients import entries
    from proxy.settings.documents import document
    from proxy.settings.shapes import tables as holders

    read_in = parsed(path, lambda: document(path.name, read(path)))
    where = parsed(path, lambda: holders(read_in, client.keys))
    if not where:
        notes.append(f"{path} names no servers")
    for holder in where:
        found = entries(read_in.value, holder)
        notes += [f"passed over: {why}" for why in found.skipped]
        notes += [f"not used here: {', '.join(found.ignored)}"] if found.ignored else []
        for name, upstream in found.upstreams.items():
            if name in there:
                notes.append(f"{name} stays as it is: your configuration has one")
            else:
                tables.append(_table(name, upstream))
                there.add(name)


def _table(name: str, upstream: Mapping[str, Any]) -> str:
    """One table; where a variable is not set it is switched off, so that the others can start."""
    from proxy.settings.expand import Expansion
    from proxy.settings.toml import upstream_table

    expansion = Expansion(os.environ)
    expansion.value(dict(upstream))
    if not expansion.missing or upstream.get("enabled") is False:
        return upstream_table(name, upstream)
    return upstream_table(name, {**upstream, "enabled": False}, f"switched off: {expansion.missing[0][1]}")
