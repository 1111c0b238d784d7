"""`mcp-mend clients`: which clients are here, which of their servers are wrapped, and which files are broken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from proxy.commands.clients.change import Refusal, copies, parsed, read
from proxy.commands.clients.chosen import surroundings
from proxy.commands.clients.places import files
from proxy.commands.clients.table import CLIENTS, Client
from proxy.repair.view.shown import json_text, one_line, without_secrets

_KINDS = {"wrapped": "wrapped", "serving": "serving", "local": "not wrapped", "remote": "remote"}
"""What a server is, and how that is said."""


@dataclass(frozen=True)
class Found:
    """One file of a client: the names of its servers by what they are, or why it cannot be read."""

    client: str
    file: str
    wrapped: tuple[str, ...] = ()
    serving: tuple[str, ...] = ()
    local: tuple[str, ...] = ()
    remote: tuple[str, ...] = ()
    broken: str = ""
    copies: tuple[str, ...] = ()


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def clients(as_json: bool) -> None:
    """List the clients that are found here, their files, which servers are wrapped, and the copies that are kept.

    Files for one project are looked for in this folder.

    \b
    mcp-mend clients
    """
    found = [_found(name, client, path) for name, client in CLIENTS.items() for path in _there(client)]
    for one in found:
        for line in [json_text(asdict(one))] if as_json else _told(one):
            click.echo(without_secrets(line))
    if not found:
        click.echo(f"no client is found here; known are: {', '.join(CLIENTS)}", err=True)


def _there(client: Client) -> list[Path]:
    paths = [*files(client.places, surroundings()), *([Path(client.project)] if client.project else [])]
    return [path for path in paths if path.exists()]


def _found(name: str, client: Client, path: Path) -> Found:
    from proxy.settings.documents import document
    from proxy.settings.selfcall import ours
    from proxy.settings.shapes import places

    kept = tuple(str(copy) for copy in copies(path))
    try:
        entries = parsed(path, lambda: places(document(path.name, read(path)), client.keys))
    except Refusal as refusal:
        return Found(name, str(path), broken=refusal.message, copies=kept)
    kinds: dict[str, list[str]] = {}
    for place in entries:
        us = ours(place.line[0], place.line[1:]) if place.line else None
        kind = ("wrapped" if us.wrapped or us.url else "serving") if us else "local" if place.line else "remote"
        if place.line or place.address:
            kinds.setdefault(kind, []).append(place.name)
    wrapped, serving, local, remote = (tuple(kinds.get(kind, [])) for kind in _KINDS)
    return Found(name, str(path), wrapped, serving, local, remote, copies=kept)


def _told(one: Found) -> Sequence[str]:
    head = click.style(one.client, bold=True) + f"  {one_line(one.file)}"
    if one.broken:
        return [head, click.style("  broken: ", fg="red") + one_line(one.broken), *_copies(one)]
    found = zip(_KINDS.values(), (one.wrapped, one.serving, one.local, one.remote), strict=True)
    lines = [one_line(f"  {kind}: {', '.join(names)}") for kind, names in found if names]
    return [head, *(lines or ["  no servers"]), *_copies(one)]


def _copies(one: Found) -> list[str]:
    return [one_line(f"  kept copy: {copy}") for copy in one.copies]
