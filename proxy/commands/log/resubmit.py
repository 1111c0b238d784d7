"""`log replay --plan`: the plan of a recorded workflow, shown as it was submitted, or run anew and compared."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from proxy.commands.log.asking import reading
from proxy.commands.log.text import coloured
from proxy.commands.options import refuse, run, settings
from proxy.repair.view.shown import all_shown, json_text, whole

if TYPE_CHECKING:
    from schemas.config import Config
    from schemas.report import Report

OTHER = 1
"""Exit status where the report is another one than on record."""


def resubmit(written: str, config: Path | None, *, live: bool, yes: bool, as_json: bool) -> None:
    """Show the submitted plan of a run; `live` runs it anew, with repair and the recorded seed, and compares."""
    from proxy.store.replay import as_then, plan_effects, submission, unfit_plan

    with reading(config) as reader:
        found = reader.run(reader.resolve(written, "run"))
    if fault := unfit_plan(found):
        refuse(fault)
    plan = submission(found)
    if not live:
        click.echo(json_text(plan, indent=2))
        click.echo("nothing was sent; --live runs it", err=True)
        return
    if not yes:
        _refuse_effects(plan_effects(found))
    known = as_then(settings(config, local=True, quiet=True).config, found)
    changing, report = run(_run_anew, known, plan, yes)
    _refuse_effects(changing)
    _compare(found, report.written(), as_json=as_json)


def _refuse_effects(named: list[str]) -> None:
    if named:
        refuse(f"{named[0]}; --yes runs the plan all the same")


async def _run_anew(config: Config, plan: Mapping[str, Any], yes: bool) -> tuple[list[str], Report | None]:
    """Run the plan as `mcp-mend run` does; without `yes` nothing, but what may change something by today's tools."""
    from proxy import app
    from proxy.calls.replay import changing
    from proxy.commands.run import terminal
    from proxy.repair.read.dialects import read_submission

    with terminal() as client:
        async with app.running(config) as proxy:
            submitted = read_submission(plan).plan
            named = [] if yes or submitted is None else await changing(proxy.fleet, proxy.config, submitted)
            return named, None if named else await proxy.calls.run_workflow(plan, client)


def _compare(recorded: Mapping[str, Any], now: Mapping[str, Any], *, as_json: bool) -> None:
    from proxy.store.diff import unified
    from proxy.store.replay import differing

    before = recorded["report"]
    keys = differing(before, now)
    if as_json:
        same = {"repair_id": recorded["repair_id"], "same": not keys, "differs": keys}
        click.echo(json_text({**same, "recorded": before, "now": now}))
    elif not keys:
        click.echo(f"the same report: {now['status']}, {len(now['repairs'])} repairs ({now['repair_id']})")
    for key in [] if as_json else keys:
        click.echo(whole(f"{key}:\n{coloured(unified(*all_shown([before.get(key), now.get(key)])))}"))
    if keys:
        sys.exit(OTHER)
