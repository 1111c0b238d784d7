"""What several commands share: their options, reading the configuration, and running until the end or Ctrl-C."""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from proxy.plain import one_line
from proxy.repair.view.shown import without_secrets

if TYPE_CHECKING:
    from proxy.settings import Loaded
    from schemas.config import Config

config_option = click.option(
    "--config",
    "-c",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Configuration: TOML, or any client's JSON as it is.  [env: MCP_MEND_CONFIG]",
)
mode_option = click.option(
    "--mode",
    type=click.Choice(["auto", "suggest", "off"]),
    help="Overrides repair.mode; off is pure forwarding.  [env: MCP_MEND_MODE]",
)

BAD_INPUT = 2
"""Exit status for input that a person has to mend."""


def refuse(message: str, status: int = BAD_INPUT) -> NoReturn:
    """Say on stderr what is wrong, one line per fault, and exit."""
    for fault in message.splitlines():
        click.echo(f"mcp-mend: {one_line(without_secrets(fault))}", err=True)
    sys.exit(status)


def settings(
    named: Path | None, *, mode: str | None = None, local: bool = False, upstreams: bool = True, quiet: bool = False
) -> Loaded:
    """Load the configuration and start logging as it says; a broken one ends the program with its faults.

    `quiet` is for commands whose output a person reads: on stderr only warnings then, a log file gets every line.
    """
    from proxy.settings import ConfigError, load
    from proxy.store import configure, redaction_of

    try:
        loaded = load(named, mode=mode, local=local, upstreams=upstreams)
    except ConfigError as error:
        refuse(str(error))
    log = loaded.config.log
    if quiet and not log.file and log.level == "info":
        log = log.model_copy(update={"level": "warning"})
    try:
        configure(log, redaction_of(loaded.config))
    except OSError as error:
        refuse(f"log.file: {log.file} cannot be opened: {error.strerror}")
    _report(loaded)
    return loaded


def wrapping(config: Config, **wanted: Any) -> Config:
    """The configuration with the one upstream that the command line names; a bad one ends the program."""
    from proxy import settings

    try:
        return settings.wrapping(config, **wanted, env=os.environ)
    except settings.ConfigError as error:
        refuse(str(error))


def _report(loaded: Loaded) -> None:
    import structlog

    logger = structlog.get_logger("proxy.settings")
    logger.debug("configuration", file=str(loaded.path) if loaded.path else None, ignored=list(loaded.ignored))
    if loaded.skipped:
        logger.warning("entries passed over", file=str(loaded.path), entries=list(loaded.skipped))


def run(function: Callable[..., Awaitable[Any]], *args: Any) -> Any:
    """Run an async function to its end; Ctrl-C ends it quietly with status 130."""
    import anyio

    try:
        return anyio.run(function, *args)
    except KeyboardInterrupt:
        sys.exit(130)
