"""`mcp-mend token`: bearer tokens of the HTTP endpoints, each with what it may reach."""

from __future__ import annotations

import re
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from proxy.commands.nearest import Choice, Group, remedy
from proxy.commands.options import config_option, refuse, settings
from proxy.repair.view.shown import json_text, one_line
from schemas.catalog import Effect

if TYPE_CHECKING:
    from proxy.store.sql import Connection
    from schemas.access import Grants

HEADS = ("NAME", "MADE", "EXPIRES", "SERVERS", "TOOLS", "EFFECTS", "LIMITS")

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_DAYS = {"h": 1 / 24, "d": 1, "w": 7}

json_option = click.option("--json", "as_json", is_flag=True, help="JSON instead of text.")


class Rate(click.ParamType[int]):
    """So many a minute."""

    name = "N/min"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number."""
        found = re.fullmatch(r"([1-9]\d{0,5})/min", str(value).strip())
        if found is None:
            self.fail(f"write 60/min, not {value!r}", param, ctx)
        return int(found[1])


class Lifetime(click.ParamType[float]):
    """How long: hours, days or weeks."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Days."""
        found = re.fullmatch(r"([1-9]\d{0,4})([hdw])", str(value).strip())
        if found is None:
            self.fail(f"write 12h, 30d or 8w, not {value!r}", param, ctx)
        return int(found[1]) * _DAYS[found[2]]


@click.group(cls=Group)
def token() -> None:
    """Make, list and revoke bearer tokens of the HTTP endpoints, one for each of those who share them.

    A client that comes with one is a tenant: it sees and calls what its token was made for, and nothing else. The
    configuration's `http.token` is no tenant: it may do everything. Running proxies follow within seconds.

    \b
    mcp-mend token create ci --upstream wiki --effect read
    """


@token.command()
@click.argument("name")
@click.option("--upstream", "upstreams", multiple=True, metavar="PATTERN", help="Only these servers; may be repeated.")
@click.option(
    "--tool", "tools", multiple=True, metavar="PATTERN",
    help="Only these tools, named as their server does or as server__tool; may be repeated.",
)  # fmt: skip
@click.option(
    "--effect", "effects", multiple=True, type=Choice([each.value for each in Effect]),
    help="Only tools of this effect class (`mcp-mend effects` shows them); may be repeated.",
)  # fmt: skip
@click.option("--rate", type=Rate(), help="At most so many calls a minute, those of repairs included.")
@click.option("--concurrent", type=click.IntRange(1), metavar="N", help="At most so many calls at once.")
@click.option("--expires", type=Lifetime(), help="For so long: 12h, 30d, 8w. Without it, until it is revoked.")
@config_option
@json_option
def create(
    name: str, upstreams: tuple[str, ...], tools: tuple[str, ...], effects: tuple[str, ...], rate: int | None,
    concurrent: int | None, expires: float | None, config: Path | None, *, as_json: bool,
) -> None:  # fmt: skip
    """Make a token for NAME and print it, once: only its digest is kept.

    \b
    mcp-mend token create ci --upstream wiki --upstream 'time*' --effect read --rate 60/min --expires 30d
    mcp-mend token create alice --tool 'tickets__*' --concurrent 4
    """
    from proxy.access import book
    from schemas.access import Grants

    if not _NAME.fullmatch(name):
        raise click.BadParameter(f"write letters, digits, . _ or -, at most 64, not {name!r}", param_hint="NAME")
    given = {"upstreams": upstreams, "tools": tools, "effects": effects, "rate": rate, "concurrent": concurrent}
    grants = Grants.model_validate({key: value for key, value in given.items() if value})
    until = None if expires is None else time.time() + expires * 86_400
    with _store(config, upstreams) as connection:
        try:
            made = book.create(connection, name, grants, until)
        except book.TakenError:
            refuse(f"there is a token {name} already; `mcp-mend token revoke {name}` ends it, or choose another name")
    if as_json:
        click.echo(json_text({"name": name, "token": made, "expires": until, "grants": grants.model_dump(mode="json")}))
        return
    if not settings(config, local=True, quiet=True).config.http.token:
        click.echo("http.token is not set: from now on nobody comes in over HTTP without such a token", err=True)
    click.echo(f"{name} may use: {_told(grants)}. Keep this token now, it is not shown again:", err=True)
    click.echo(made)


@token.command("list")
@config_option
@json_option
def list_tokens(config: Path | None, *, as_json: bool) -> None:
    """List the tokens that were made: whose they are and what they may reach, never the tokens themselves.

    \b
    mcp-mend token list
    """
    from proxy.access import book
    from proxy.commands.log.text import clock, table

    with _store(config) as connection:
        found = book.tokens(connection)
    if as_json:
        for each in found:
            grants = each.grants.model_dump(mode="json") if each.grants is not None else None
            told = {"name": each.name, "made": each.made, "expires": each.expires, "grants": grants}
            click.echo(json_text(told))
    elif found:
        rows = [(each.name, clock(each.made), _until(each.expires, clock), *_cells(each.grants)) for each in found]
        click.echo(table(rows, HEADS))
    else:
        click.echo("no token was made; `mcp-mend token create NAME` makes one", err=True)


@token.command()
@click.argument("name")
@config_option
def revoke(name: str, config: Path | None) -> None:
    """Let the token of NAME hold no longer; what it has under way ends within seconds.

    \b
    mcp-mend token revoke ci
    """
    from proxy.access import book

    with _store(config) as connection:
        if not book.revoke(connection, name):
            known = [each.name for each in book.tokens(connection)]
            refuse(f"there is no token {name!r}; {remedy(name, known) if known else 'none was made'}")
    click.echo(one_line(f"{name}: revoked"), err=True)


@contextmanager
def _store(config: Path | None, upstreams: Sequence[str] = ()) -> Generator[Connection]:
    """The store that the configuration names; one that cannot be used ends the program.

    Says which of the patterns of `upstreams` fit none that is configured.
    """
    from fnmatch import fnmatchcase

    from proxy.store.sql import StoreError, place_of

    loaded = settings(config, local=True, quiet=True).config
    for pattern in upstreams:
        if not any(fnmatchcase(name, pattern) for name in loaded.upstreams):
            told = remedy(pattern, loaded.upstreams) if loaded.upstreams else "none is"
            click.echo(one_line(f"no server that is configured is called {pattern}: {told}"), err=True)
    place = place_of(loaded.store)
    try:
        connection = place.open("state")
        try:
            yield connection
        finally:
            connection.close()
    except StoreError as error:
        refuse(f"the store {place.name} cannot be used: {error}; store.url names it, `mcp-mend doctor` checks it")


def _told(grants: Grants) -> str:
    servers, tools, effects, limits = _cells(grants)
    return f"servers {servers}, tools {tools}, effects {effects}, {limits or 'no limits'}"


def _cells(grants: Grants | None) -> tuple[str, str, str, str]:
    if grants is None:
        return "made by a newer mcp-mend", "", "", ""
    limits = [f"{grants.rate}/min"] if grants.rate else []
    limits += [f"{grants.concurrent} at once"] if grants.concurrent else []
    effects = ", ".join(each.value for each in grants.effects) or "all"
    return ", ".join(grants.upstreams), ", ".join(grants.tools), effects, ", ".join(limits)


def _until(expires: float | None, clock: Any) -> str:
    if expires is None:
        return "never"
    return f"{clock(expires)} (over)" if expires <= time.time() else clock(expires)
