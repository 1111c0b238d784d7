"""Options shared by the `log` commands, and opening the journal that the configuration names to read it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from proxy.commands.options import refuse, settings

if TYPE_CHECKING:
    from proxy.store.reader import Reader
    from proxy.store.sql import Place
    from schemas.config import Config

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


def named(config: Path | None) -> Config:
    """The configuration without its servers, which no journal needs; none at all is the settings that all have."""
    return settings(config, local=True, quiet=True, upstreams=False).config


@contextmanager
def reading(config: Path | None) -> Generator[Reader]:
    """Open the journal that a configuration names; where there is none, or an id fits nothing, say so and exit."""
    from proxy.store.sql import place_of

    with reading_at(place_of(named(config).store)) as reader:
        yield reader


@contextmanager
def reading_at(place: Place) -> Generator[Reader]:
    """Open the journal of a place, as `reading` does."""
    from proxy.store.reader import NoEntryError, open_reader
    from proxy.store.sql import StoreError

    try:
        with open_reader(place) as reader:
            yield reader
    except FileNotFoundError:
        refuse(f"there is no journal at {place.named('journal')} yet: nothing has been served or run")
    except NoEntryError as error:
        refuse(str(error))
    except StoreError as error:
        refuse(f"{place.named('journal')}: {error}")
