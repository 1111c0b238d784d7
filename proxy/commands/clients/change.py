"""Change a file that belongs to someone else: show the change, ask, keep a copy, exchange it in one step."""

from __future__ import annotations

import difflib
import hashlib
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from catalog_cache.home import exchange
from proxy.commands.log.text import coloured
from proxy.commands.options import BAD_INPUT
from proxy.repair.view.shown import one_line, shown, without_secrets

Parsed = TypeVar("Parsed")

_MARK = "\ufeff"
_KEPT = ".before-mcp-mend-"
_MOST = 3
"""Copies that are kept of one file."""

_OPTIONS = (
    click.option(
        "--file", type=click.Path(path_type=Path, dir_okay=False), help="The client's file, where it is not found."
    ),
    click.option("--dry-run", is_flag=True, help="Only show what would change."),
    click.option("--yes", "-y", is_flag=True, help="Do not ask."),
)


class Refusal(click.ClickException):
    """A file that is left as it is, and why; the command ends with it unless others go on."""

    exit_code = BAD_INPUT

    def show(self, file: Any = None) -> None:
        """Say it as every refusal of ours is said."""
        for line in self.message.splitlines():
            click.echo(f"mcp-mend: {one_line(without_secrets(line))}", err=True, file=file)


def careful(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of commands that change a file."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def read(path: Path) -> str:
    """The text of a file with its line ends and byte order mark, "" where there is none."""
    if path.exists() and not path.is_file():
        raise Refusal(f"{path}: this is not a file")
    try:
        return path.read_bytes().decode("utf-8") if path.exists() else ""
    except UnicodeDecodeError as error:
        raise Refusal(f"{path}: not UTF-8 text (byte {error.start}); save it as UTF-8") from None
    except OSError as error:
        raise Refusal(f"{path}: cannot be read: {error.strerror}") from None


def parsed(path: Path, reading: Callable[[], Parsed]) -> Parsed:
    """What comes of reading the text of a file; one that cannot be understood is left alone."""
    from proxy.settings.jsonc import TextError

    try:
        return reading()
    except TextError as error:
        raise Refusal(f"{path}:{error.line}: {error}") from None


def change(path: Path, before: str, after: str, *, dry_run: bool, yes: bool) -> bool:
    """Show the change and make it where that is agreed; tells whether it was made."""
    after = _MARK + after if before.startswith(_MARK) and not after.startswith(_MARK) else after
    lines = (before.splitlines(), after.splitlines())
    names = (str(path) if before else os.devnull, str(path))
    click.echo(coloured(shown("\n".join(difflib.unified_diff(*lines, *names, lineterm="")))))
    if not dry_run:
        _refuse_read_only(path.resolve())
    if dry_run or not (yes or click.confirm(f"Change {path}?", err=True)):
        click.echo("nothing was changed", err=True)
        return False
    path = path.resolve()
    if read(path) != before:
        raise Refusal(f"{path}: it was changed meanwhile; try again")
    copy = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        copy = _copy(path, before, after) if path.exists() else None
        exchange(path, after, rights_stay=True)
    except OSError as error:
        if copy is not None:
            copy.unlink(missing_ok=True)
        raise Refusal(f"{path}: cannot be changed: {error.strerror}; nothing was changed") from None
    if copy is not None:
        click.echo(f"the file as it was: {copy}", err=True)
        for old in copies(path)[:-_MOST]:
            old.unlink(missing_ok=True)
    return True


def copies(path: Path) -> list[Path]:
    """The copies that are kept of a file, the oldest first."""
    path = path.resolve()
    try:
        found = [one for one in path.parent.iterdir() if one.name.startswith(path.name + _KEPT)]
    except OSError:
        return []
    return sorted(found, key=lambda one: (one.stat().st_mtime_ns, one.name))


def before_us(path: Path, text: str, there: Callable[[str], bool]) -> str:
    """The text of a file before mcp-mend came into it, where nothing else was changed since; else the same text.

    A copy is named for what the file became, so it belongs to this text or to another one, never perhaps.
    """
    kept = {copy.name.rpartition("-")[2]: copy for copy in copies(path)}
    while there(text) and (copy := kept.pop(_digest(text), None)) is not None:
        text = read(copy)
    return text


def _copy(path: Path, before: str, after: str) -> Path:
    """A copy beside the file, for its user alone."""
    copy = path.with_name(f"{path.name}{_KEPT}{time.strftime('%Y%m%d-%H%M%S')}-{_digest(after)}")
    exchange(copy, before)
    return copy


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:12]


def _refuse_read_only(path: Path) -> None:
    """A file or folder that its owner may not write is meant to stay as it is."""
    for one in (path, path.parent):
        if one.exists() and not (one.stat().st_mode & stat.S_IWUSR and os.access(one, os.W_OK)):
            raise Refusal(f"{one} is read-only; make it writable (chmod u+w) and try again, or use --dry-run")
