"""`mcp-mend install` and `uninstall`: into a client's configuration, and out of it again."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from proxy.commands.clients.change import Refusal, before_us, careful, change, parsed, read
from proxy.commands.clients.chosen import client_argument, found_files, project_option, some_client_argument
from proxy.commands.clients.origin import here
from proxy.commands.clients.table import CLIENTS, NAME, Client, of_file
from proxy.commands.options import BAD_INPUT, mode_option
from proxy.repair.view.shown import one_line

if TYPE_CHECKING:
    from proxy.settings.rewrite import Rewritten


@dataclass(frozen=True)
class _Wish:
    """What is to be done to every file."""

    servers: Sequence[str]
    options: Sequence[str]
    serve: bool
    remote: bool
    start: bool
    dry_run: bool
    yes: bool


@click.command()
@some_client_argument
@click.option("--all", "every", is_flag=True, help="Every client that is found here.")
@click.option("--server", "servers", multiple=True, help="Wrap only this server; may be given several times.")
@click.option("--serve", is_flag=True, help="Instead add one entry that serves all servers of your own configuration.")
@project_option
@click.option("--remote", is_flag=True, help="Wrap remote servers too that want no header and no login.")
@click.option("--no-start", is_flag=True, help="Do not start what was written once to see whether it works.")
@mode_option
@careful
def install(
    client: str | None,
    every: bool,
    servers: tuple[str, ...],
    serve: bool,
    remote: bool,
    project: bool,
    no_start: bool,
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
    mcp-mend install --all
    """
    if (client is None) == (not every) or (every and file):
        raise click.UsageError("name one CLIENT, or say --all (without --file); `mcp-mend clients` lists them")
    wish = _Wish(servers, ["--mode", mode] if mode else [], serve, remote, not no_start, dry_run, yes)
    refused = False
    for name in CLIENTS if client is None else [client]:
        try:
            _install(CLIENTS[name], wish, file, project=project, only_there=every)
        except Refusal as refusal:
            if client is not None:
                raise
            refusal.show()
            refused = True
    sys.exit(BAD_INPUT if refused else 0)


@click.command()
@client_argument
@project_option
@careful
def uninstall(client: str, project: bool, file: Path | None, dry_run: bool, yes: bool) -> None:
    """Take mcp-mend out of a client's configuration; wrapped servers start by themselves again.

    A file that was not changed since `install` is what it was before, to the byte.

    \b
    mcp-mend uninstall claude-desktop --dry-run
    """
    found = CLIENTS[client]
    for path in found_files(found, file, project=project):
        _uninstall(found, path, dry_run=dry_run, yes=yes)


def _uninstall(client: Client, path: Path, *, dry_run: bool, yes: bool) -> None:
    from proxy.settings.rewrite import unwrapped

    def without(text: str) -> Rewritten:
        return parsed(path, lambda: unwrapped(path.name, text, client.keys, client.far))

    before = read(path)
    done = without(before)
    if not done.changed:
        click.echo(one_line(f"mcp-mend is not in {path}"), err=True)
        return
    earlier = before_us(path, before, lambda text: bool(without(text).changed))
    text = without(earlier).text if without(earlier).changed else earlier
    if change(path, before, text, dry_run=dry_run, yes=yes):
        _say_changed(done, f"restart {client.title} to go on without it")


def _install(client: Client, wish: _Wish, file: Path | None, *, project: bool, only_there: bool) -> None:
    if only_there and not (client.project if project else client.places):
        return
    paths = found_files(client, file, project=project)
    if only_there:
        paths = [path for path in paths if path.exists()]
    known: set[str] = set()
    done = [_put(client, path, wish) for path in (paths[:1] if wish.serve else paths)]
    for _, rewritten in done:
        known |= {*rewritten.changed, *rewritten.left}
    if not (only_there or wish.serve) and (missing := [name for name in wish.servers if name not in known]):
        raise Refusal(f"{', '.join(map(str, paths))} has no server called {', '.join(missing)}")
    for path, (before, rewritten) in zip(paths, done, strict=False):
        _finish(client, path, before, rewritten, wish)


def _put(client: Client, path: Path, wish: _Wish) -> tuple[str, Rewritten]:
    """The text of a file, and what it would be with mcp-mend in it."""
    from proxy.settings import rewrite

    before, us, keys = read(path), here().line, client.keys
    if wish.serve:
        entry = client.entry([*us, "serve", *wish.options])
        listed = of_file(client, path)
        return before, parsed(path, lambda: rewrite.added(path.name, before, keys, NAME, entry, listed=listed))
    if not path.exists():
        raise Refusal(f"{client.title} has no file {path}; --serve makes one, --file names another")
    far = (client.far, client.shape) if wish.remote else None
    only, options = wish.servers, wish.options
    return before, parsed(
        path, lambda: rewrite.wrapped(path.name, before, keys, us, only=only, options=options, far=far)
    )


def _finish(client: Client, path: Path, before: str, done: Rewritten, wish: _Wish) -> None:
    for name, why in done.left.items():
        click.echo(one_line(f"{name} stays as it is: {why}"), err=True)
    if not done.changed:
        click.echo(one_line(f"there is nothing to change in {path}"), err=True)
    elif change(path, before, done.text, dry_run=wish.dry_run, yes=wish.yes):
        _say_changed(done, f"restart {client.title} to use it")
        if wish.start:
            from proxy.commands.clients.start import start

            start(path, done.text, client.keys, done.changed)


def _say_changed(done: Rewritten, then: str) -> None:
    click.echo(one_line(f"changed: {', '.join(done.changed)}; {then}"), err=True)
