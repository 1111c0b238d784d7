"""`log list`, `log watch`: many entries at a time."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from proxy.commands.log.asking import filters, json_option, reading
from proxy.commands.log.text import clock, table
from proxy.commands.log.told import sentence, subject, took, what
from proxy.commands.options import config_option
from proxy.repair.view.shown import json_text

if TYPE_CHECKING:
    from proxy.store.reader import Entry, Reader

HEADS = ("TIME", "ID", "KIND", "SERVER", "TOOL", "OUTCOME", "MS", "WHAT")


@click.command("list")
@filters
@click.option("-n", "limit", type=click.IntRange(0), default=20, show_default=True, help="At most so many; 0 is all.")
@config_option
@json_option
def list_entries(limit: int, config: Path | None, as_json: bool, **wanted: Any) -> None:
    """List calls, repairs and runs, newest last.

    \b
    mcp-mend log list --server time --status refused -n 50
    """
    from proxy.store.reader import Filter, public

    with reading(config) as reader:
        entries = _whole(reader, reader.entries(Filter(**wanted, limit=limit or None)))
    if as_json:
        for entry in entries:
            click.echo(json_text(public(entry)))
    elif entries:
        click.echo(table([_row(entry) for entry in entries], HEADS))
    else:
        click.echo("nothing fits", err=True)


def _row(entry: Entry) -> tuple[Any, ...]:
    ident, outcome = ("call_id", "outcome") if entry["kind"] == "call" else ("repair_id", "status")
    named = (*subject(entry), entry[outcome], took(entry), what(entry, ops=False))
    return clock(entry["at"]), entry[ident], entry["kind"], *named


def _whole(reader: Reader, entries: list[Entry]) -> list[Entry]:
    """The same entries, runs with their repairs."""
    return [entry if entry["kind"] == "call" else {**entry, "repairs": _repairs(reader, entry)} for entry in entries]


def _repairs(reader: Reader, run: Entry) -> list[Entry]:
    from proxy.store.reader import public

    return [public(repair) for repair in reader.run(run["repair_id"])["repairs"]]


@click.command()
@filters
@click.option("-n", "limit", type=click.IntRange(1), help="End after so many entries.")
@click.option("--interval", type=click.FloatRange(0.05), default=0.5, show_default=True, help="Seconds between looks.")
@config_option
@json_option
def watch(limit: int | None, interval: float, config: Path | None, as_json: bool, **wanted: Any) -> None:
    """Print entries as they are written, in words, until Ctrl-C; with --since, first those that there are from then on.

    \b
    mcp-mend log watch --since 10m
    mcp-mend log watch --status failed --json | jq .message
    """
    from proxy.store.reader import Filter, Position, public

    with reading(config) as reader:
        if sys.stderr.isatty():
            click.echo("waiting for calls; Ctrl-C ends it", err=True)
        seen = Position() if wanted["since"] is not None else reader.position()
        left = limit
        while left is None or left > 0:
            until = reader.position()
            entries = reader.between(Filter(**wanted, limit=None), seen, until) if until != seen else []
            seen = until
            for entry in _whole(reader, entries[:left]):
                click.echo(json_text(public(entry)) if as_json else sentence(entry))
            left = None if left is None else left - len(entries)
            if left is None or left > 0:
                time.sleep(interval)
