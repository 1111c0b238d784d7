"""`log export`, `log path`, `log prune`: the journal as a whole."""

from __future__ import annotations

from pathlib import Path
from typing import IO, Any

import click

from proxy.commands.log.asking import Since, filters, named, reading
from proxy.commands.options import config_option, refuse
from proxy.repair.view.shown import json_text


@click.command()
@filters
@click.option("-n", "limit", type=click.IntRange(0), default=0, help="At most so many, the newest; 0 is all.")
@click.option("-o", "--output", type=click.File("w", encoding="utf-8"), default="-", help="A file instead of stdout.")
@config_option
def export(limit: int, output: IO[str], config: Path | None, **wanted: Any) -> None:
    """Write entries whole, one JSON object a line: calls, and runs with their repairs and problems.

    \b
    mcp-mend log export --since 1d -o yesterday.ndjson
    """
    from proxy.store.reader import Filter, public

    with reading(config) as reader:
        for entry in reader.entries(Filter(**wanted, limit=limit or None)):
            if entry["kind"] == "call":
                whole = public(entry)
            else:
                run = reader.run(entry["repair_id"])
                parts = {key: [public(one) for one in run.pop(key)] for key in ("repairs", "found", "problems")}
                whole = {**public(run), **parts, "sent": [call["call_id"] for call in run["sent"]]}
            output.write(json_text(whole) + "\n")


@click.command()
@config_option
def path(config: Path | None) -> None:
    """Print where the journal is kept: a file, or the address of a database without its password.

    \b
    datasette "$(mcp-mend log path)"
    """
    from proxy.store.sql import place_of

    click.echo(place_of(named(config).store).named("journal"))


@click.command()
@click.option("--before", type=Since(), help="Delete what is older: 30d, or a date and time.")
@click.option("--max-mb", type=click.IntRange(0), help="Delete the oldest until so many megabytes are left.")
@config_option
def prune(before: float | None, max_mb: int | None, config: Path | None) -> None:
    """Delete old entries; without an option, down to journal.max_mb and journal.max_days of the configuration.

    \b
    mcp-mend log prune --before 30d
    """
    import time
    from contextlib import closing

    from proxy.store.retention import Limits, Retention
    from proxy.store.sql import StoreError, place_of

    known = named(config)
    place, journal = place_of(known.store), known.journal
    where = place.named("journal")
    if before is None and max_mb is None:
        max_mb, before = journal.max_mb, time.time() - journal.max_days * 86400 if journal.max_days else None
    try:
        place.read("journal").close()
        with closing(place.open("journal")) as connection:
            retention = Retention(connection, Limits())
            gone = retention.before(before) if before is not None else 0
            gone += retention.to(max_mb << 20) if max_mb is not None else 0
    except FileNotFoundError:
        refuse(f"there is no journal at {where} yet")
    except StoreError as error:
        refuse(f"{where}: {error}")
    click.echo(f"{gone} entries deleted")
