"""`mcp-mend doctor`: whether everything that the configuration names works."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import asdict, dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from proxy.commands.options import config_option, run, settings
from proxy.plain import json_text, one_line
from proxy.repair.view.shown import without_secrets

if TYPE_CHECKING:
    from proxy.app import Running
    from proxy.settings import Loaded
    from schemas.config import Config, Upstream

TROUBLE = 1
"""Exit status where something does not work."""


@dataclass(frozen=True)
class Finding:
    """What was found out about one thing; `ok` is None for what is switched off. `lines` say more, one each."""

    about: str
    ok: bool | None
    said: str
    lines: tuple[str, ...] = field(default=())


@click.command()
@config_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def doctor(config: Path | None, as_json: bool) -> None:
    """Check the configuration, the journal, the planner, and that every server starts and lists its tools.

    \b
    mcp-mend doctor --config ~/.config/Claude/claude_desktop_config.json
    """
    loaded = settings(config, local=True, quiet=True)
    findings = [_configuration(loaded), _journal(), _planner(loaded.config)]
    for finding in findings:
        _print(finding, as_json=as_json)
    findings += run(_upstreams, loaded.config, as_json)
    sys.exit(TROUBLE if any(finding.ok is False for finding in findings) else 0)


def _print(finding: Finding, *, as_json: bool) -> None:
    finding = replace(finding, said=without_secrets(finding.said), lines=tuple(map(without_secrets, finding.lines)))
    if as_json:
        click.echo(json_text(asdict(finding)))
        return
    mark = {True: click.style("ok  ", fg="green"), False: click.style("FAIL", fg="red"), None: "off "}[finding.ok]
    said = [one_line(f"{finding.about}: {finding.said}"), *(f"       {one_line(more)}" for more in finding.lines)]
    click.echo(f"{mark} " + "\n".join(said))


def _configuration(loaded: Loaded) -> Finding:
    from proxy.settings.find import config_folder

    ignored = (f"not used here: {', '.join(loaded.ignored)}",) if loaded.ignored else ()
    passed_over = tuple(f"passed over: {one}" for one in loaded.skipped)
    if loaded.path is None:
        return Finding("configuration", ok=True, said=f"none; it would be {config_folder() / 'proxy.toml'}")
    count = sum(one.enabled for one in loaded.config.upstreams.values())
    said = f"{loaded.path}, {count} servers, repair {loaded.config.repair.mode}"
    return Finding("configuration", ok=True, said=said, lines=(*passed_over, *ignored))


def _journal() -> Finding:
    import sqlite3

    from proxy.store import journal_path
    from proxy.store.database import Database, NewerError

    where = journal_path()
    try:
        database = Database(where, 0)
        size = database.size()
        database.close()
    except (sqlite3.Error, OSError, NewerError) as error:
        return Finding("journal", ok=False, said=f"{where} cannot be written: {error}")
    return Finding("journal", ok=True, said=f"{where}, {size / 1_048_576:.1f} MB")


def _planner(config: Config) -> Finding:
    planner = config.planner
    if planner.backend == "none":
        return Finding("planner", ok=None, said="switched off; repairs by rules only")
    if planner.backend == "client":
        said = "the client's own model, where a client offers sampling; with any other, repairs by rules only"
        return Finding("planner", ok=True, said=said)
    if planner.backend == "openai":
        given = bool(planner.base_url)
        return Finding("planner", ok=given, said=planner.base_url or "planner.base_url is empty; write its address")
    if find_spec("llama_cpp") is None:
        missing = "the library llama-cpp-python is not installed; repairs by rules only (the extra `planner` brings it)"
        return Finding("planner", ok=None if planner.backend == "auto" else False, said=missing)
    return Finding("planner", ok=True, said=f"local, model {planner.model or 'the embedded one'}")


async def _upstreams(config: Config, as_json: bool) -> list[Finding]:
    """Start every server at the same time and say of each what came of it, the quickest first."""
    import anyio

    from proxy import app

    findings: list[Finding] = []
    began = time.perf_counter()

    async def examine(running: Running, name: str) -> None:
        finding = await _upstream(running, name, began)
        findings.append(finding)
        _print(finding, as_json=as_json)

    async with app.running(config) as running, anyio.create_task_group() as tasks:
        for name, upstream in config.upstreams.items():
            if upstream.enabled:
                tasks.start_soon(examine, running, name)
            else:
                _print(Finding(name, ok=None, said="not enabled"), as_json=as_json)
    return findings


async def _upstream(running: Running, name: str, began: float) -> Finding:
    await running.fleet.ready(name)
    took = f"{time.perf_counter() - began:.1f} s"
    member: Any = running.fleet.member(name)
    connection = running.fleet.connection(name)
    if connection is None:
        return Finding(name, ok=False, said=f"{member.reason} ({took})", lines=tuple(member.stderr[-5:]))
    tools = running.fleet.catalog.of(name)
    said = f"{len(tools)} tools, protocol {connection.version}, ready in {took}"
    return Finding(name, ok=True, said=said, lines=_kept_from(member.config))


def _kept_from(config: Upstream) -> tuple[str, ...]:
    """Which of our variables a server on stdio does not get, in a line."""
    from proxy.upstreams.environment import withheld

    names = withheld(config, os.environ) if config.command is not None else []
    if not config.inherit_env:
        return (f"environment: PATH, home, user, locale and proxies; {len(names)} variables are kept from it",)
    return (f"environment: all but {', '.join(names)}",) if names else ()
