"""A group of commands that names the nearest one where a name is mistyped. Imports next to nothing."""

from __future__ import annotations

import difflib

import click


class Group(click.Group):
    """A group whose refusal of an unknown command names those that are spelled like it."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is named first."""
        name = args[0]
        if self.get_command(ctx, name) is None and not ctx.resilient_parsing and not name.startswith("-"):
            near = difflib.get_close_matches(name, self.list_commands(ctx), n=3, cutoff=0.5)
            remedy = (
                f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(self.list_commands(ctx))}"
            )
            ctx.fail(f"No such command {name!r}; {remedy}")
        return super().resolve_command(ctx, args)
