"""After an import: servers that a client starts itself and has through its entry that serves, and out with those."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from proxy.commands.clients.change import change, parsed, read
from proxy.commands.clients.table import Client
from proxy.repair.view.shown import one_line
from proxy.settings.jsonc import Path as KeyPath
from schemas.catalog import as_object

_SAME = ("command", "args", "url")
"""What makes two entries of one name the same server."""


def take_out(
    client: Client,
    name: str,
    paths: Sequence[Path],
    target: Path,
    text: str,
    *,
    default: bool,
    dry_run: bool,
    yes: bool,
) -> None:
    """Say which servers of a client's files are in `text` of `target` as well, and offer to take their entries out.

    That is offered where the file has an entry that serves that configuration; `default` tells that it is the one
    which is served where none is named. Without such an entry nothing would start these servers any more.
    """
    from proxy.settings import rewrite

    for path in paths:
        before = read(path)
        found = parsed(path, lambda path=path, before=before: _shared(client, path, before, target, text))
        if not found:
            continue
        names = one_line(", ".join(dict.fromkeys(found.values())))
        if not parsed(path, lambda path=path, before=before: _is_served(client, path, before, target, default=default)):
            then = f"`mcp-mend install {name} --serve`" + ("" if default else f" (with `--config {target}` in it)")
            click.echo(
                f"{client.title} starts {names} itself; after {then}, this command again takes these entries out",
                err=True,
            )
            continue
        click.echo(f"{client.title} has these twice, by entries of their own and through mcp-mend: {names}", err=True)
        after = parsed(path, lambda path=path, before=before, out=list(found): rewrite.without(path.name, before, out))
        if change(path, before, after, dry_run=dry_run, yes=yes):
            click.echo(
                f"taken out: {names}; restart {client.title}; `mcp-mend uninstall {name}` gives the file back", err=True
            )


def _shared(client: Client, path: Path, before: str, target: Path, text: str) -> dict[KeyPath, str]:
    """Where the entries stand that `text` has under the same name, switched on, and the names."""
    from proxy.settings.clients import entries
    from proxy.settings.documents import document
    from proxy.settings.lines import read_text
    from proxy.settings.shapes import places, tables

    read_in = document(path.name, before)
    mine = as_object(read_text(str(target), text, toml=True).data.get("upstreams")) or {}
    theirs = {holder: entries(read_in.value, holder).upstreams for holder in tables(read_in, client.keys)}
    found: dict[KeyPath, str] = {}
    for place in places(read_in, client.keys):
        own, kept = theirs[place.path[:-1]].get(place.name), as_object(mine.get(place.name))
        if own is None or kept is None or kept.get("enabled") is False:
            continue
        if all(own.get(key) == kept.get(key) for key in _SAME):
            found[place.path] = place.name
    return found


def _is_served(client: Client, path: Path, text: str, target: Path, *, default: bool) -> bool:
    """Tell whether a file has an entry that serves this configuration."""
    from proxy.settings.documents import document
    from proxy.settings.selfcall import ours
    from proxy.settings.shapes import places

    for place in places(document(path.name, text), client.keys):
        line = place.line or [""]
        us = ours(line[0], line[1:])
        if us is None or us.wrapped or us.url:
            continue
        named = [line[at + 1] for at, word in enumerate(line[:-1]) if word == "--config"]
        if (Path(named[-1]).expanduser().resolve() == target.resolve()) if named else default:
            return True
    return False
