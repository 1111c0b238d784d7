"""`mcp-mend doctor`: whether everything that the configuration names works, and what to do where it does not."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

import click

from proxy.commands.options import config_option, held_back, run, start_logging
from proxy.repair.view.shown import json_text

TROUBLE = 1
"""Exit status where something does not work."""


@click.command()
@config_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def doctor(config: Path | None, as_json: bool) -> None:
    """Check the configuration, the state folder, the journal, the planner and every server; say what to mend.

    Servers are asked all at once, the planner one question. Exit status 0: all that is on works; 1: something does not.

    \b
    mcp-mend doctor
    mcp-mend doctor --config ~/.config/Claude/claude_desktop_config.json --json
    """
    from proxy.commands.doctor import own, servers
    from proxy.commands.doctor.findings import Board
    from proxy.settings import ConfigError, load
    from proxy.store.sql import place_of
    from schemas.config import Config

    board = Board(live=not as_json)
    try:
        loaded = load(config, local=True)
    except ConfigError as error:
        board.put("configuration", own.broken(error))
        loaded = None
    with board.shown():
        if loaded is not None:
            board.put("configuration", own.configuration(loaded))
            start_logging(loaded.config, quiet=True)
        board.put("state folder", own.state())
        known = loaded.config if loaded is not None else Config()
        board.put("journal", own.journal(known.journal, place_of(known.store)))
        if loaded is not None:
            with held_back(loaded.config) as lines:
                run(servers.examine, loaded.config, board, lines)
    if as_json:
        for finding in board.findings:
            click.echo(json_text(asdict(finding)))
    sys.exit(TROUBLE if any(finding.ok is False for finding in board.findings) else 0)
