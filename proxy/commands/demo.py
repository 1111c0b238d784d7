"""`mcp-mend demo`: the main job on real servers, in one command."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from proxy.commands.options import config_option, settings
from proxy.commands.options import run as run_async
from proxy.commands.run import FAILED, carry_out, in_words
from proxy.repair.view.shown import json_text
from schemas.config import Config, Upstream

UPSTREAMS = {
    "unit-converter": Upstream(
        command="uvx", args=["--from", "unit-converter-mcp==0.1.2", "--with", "mcp<2", "unit-converter-mcp"]
    ),
    "time": Upstream(
        command="uvx", args=["--from", "mcp-server-time==2026.10.19", "mcp-server-time", "--local-timezone", "UTC"]
    ),
}
"""The same as in the root's `proxy.toml`, which an installed program has not beside it."""

PLAN: dict[str, Any] = {
    "goal": "180 pounds in kilograms, and how far Kolkata's clocks are from Tokyo's at 09:30.",
    "steps": [
        {
            "id": "weight",
            "tool": "mass_converter",
            "arguments": {"value": "180", "from_unit": "pounds", "to_unit": "kilogram"},
        },
        {"id": "clock", "tool": "get_current_time", "arguments": {"time_zone": "Asia/Tokyo"}},
        {
            "id": "shift",
            "server": "time",
            "tool": "convert_time",
            "arguments": {
                "source_timezone": {"$ref": "clock", "path": "zone.name"},
                "time": "09:30",
                "target_timezone": "Asia/Kolkata",
            },
        },
    ],
    "output": "{{weight.converted_value}} kg; from Tokyo to Kolkata: {{shift.time_difference}}",
}
"""Four faults of four kinds: a tool that does not exist, a number as text, a misnamed argument, a wrong path."""

OPEN: dict[str, Any] = {
    "goal": "How many megabytes are 5 gigabytes?",
    "steps": [
        {"id": "size", "server": "unit-converter", "tool": "convert_computer_data", "arguments": {"value": 5}},
    ],
    "output": "{{size.converted_value}} megabytes",
}
"""Both units are missing and the goal names two: no rule can tell which is which, and the planner can."""

WITHOUT = """\
The rules left this open: two units are missing, and only the sense of the goal tells which is which. The local planner
decides such things. A checkout has it (uv run mcp-mend demo); elsewhere: pip install 'mcp-mend[planner,models]', then
mcp-mend model pull qwen3-1.7b, and mcp-mend doctor says whether it answers."""


@click.command()
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print the two reports as JSON (structuredContent), one a line.")
def demo(config: Path | None, *, as_json: bool) -> None:
    """Watch two broken plans being repaired on two real servers (Unit Converter and Time, fetched from PyPI by uvx).

    The first is mended by rules, the second needs the planner; without one it stays open, and that is said. Exit status
    1: a plan failed that should not have.

    \b
    mcp-mend demo
    mcp-mend demo --json
    """
    loaded = settings(config, local=True, quiet=True)
    if not as_json:
        click.echo(
            click.style("starting the Unit Converter and Time servers (uvx fetches them the first time) …", dim=True),
            err=True,
        )
    reports = run_async(carry_out, for_demo(loaded.config), [PLAN, OPEN])
    for number, (report, plan) in enumerate(zip(reports, (PLAN, OPEN), strict=True), 1):
        if as_json:
            click.echo(json_text(report.written()))
            continue
        click.echo(click.style(f"\n{number}. {plan['goal']}\n", bold=True))
        click.echo(in_words(report, plan))
    by_rules, by_planner = reports
    unasked = by_planner.search.planner_calls == 0
    if unasked and not as_json:
        click.echo("\n" + WITHOUT)
    failed = by_rules.status == "failed" or (by_planner.status == "failed" and not unasked)
    sys.exit(FAILED if failed else 0)


def for_demo(config: Config) -> Config:
    """The configuration with the demo's servers, its own entries of these names first; other servers stay out."""
    return config.model_copy(
        update={"upstreams": {name: config.upstreams.get(name, given) for name, given in UPSTREAMS.items()}}
    )
