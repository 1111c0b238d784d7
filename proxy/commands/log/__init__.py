"""`mcp-mend log`: look into the journal."""

from __future__ import annotations

import click

from proxy.commands.log.keep import export, path, prune
from proxy.commands.log.listing import list_entries, watch
from proxy.commands.log.one import diff, show
from proxy.commands.log.replay import replay
from proxy.commands.log.stats import stats
from proxy.commands.nearest import Group


@click.group(cls=Group)
def log() -> None:
    """Look into the journal of calls, repairs and runs.

    \b
    mcp-mend log list --status refused --since 2h
    mcp-mend log diff last
    datasette "$(mcp-mend log path)"

    An id may be shortened to a beginning or an end that no other has; `last` is the newest.
    """


for command in (list_entries, show, diff, watch, replay, export, stats, path, prune):
    log.add_command(command)
