"""`mcp-mend serve`: every configured upstream as one server."""

from __future__ import annotations

import errno
import sys
from pathlib import Path

import click

from proxy.commands.options import config_option, mode_option, nothing, refuse, refuse_nothing, run, settings


@click.command()
@config_option
@click.option("--http", metavar="HOST:PORT", help="Serve Streamable HTTP at /mcp instead of stdio.")
@click.option(
    "--workers", type=click.IntRange(1, 64), default=1, help="Processes that share --http; each starts its own servers."
)
@mode_option
def serve(config: Path | None, http: str | None, workers: int, mode: str | None) -> None:
    """Serve every configured server as one, on stdio or HTTP.

    \b
    mcp-mend serve --config ~/.config/Claude/claude_desktop_config.json
    mcp-mend serve --http 127.0.0.1:8765
    mcp-mend serve --http 127.0.0.1:8765 --workers 4
    """
    address = _address(http) if http else None
    loaded = settings(config, mode=mode)
    if workers > 1 and http is None:
        refuse(
            "--workers shares an address: give --http HOST:PORT too (stdio has one client, which one process serves)"
        )
    if workers > 1 and loaded.config.replicas.address:
        refuse("--workers and replicas.address exclude each other; start each worker as a replica of its own")
    if address is None and sys.stdin.isatty():
        refuse_nothing(loaded)
        click.echo("mcp-mend speaks MCP on stdin and stdout: a client starts it. See mcp-mend --help.", err=True)
    elif nothing(loaded):
        _warn()
    from proxy import app
    from proxy.settings import load

    source = app.Source(loaded.path, lambda: load(config, mode=mode).config) if loaded.path is not None else None
    if address is None:
        run(app.serve_stdio, loaded.config, source)
    else:
        try:
            if workers > 1:
                run(app.serve_workers, loaded.config, *address, workers, _again(loaded.path, http, mode))
            else:
                run(app.serve_http, loaded.config, *address, source)
        except OSError as error:
            taken = "; another program listens there: end it, or choose another port"
            refuse(f"--http {http}: {error.strerror or error}{taken if error.errno == errno.EADDRINUSE else ''}")


def _again(config: Path | None, http: str | None, mode: str | None) -> list[str]:
    """The arguments of one worker."""
    given = {"--config": config and str(config), "--http": http, "--mode": mode}
    return [word for option, value in given.items() if value for word in (option, value)]


def _warn() -> None:
    import structlog

    told = "no server is configured: mcp-mend import CLIENT or mcp-mend install CLIENT changes that"
    structlog.get_logger("proxy.settings").warning(told)


def _address(written: str) -> tuple[str, int]:
    """Read HOST:PORT; `:8765` and `8765` mean loopback, `[::1]:8765` is IPv6."""
    host, _, port = written.rpartition(":")
    if not port.isdecimal() or int(port) > 65535:
        raise click.BadParameter(f"write HOST:PORT, for example 127.0.0.1:8765, not {written!r}", param_hint="--http")
    return host.strip("[]") or "127.0.0.1", int(port)
