"""Options shared by the `log` commands, and opening the journal to read it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from proxy.commands.options import refuse

if TYPE_CHECKING:
    from proxy.store.reader import Reader

_SPAN = re.compile(r"^(\d+(?:\.\d+)?)\s*(s|m|h|d|w)$")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}

json_option = click.option("--json", "as_json", is_flag=True, help="JSON instead of text; lists as one object a line.")


class Since(click.ParamType[float]):
    """A point in time: `30m`, `2h`, `3d` ago, or a date and time."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Seconds since the epoch."""
        if isinstance(value, int | float):
            return float(value)
        if span := _SPAN.match(value.strip()):
            return time.time() - float(span[1]) * _SECONDS[span[2]]
        try:
            return datetime.fromisoformat(value.strip()).timestamp()
        except ValueError:
            self.fail(f"write 30m, 2h, 3d or 2026-01-31T12:00, not {value!r}", param, ctx)


_FILTERS = (
    click.option("--server", help="Only this server; * stands for anything."),
    click.option("--tool", help="Only this tool; * stands for anything."),
    click.option("--status", help="Only this outcome: ok, refused, failed, unknown ..., repaired, suggested."),
    click.option("--since", type=Since(), help="Only from then on: 30m, 2h, 3d, or a date and time."),
    click.option("--tenant", help="Only calls of this tenant, named as `mcp-mend token list` does."),
    click.option("--session", help="Only this client session; its beginning is enough."),
    click.option("-q", "--query", "text", help="Only entries that hold this text."),
    click.option("--kind", type=click.Choice(["call", "repair", "workflow"]), help="Only entries of this kind."),
)


def filters(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the filter options; the command takes them as keywords for `Filter`."""
    for option in reversed(_FILTERS):
        command = option(command)
    return command


@contextmanager
def reading() -> Generator[Reader]:
    """Open the journal; where there is none, or an id fits nothing, say so and exit."""
    from proxy.store import journal_path
    from proxy.store.reader import NoEntryError, open_reader

    try:
        with open_reader(journal_path()) as reader:
            yield reader
    except FileNotFoundError:
        refuse(f"there is no journal at {journal_path()} yet: nothing has been served or run")
    except NoEntryError as error:
        refuse(str(error))
