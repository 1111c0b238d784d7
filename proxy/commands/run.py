"""`mcp-mend run`: one plan from a file or standard input, run and repaired, its report printed."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.markup import escape

from proxy.commands.options import config_option, mode_option, refuse, refuse_nothing, settings
from proxy.commands.options import run as run_async
from proxy.repair.view.shown import all_shown, json_text, one_line, whole

if TYPE_CHECKING:
    from rich.status import Status

    from proxy.ports import Written
    from proxy.workflows.resume import Earlier
    from schemas.config import Config
    from schemas.report import Report

FAILED = 1
"""Exit status of a run that did not reach its output."""


class Terminal:
    """The person at the terminal as the client of one run: progress on stderr, no questions asked."""

    session = "terminal"
    lasts = structured = True

    def __init__(self, status: Status) -> None:
        self._status = status

    async def progress(self, done: float, total: float | None, message: str) -> None:
        """Show what is done now beside the spinner."""
        del done, total
        self._status.update(escape(one_line(message)))

    async def elicit(self, message: str, schema: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Nobody is asked."""

    async def sample(self, prompt: str, max_tokens: int) -> Written | None:
        """A terminal has no model."""


@click.command()
@click.argument("plan", required=False, type=click.Path(dir_okay=False, allow_dash=True, path_type=Path))
@config_option
@mode_option
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON (structuredContent).")
@click.option(
    "--resume", metavar="REPAIR_ID", help="Go on with an earlier run that was cut off; nothing is sent twice."
)
def run(plan: Path | None, config: Path | None, mode: str | None, *, as_json: bool, resume: str | None) -> None:
    """Run PLAN (a JSON file, or - for standard input), repair it where it fails, and print the report.

    Exit status 0: succeeded or repaired; 1: failed; 2: bad input.

    \b
    mcp-mend run plan.json
    mcp-mend run --resume last
    echo '{"steps": [{"tool": "get_current_time", "arguments": {"timezone": "UTC"}}]}' | mcp-mend run -
    """
    if (plan is None) == (resume is None):
        raise click.UsageError("give either PLAN or --resume REPAIR_ID")
    submitted = _read(plan) if plan is not None else None
    loaded = settings(config, mode=mode, local=True, quiet=True)
    refuse_nothing(loaded)
    before = _earlier(resume, loaded.config) if resume is not None else None
    [report] = run_async(carry_out, loaded.config, [submitted], before)
    show(report, submitted if submitted is not None else report.plan, as_json=as_json)


def _earlier(written: str, config: Config) -> Earlier:
    from proxy.store.sql import place_of
    from proxy.workflows.resume import CannotResumeError, earlier

    try:
        return earlier(written, place_of(config.store))
    except CannotResumeError as error:
        refuse(str(error))


def _read(path: Path) -> Any:
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "is not UTF-8 text"
        refuse(f"{path}: {why}; PLAN is a JSON file, or - for standard input")
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        refuse(f"{path}:{error.lineno}: not JSON: {error.msg}; a plan is an object with steps")
    except RecursionError:
        refuse(f"{path}: nested too deep; a plan is an object with steps")


async def carry_out(config: Config, plans: Sequence[Any], before: Earlier | None = None) -> list[Report]:
    """Start the upstreams, run submissions one after another with a spinner on a terminal, end everything."""
    from rich.console import Console

    from proxy import app

    with Console(stderr=True).status("starting the servers") as status:
        async with app.running(config) as proxy:
            return [await proxy.calls.run_workflow(plan, Terminal(status), before) for plan in plans]


def show(report: Report, submitted: Any, *, as_json: bool) -> None:
    """Print a report and exit with its status."""
    click.echo(json_text(report.written(), indent=2) if as_json else in_words(report, submitted))
    bad = report.search.stop.startswith("The plan could not")
    sys.exit(2 if bad else FAILED if report.status == "failed" else 0)


def in_words(report: Report, submitted: Any) -> str:
    """A report for the terminal, nothing of foreign texts in it that acts there."""
    from proxy.commands.report import told

    return whole(told(type(report).model_validate(all_shown(report.model_dump())), all_shown(submitted)))
