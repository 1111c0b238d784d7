"""`mcp-mend ui`: the page over the journal, beside any proxy that a client has started."""

from __future__ import annotations

import threading
import webbrowser
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from proxy.commands.options import config_option, refuse, run, settings


@click.command()
@config_option
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port on 127.0.0.1; left out: any free one.")
@click.option("--open/--no-open", "browser", default=True, help="Open it in the browser.")
def ui(config: Path | None, port: int, browser: bool) -> None:
    """Show calls, repairs, servers, tools and settings on a page, on this machine alone, until Ctrl-C.

    It reads the journal that every proxy of this state folder writes. `mcp-mend serve --http` has the same page at /ui,
    with the health of its servers.

    \b
    mcp-mend ui
    mcp-mend ui --port 8770 --no-open
    """
    loaded = settings(config, local=True, quiet=True)
    from proxy import app
    from proxy.commands.log.replay import send
    from proxy.ui.replaying import REMEDY

    async def again(calls: Sequence[Mapping[str, Any]], yes: bool) -> list[Mapping[str, Any]]:
        return await send(loaded.config, calls, yes, remedy=REMEDY)

    def started(address: str) -> None:
        click.echo(address)
        click.echo("Ctrl-C ends it", err=True)
        if browser:
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()

    source = app.Source(loaded.path, lambda: loaded.config)
    try:
        run(app.serve_page, loaded.config, port, started, source, again)
    except OSError as error:
        refuse(f"--port {port}: {error.strerror or error}")
