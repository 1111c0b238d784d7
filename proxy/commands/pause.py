"""`mcp-mend pause` and `resume`: a switch per server that every running proxy of this state folder or store follows."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from proxy.commands.options import config_option, refuse
from proxy.repair.view.shown import one_line

if TYPE_CHECKING:
    from proxy.store.decisions import StoredDecisions


@click.command()
@click.argument("names", metavar="[NAME]...", nargs=-1)
@config_option
def pause(names: tuple[str, ...], config: Path | None) -> None:
    """Forward a server's calls untouched from now on, as if repair were off for it; without NAME, list what is paused.

    Running proxies follow within about a second, and it holds until `mcp-mend resume NAME`. A server that is wrapped
    has the name that `wrap --name` gives it, else that of its program.

    \b
    mcp-mend pause github
    mcp-mend pause
    """
    kept = _shared(config)
    before = _paused(kept)
    if not names:
        click.echo("\n".join(map(one_line, before)) if before else "no server is paused")
        return
    refuse_strangers(names, _known(config) | set(before))
    _switch(names, kept, on=True)
    click.echo(one_line(f"paused: {', '.join(names)}; mcp-mend resume {' '.join(names)} repairs again"), err=True)


@click.command()
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@config_option
def resume(names: tuple[str, ...], config: Path | None) -> None:
    """Repair the calls of a paused server again.

    \b
    mcp-mend resume github
    """
    kept = _shared(config)
    before = _paused(kept)
    refuse_strangers(names, set(before), "is not paused")
    _switch(names, kept, on=False)
    click.echo(one_line(f"no longer paused: {', '.join(names)}"), err=True)


def _shared(config: Path | None) -> StoredDecisions | None:
    """Where replicas keep the switches; this machine's files where no readable configuration names a store."""
    from proxy.settings import ConfigError, load
    from proxy.store.decisions import shared
    from proxy.store.sql import place_of

    try:
        return shared(place_of(load(config).config.store))
    except ConfigError:
        return None


def _paused(kept: StoredDecisions | None) -> tuple[str, ...]:
    from proxy.settings.state import paused_place, read_paused

    try:
        return read_paused(kept)
    except (OSError, ValueError) as error:
        refuse(f"{paused_place(kept)}: cannot be read, so every server is paused: {error}; mend or remove it")


def _switch(names: tuple[str, ...], kept: StoredDecisions | None, *, on: bool) -> None:
    from proxy.settings import state

    try:
        state.pause(names, on=on, shared=kept)
    except (OSError, ValueError) as error:
        refuse(f"{state.paused_place(kept)}: cannot be changed: {error}")


def _known(config: Path | None) -> set[str]:
    """Names of the configuration, and of every server that was connected before: those that clients wrap.

    A configuration that cannot be read must not stand between a person and the switch.
    """
    from catalog_cache.home import state_folder
    from proxy.settings import ConfigError, load

    names: set[str] = set()
    try:
        names |= set(load(config, local=True).config.upstreams)
    except ConfigError as error:
        click.echo("\n".join(f"mcp-mend: {one_line(fault)}" for fault in error.faults), err=True)
    for snapshot in (state_folder() / "catalog").glob("*.json"):
        try:
            names.add(str(json.loads(snapshot.read_text(encoding="utf-8"))["server"]))
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            continue
    return names


def refuse_strangers(names: Iterable[str], known: Iterable[str], why: str = "is no server that is known here") -> None:
    """Refuse names that are not among the known ones, with the nearest of these."""
    from rapidfuzz import process
    from rapidfuzz.distance import JaroWinkler

    ranked = list(known)
    faults: list[str] = []
    for name in names:
        if name not in ranked:
            near = [str(hit[0]) for hit in process.extract(name, ranked, scorer=JaroWinkler.similarity, limit=3)]
            faults.append(f"{name!r} {why}" + (f"; nearest: {', '.join(near)}" if near else "; there is none"))
    if faults:
        refuse("\n".join(faults))
