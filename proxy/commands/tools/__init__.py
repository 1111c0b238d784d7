"""`mcp-mend tools`: the tools of every server, from the shell."""

from __future__ import annotations

import click

from proxy.commands.nearest import Group
from proxy.commands.tools.calling import call_tool
from proxy.commands.tools.listing import list_tools


@click.group(cls=Group)
def tools() -> None:
    """List the tools of every server, and call one, with repair, as a client would.

    \b
    mcp-mend tools list --server time
    mcp-mend tools call get_current_time timezone=UTC
    """


for command in (list_tools, call_tool):
    tools.add_command(command)
