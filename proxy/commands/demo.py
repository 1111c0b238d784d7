"""`mcp-mend demo`: the main job on real servers, in one command."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from proxy.commands.options import config_option, settings
from proxy.commands.options import run as run_async
from proxy.commands.run import carry_out, show
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


@click.command()
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON (structuredContent).")
def demo(config: Path | None, *, as_json: bool) -> None:
    """Watch a broken plan being repaired on two real servers (Unit Converter and Time, fetched from PyPI by uvx).

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
    report = run_async(carry_out, for_demo(loaded.config), PLAN)
    show(report, PLAN, as_json=as_json)


def for_demo(config: Config) -> Config:
    """The configuration with the demo's servers, its own entries of these names first; other servers stay out."""
    return config.model_copy(
        update={"upstreams": {name: config.upstreams.get(name, given) for name, given in UPSTREAMS.items()}}
    )
