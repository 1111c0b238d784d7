"""Names that were mistyped on the command line are answered with those nearest to them. Imports next to nothing."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

import click


def remedy(name: str, known: Iterable[str]) -> str:
    """What to say of an unknown name: those that are spelled like it, else all there are."""
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(known)}"


class Choice(click.Choice[str]):
    """One of several names, whose refusal names those that are spelled like what was given."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name that was given, where there is one."""
        if str(value) not in self.choices:
            self.fail(f"{value!r} is not known; {remedy(str(value), self.choices)}", param, ctx)
        return super().convert(value, param, ctx)


class Group(click.Group):
    """A group whose refusal of an unknown command names those that are spelled like it."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is named first."""
        name = args[0]
        if self.get_command(ctx, name) is None and not ctx.resilient_parsing and not name.startswith("-"):
            ctx.fail(f"No such command {name!r}; {remedy(name, self.list_commands(ctx))}")
        return super().resolve_command(ctx, args)
