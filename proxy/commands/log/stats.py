"""`log stats`: what failed, what was saved, which tool fails most and how, over time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from proxy.commands.log.asking import Since, json_option, named, reading_at
from proxy.commands.log.text import table
from proxy.commands.options import config_option
from proxy.repair.view.shown import json_text, one_line

BARS = " ▁▂▃▄▅▆▇█"
SHOWN = 15
"""Rows of a table; `--json` has all."""


@click.command()
@click.option("--since", type=Since(), help="Only from then on: 30m, 2h, 3d, or a date and time.")
@config_option
@json_option
def stats(since: float | None, config: Path | None, as_json: bool) -> None:
    """Say what failed, what was saved by a repair, which tool fails most and how, and all that over time.

    \b
    mcp-mend log stats --since 7d
    mcp-mend log stats --json | jq .failures
    """
    from proxy.store.health import health
    from proxy.store.losses import losses
    from proxy.store.sql import place_of

    known = named(config)
    place = place_of(known.store)
    with reading_at(place) as reader:
        figures = reader.figures(since)
    if as_json:
        lost = [asdict(loss) for loss in losses(place.path("journal"))]
        click.echo(json_text({**figures, "lost": lost}))
        return
    for line in _told(figures, health(known.journal, place.path("journal"))):
        click.echo(line)


def _told(figures: Mapping[str, Any], health: Sequence[str]) -> Iterator[str]:
    yield f"from {figures['since'] or '-'} to {figures['until'] or '-'}"
    yield "calls: " + (", ".join(f"{times} {outcome}" for outcome, times in figures["calls"].items()) or "none")
    yield "runs: " + (", ".join(f"{r['times']} {r['kind']} {r['status']}" for r in figures["runs"]) or "none")
    yield _saved(figures)
    yield from _over_time(figures["over_time"])
    if figures["failures"]:
        yield "\nwhat fails"
        yield _rows(figures["failures"], ("server", "tool", "kind", "times", "saved"))
    if figures["tools"]:
        yield "\ntools"
        yield _rows(figures["tools"], ("server", "tool", "calls", "ok", "not_ok", "mean_ms", "longest_ms"))
    if figures["rules"]:
        yield "\nrules"
        yield _rows(figures["rules"], ("rule", "op", "confidence", "times", "in_repaired_runs"))
    yield ""
    yield from map(one_line, health)


def _saved(figures: Mapping[str, Any]) -> str:
    failed, saved = figures["failed"], figures["saved"]
    share = f" ({saved['calls'] / failed:.0%})" if failed else ""
    plans = f", and {saved['workflows']} workflows" if saved["workflows"] else ""
    return f"failed: {failed} calls of clients, of which {saved['calls']} were saved by a repair{share}{plans}"


def _over_time(told: Mapping[str, Any] | None) -> Iterator[str]:
    """A line of bars for each figure, an unbroken one for the time that it goes over."""
    points: list[dict[str, Any]] = told["points"] if told is not None else []
    if told is None or len(points) < 2:
        return
    form = "%Y-%m-%d %H:%M" if told["each"] in ("minute", "hour") else "%Y-%m-%d"
    first, last = (datetime.fromtimestamp(points[at]["at"]).astimezone().strftime(form) for at in (0, -1))
    yield f"\neach {told['each']} from {first} to {last}"
    for name in ("calls", "failed", "saved"):
        values = [point[name] for point in points]
        yield f"{name:<7}{sparkline(values)}  at most {max(values)}"


def sparkline(values: Sequence[float]) -> str:
    """Bars for values from 0: nothing for none, the lowest bar for the least that is more."""
    most = max(values, default=0)
    steps = len(BARS) - 2
    return "".join(BARS[0] if value <= 0 else BARS[1 + round(steps * value / most)] for value in values)


def _rows(rows: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> str:
    heads = [key.upper().replace("_", " ") for key in keys]
    more = f"\n… and {len(rows) - SHOWN} more: --json has all" if len(rows) > SHOWN else ""
    return table([[row[key] for key in keys] for row in rows[:SHOWN]], heads) + more
