"""`log export`, `log path`, `log prune`: the journal as a whole."""

from __future__ import annotations

from typing import IO, Any

import click

from proxy.commands.log.asking import Since, filters, reading
from proxy.commands.options import refuse
from proxy.repair.view.shown import json_text


@click.command()
@filters
@click.option("-n", "limit", type=click.IntRange(0), default=0, help="At most so many, the newest; 0 is all.")
@click.option("-o", "--output", type=click.File("w", encoding="utf-8"), default="-", help="A file instead of stdout.")
def export(limit: int, output: IO[str], **wanted: Any) -> None:
    """Write entries whole, one JSON object a line: calls, and runs with their repairs and problems.

    \b
    mcp-mend log export --since 1d -o yesterday.ndjson
    """
    from proxy.store.reader import Filter, public

    with reading() as reader:
        for entry in reader.entries(Filter(**wanted, limit=limit or None)):
            if entry["kind"] == "call":
                whole = public(entry)
            else:
                run = reader.run(entry["repair_id"])
                parts = {key: [public(one) for one in run.pop(key)] for key in ("repairs", "found", "problems")}
                whole = {**public(run), **parts, "sent": [call["call_id"] for call in run["sent"]]}
            output.write(json_text(whole) + "\n")


@click.command()
def path() -> None:
    """Print where the journal is kept.

    \b
    datasette "$(mcp-mend log path)"
    """
    from proxy.store import journal_path

    click.echo(str(journal_path()))


@click.command()
@click.option("--before", type=Since(), help="Delete what is older: 30d, or a date and time.")
@click.option("--max-mb", type=click.IntRange(0), help="Delete the oldest until so many megabytes are left.")
def prune(before: float | None, max_mb: int | None) -> None:
    """Delete old entries; without an option, down to journal.max_mb and journal.max_days of the configuration.

    \b
    mcp-mend log prune --before 30d
    """
    import sqlite3
    import time

    from proxy.commands.options import settings
    from proxy.store import journal_path
    from proxy.store.database import Database

    where = journal_path()
    if not where.is_file():
        refuse(f"there is no journal at {where} yet")
    if before is None and max_mb is None:
        journal = settings(None, quiet=True, upstreams=False).config.journal
        max_mb, before = journal.max_mb, time.time() - journal.max_days * 86400 if journal.max_days else None
    try:
        database = Database(where, 0)
        gone = database.prune_before(before) if before is not None else 0
        gone += database.prune(max_mb << 20) if max_mb is not None else 0
        database.close()
    except sqlite3.Error as error:
        refuse(f"{where}: {error}")
    click.echo(f"{gone} entries deleted")
