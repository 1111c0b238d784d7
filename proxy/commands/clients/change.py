"""Change a file that belongs to someone else: show the change, ask, keep a copy, exchange it in one step."""

from __future__ import annotations

import difflib
import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from catalog_cache.home import exchange
from proxy.commands.clients.places import CLIENTS, Client, Surroundings, place
from proxy.commands.log.text import coloured
from proxy.commands.options import refuse
from proxy.repair.view.shown import shown

Parsed = TypeVar("Parsed")

_MARK = "\ufeff"

client_argument = click.argument("client", type=click.Choice(list(CLIENTS)), metavar="CLIENT")
_OPTIONS = (
    click.option(
        "--file", type=click.Path(path_type=Path, dir_okay=False), help="The client's file, where it is not found."
    ),
    click.option("--dry-run", is_flag=True, help="Only show what would change."),
    click.option("--yes", "-y", is_flag=True, help="Do not ask."),
)


def careful(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of commands that change a file."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def client_file(name: str, file: Path | None) -> tuple[Client, Path]:
    """The client of this name and its configuration file, which need not exist."""
    client = CLIENTS[name]
    return client, file or place(client, Surroundings(sys.platform, Path.home(), os.environ))


def read(path: Path) -> str:
    """The text of a file with its line ends and byte order mark, "" where there is none."""
    try:
        return path.read_bytes().decode("utf-8") if path.exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        refuse(f"{path}: cannot be read: {error}")


def parsed(path: Path, reading: Callable[[], Parsed]) -> Parsed:
    """What comes of reading the text of a file; one that cannot be understood is left alone."""
    from proxy.settings.jsonc import TextError

    try:
        return reading()
    except TextError as error:
        refuse(f"{path}:{error.line}: {error}")


def change(path: Path, before: str, after: str, *, dry_run: bool, yes: bool) -> bool:
    """Show the change and make it where that is agreed; tells whether it was made."""
    after = _MARK + after if before.startswith(_MARK) and not after.startswith(_MARK) else after
    lines = (before.splitlines(), after.splitlines())
    names = (str(path) if before else os.devnull, str(path))
    click.echo(coloured(shown("\n".join(difflib.unified_diff(*lines, *names, lineterm="")))))
    if dry_run or not (yes or click.confirm(f"Change {path}?", err=True)):
        click.echo("nothing was changed", err=True)
        return False
    path = path.resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        click.echo(f"the file as it was: {_copy(path)}", err=True)
    exchange(path, after, rights_stay=True)
    return True


def _copy(path: Path) -> Path:
    """A copy beside the file, under a name that no other copy has."""
    base = f"{path.name}.before-mcp-mend-{time.strftime('%Y%m%d-%H%M%S')}"
    copy = path.with_name(base)
    number = 1
    while copy.exists():
        number += 1
        copy = path.with_name(f"{base}-{number}")
    shutil.copy2(path, copy)
    return copy
