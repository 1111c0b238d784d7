"""The command line: which commands there are; each is imported only when it is used.

Knows nothing of what the commands do, so that `--help` answers at once.
"""

from __future__ import annotations

import importlib
from importlib.metadata import version
from typing import Any

import click

from proxy.commands.nearest import Group

COMMANDS = {
    "serve": ("proxy.commands.serve:serve", "Serve every configured server as one, on stdio or HTTP (the default)."),
    "wrap": ("proxy.commands.wrap:wrap", "Stand in front of one server, its tools unchanged."),
    "run": ("proxy.commands.run:run", "Run one plan from a file, repair it where it fails, print the report."),
    "demo": ("proxy.commands.demo:demo", "Watch a broken plan being repaired on real servers."),
    "effects": ("proxy.commands.effects:effects", "Show what each tool may do, and decide it where nothing says so."),
    "pause": ("proxy.commands.pause:pause", "Forward a server untouched at once, in every running proxy."),
    "resume": ("proxy.commands.pause:resume", "Repair its calls again."),
    "log": ("proxy.commands.log:log", "Look into the journal: list, show, diff, watch, replay, export, stats."),
    "audit": ("proxy.commands.audit:audit", "Read past transcripts: what failed, what would have been repaired."),
    "ui": ("proxy.commands.ui:ui", "Look at calls and repairs on a page in the browser."),
    "install": ("proxy.commands.clients.install:install", "Put mcp-mend into an MCP client's configuration."),
    "uninstall": ("proxy.commands.clients.install:uninstall", "Take it out again."),
    "clients": ("proxy.commands.clients.listing:clients", "List the MCP clients that are here and what is wrapped."),
    "import": ("proxy.commands.clients.imports:import_servers", "Take over a client's servers into your own file."),
    "login": ("proxy.commands.login:login", "Log in to a remote server that wants it, in the browser."),
    "logout": ("proxy.commands.login:logout", "Forget a login."),
    "token": ("proxy.commands.token:token", "Make, list and revoke bearer tokens of the HTTP endpoints."),
    "model": ("proxy.commands.model:model", "List, fetch and find the planner's models."),
    "tools": ("proxy.commands.tools:tools", "List the tools of every server, and call one."),
    "doctor": ("proxy.commands.doctor:doctor", "Check every server, the planner and the rest; say what to mend."),
}
"""Name to where the command is and what `--help` says of it."""

_OWN_OPTIONS = {"--help", "-h", "--version"}


class Commands(Group):
    """A group that imports a command when it is asked for, and serves when none is named."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        return getattr(importlib.import_module(module), attribute)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Options without a command belong to `serve`."""
        if not args or (args[0].startswith("-") and args[0] not in _OWN_OPTIONS):
            args = ["serve", *args]
        return super().parse_args(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table, importing none."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, short) for name, (_, short) in COMMANDS.items()])


def _version(ctx: click.Context, _: click.Parameter, asked: Any) -> None:
    if asked and not ctx.resilient_parsing:
        click.echo(f"mcp-mend {version('mcp-mend')}")
        ctx.exit()


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--version", is_flag=True, expose_value=False, is_eager=True, callback=_version, help="Show the version.")
def main() -> None:
    """An MCP proxy that forwards everything untouched and repairs tool calls and workflow plans that fail.

    Without a command it serves on stdio, as a client starts it; `mcp-mend install CLIENT` writes how.
    """


if __name__ == "__main__":
    main(prog_name="mcp-mend")
