"""`log list`, `log watch`, `log stats`: many entries at a time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from proxy.commands.log.asking import filters, json_option, reading
from proxy.commands.log.text import clock, table
from proxy.plain import json_text

if TYPE_CHECKING:
    from proxy.store.reader import Entry

HEADS = ("TIME", "ID", "KIND", "SERVER", "TOOL", "OUTCOME", "MS", "WHAT")


@click.command("list")
@filters
@click.option("-n", "limit", type=click.IntRange(0), default=20, show_default=True, help="At most so many; 0 is all.")
@json_option
def list_entries(limit: int, as_json: bool, **wanted: Any) -> None:
    """List calls, repairs and runs, newest last.

    \b
    mcp-mend log list --server time --status refused -n 50
    """
    from proxy.store.reader import Filter, public

    with reading() as reader:
        entries = reader.entries(Filter(**wanted, limit=limit or None))
    if as_json:
        for entry in entries:
            click.echo(json_text(public(entry)))
    elif entries:
        click.echo(table([_row(entry) for entry in entries], HEADS))
    else:
        click.echo("nothing fits", err=True)


def _row(entry: Entry) -> tuple[Any, ...]:
    if entry["kind"] == "call":
        of = f"{entry['repair_id']} {entry['step'] or ''}".strip() if entry["repair_id"] else ""
        what = of or (entry["message"] or "")
        named = (entry["server"], entry["tool"], entry["outcome"], entry["ms"])
        return clock(entry["at"]), entry["call_id"], "call", *named, what
    plan: dict[str, Any] = entry["plan_after"] or entry["plan_before"] or {}
    steps: list[dict[str, Any]] = plan.get("steps") or []
    server = steps[0].get("server") if len(steps) == 1 else ""
    tool = steps[0].get("tool") if len(steps) == 1 else f"{len(steps)} steps"
    what = entry["error_after"] or entry["error_before"] or plan.get("goal")
    named = (server, tool, entry["status"], entry["seconds"] * 1000)
    return clock(entry["at"]), entry["repair_id"], entry["kind"], *named, what


@click.command()
@filters
@click.option("-n", "limit", type=click.IntRange(1), help="End after so many entries.")
@click.option("--interval", type=click.FloatRange(0.05), default=0.5, show_default=True, help="Seconds between looks.")
def watch(limit: int | None, interval: float, **wanted: Any) -> None:
    """Print entries as they are written, one JSON object a line, until Ctrl-C.

    \b
    mcp-mend log watch --status failed | jq .message
    """
    from proxy.store.reader import Filter, public

    with reading() as reader:
        seen = reader.newest()
        left = limit
        while left is None or left > 0:
            until = reader.newest()
            entries = reader.entries(Filter(**wanted, limit=None), after=seen) if until != seen else []
            seen = max(until[0], seen[0]), max(until[1], seen[1])
            for entry in entries[:left]:
                click.echo(json_text(public(entry)))
            left = None if left is None else left - len(entries)
            if left is None or left > 0:
                time.sleep(interval)


@click.command()
@json_option
def stats(as_json: bool) -> None:
    """Count calls and runs, by tool and by rule.

    \b
    mcp-mend log stats --json | jq .tools
    """
    with reading() as reader:
        figures = reader.figures()
    if as_json:
        click.echo(json_text(figures))
        return
    click.echo(f"from {figures['since'] or '-'} to {figures['until'] or '-'}")
    click.echo("calls: " + (", ".join(f"{times} {outcome}" for outcome, times in figures["calls"].items()) or "none"))
    click.echo("runs: " + (", ".join(f"{r['times']} {r['kind']} {r['status']}" for r in figures["runs"]) or "none"))
    for name, keys in (
        ("tools", ("server", "tool", "calls", "ok", "not_ok", "mean_ms", "longest_ms")),
        ("rules", ("rule", "op", "confidence", "times", "in_repaired_runs")),
    ):
        if figures[name]:
            heads = [key.upper().replace("_", " ") for key in keys]
            click.echo("\n" + table([[row[key] for key in keys] for row in figures[name]], heads))
