"""What several commands share: their options, reading the configuration, and running until the end or Ctrl-C."""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, cast

import click

from proxy.repair.view.shown import one_line, without_secrets

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

    try:
        loaded = load(named, mode=mode, local=local, upstreams=upstreams)
    except ConfigError as error:
        refuse(str(error))
    start_logging(loaded.config, quiet=quiet)
    _report(loaded)
    return loaded


def start_logging(config: Config, *, quiet: bool = False) -> None:
    """Log as a configuration says; a file that cannot be opened ends the program."""
    from proxy.store import configure, redaction_of

    log = config.log
    if quiet and not log.file and log.level == "info":
        log = log.model_copy(update={"level": "warning"})
    try:
        configure(log, redaction_of(config))
    except OSError as error:
        refuse(f"log.file: {log.file} cannot be opened: {error.strerror}")


@contextmanager
def held_back(config: Config) -> Generator[list[Mapping[str, Any]]]:
    """Keep log lines off stderr within the block, for a command that says everything itself; gives them as they come.

    A log file gets its lines as ever.
    """
    import logging

    lines: list[Mapping[str, Any]] = []

    class Holding(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said: Any = record.msg
            if isinstance(said, dict):
                lines.append(cast("dict[str, Any]", said))

    root = logging.getLogger()
    former = root.handlers[:]
    root.handlers[:] = [Holding(), *(former if config.log.file else ())]
    try:
        yield lines
    finally:
        root.handlers[:] = former


def nothing(loaded: Loaded) -> bool:
    """Whether no server is configured, or none that is switched on."""
    return not any(upstream.enabled for upstream in loaded.config.upstreams.values())


def refuse_nothing(loaded: Loaded) -> None:
    """End a command that needs a server where none is configured, with what to do next."""
    if nothing(loaded):
        refuse(no_servers(loaded))


def no_servers(loaded: Loaded) -> str:
    """The next steps of somebody who has configured nothing, a line each."""
    from proxy.settings.find import config_folder

    where = f"{loaded.path} names none" if loaded.path else f"there is no {config_folder() / 'proxy.toml'}"
    return (
        f"no server is configured: {where}\n"
        "mcp-mend import CLIENT takes over the servers that a client such as claude-desktop, cursor or vscode has\n"
        "mcp-mend install CLIENT puts mcp-mend in front of them in the client itself\n"
        "mcp-mend demo shows it at work without either"
    )


def wrapping(config: Config, **wanted: Any) -> Config:
    """The configuration with the one upstream that the command line names; a bad one ends the program."""
    from proxy import settings

    try:
        return settings.wrapping(config, **wanted, env=os.environ)
    except settings.ConfigError as error:
        refuse(str(error))


def only(config: Config, servers: Sequence[str]) -> Config:
    """The configuration with these servers alone, all where none is named; an unknown one ends the program."""
    from proxy.commands.pause import refuse_strangers

    if not servers:
        return config
    refuse_strangers(servers, config.upstreams)
    return config.model_copy(update={"upstreams": {name: config.upstreams[name] for name in servers}})


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
