"""`mcp-mend import`: take over a client's servers into the user's own configuration."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from proxy.commands.clients.change import careful, change, client_argument, client_file, parsed, read
from proxy.commands.options import refuse
from proxy.plain import one_line
from schemas.catalog import as_object


@click.command("import")
@client_argument
@click.option(
    "--to", type=click.Path(path_type=Path, dir_okay=False), help="A TOML file instead of your own proxy.toml."
)
@careful
def import_servers(client: str, to: Path | None, file: Path | None, dry_run: bool, yes: bool) -> None:
    """Copy a client's servers into your own configuration; those of a name that is there already stay as they are.

    \b
    mcp-mend import claude-desktop
    mcp-mend import vscode --to proxy.toml
    """
    found, path = client_file(client, file)
    if not path.is_file():
        refuse(f"{found.title} has no file {path}; --file names another")
    target = to or _own()
    before = read(target)
    tables, notes = _tables(path, _names(target, before))
    for note in notes:
        click.echo(one_line(note), err=True)
    if not tables:
        click.echo("there is nothing to import", err=True)
        return
    gap = "" if not before or before.endswith("\n\n") else "\n" if before.endswith("\n") else "\n\n"
    if change(target, before, before + gap + "\n".join(tables), dry_run=dry_run, yes=yes):
        click.echo(f"{len(tables)} servers imported into {target}; `mcp-mend doctor` tries them", err=True)


def _own() -> Path:
    from proxy.settings.find import NAMES, config_folder

    own, other = (config_folder() / name for name in NAMES)
    if other.is_file() and not own.is_file():
        refuse(f"your configuration is {other}; a {own.name} beside it would take its place: use --to, or add to it")
    return own


def _names(target: Path, text: str) -> set[str]:
    """Upstreams that the target has already."""
    from proxy.settings.lines import read_text

    found = parsed(target, lambda: read_text(str(target), text, toml=True))
    return set(as_object(found.data.get("upstreams")) or {})


def _tables(path: Path, there: set[str]) -> tuple[list[str], list[str]]:
    """TOML tables of the servers to import, and what is to be said about the others."""
    from proxy.settings.clients import entries, holder
    from proxy.settings.lines import read_text

    data = parsed(path, lambda: read_text(str(path), read(path), toml=path.suffix == ".toml")).data
    where = holder(data)
    if where is None:
        return [], [f"{path} names no servers"]
    found = entries(data, where)
    notes = [f"passed over: {why}" for why in found.skipped]
    notes += [f"not used here: {', '.join(found.ignored)}"] if found.ignored else []
    notes += [f"{name} stays as it is: your configuration has one" for name in found.upstreams if name in there]
    tables = [_table(name, upstream) for name, upstream in found.upstreams.items() if name not in there]
    return tables, notes


def _table(name: str, upstream: Mapping[str, Any]) -> str:
    """One table; where a variable is not set it is switched off, so that the others can start."""
    from proxy.settings.expand import Expansion
    from proxy.settings.toml import upstream_table

    expansion = Expansion(os.environ)
    expansion.value(dict(upstream))
    if not expansion.missing or upstream.get("enabled") is False:
        return upstream_table(name, upstream)
    return upstream_table(name, {**upstream, "enabled": False}, f"switched off: {expansion.missing[0][1]}")
