"""Start what was written into a client's file once, and say of each entry how many tools it has or why it has none."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from proxy.commands.options import run
from proxy.repair.view.shown import one_line, without_secrets
from schemas.catalog import as_object

if TYPE_CHECKING:
    from proxy.settings.jsonc import Path as KeyPath
    from proxy.settings.shapes import Place
    from schemas.config import Config

_ENVIRONMENTS = ("env", "environment", "envs")
_WORDS = 5
"""Lines of a server's own words that are shown; log lines of ours are none."""


def start(path: Path, text: str, keys: Sequence[KeyPath], names: Collection[str]) -> None:
    """Start these entries of a file all at once; nothing of it ends the command."""
    from proxy.settings.documents import document
    from proxy.settings.shapes import places

    written = [place for place in places(document(path.name, text), keys) if place.name in names and place.line]
    with TemporaryDirectory() as empty:
        config, told = _config(written, empty)
        for line in told:
            click.echo(one_line(line), err=True)
        if config.upstreams:
            run(_start, config, [place.name for place in written])


def _config(written: Sequence[Place], empty: str) -> tuple[Config, list[str]]:
    """What to start, each entry by its number, and what is to be said of the others.

    In front of one local server mcp-mend keeps its state in an empty folder: a list of tools that it remembers would
    hide that the server does not start.
    """
    from proxy.settings.expand import Expansion
    from proxy.settings.selfcall import ours
    from schemas.config import Config, Log, Upstream

    found: dict[str, Upstream] = {}
    told: list[str] = []
    for number, place in enumerate(written):
        line = place.line or []
        env = next(filter(None, (as_object(place.entry.get(key)) for key in _ENVIRONMENTS)), None) or {}
        us = ours(line[0], line[1:])
        home = {"MCP_MEND_HOME": empty} if us and us.wrapped else {}
        expansion = Expansion(os.environ)
        data = {
            "command": line[0],
            "args": line[1:],
            "env": {**{key: str(value) for key, value in env.items()}, **home},
        }
        data = expansion.value({**data, **({"cwd": cwd} if (cwd := place.entry.get("cwd")) else {})})
        if place.entry.get("disabled") is True or place.entry.get("enabled") is False:
            told.append(f"{place.name}: not started, it is switched off")
        elif expansion.missing:
            told.append(f"{place.name}: not started, {expansion.missing[0][1]}")
        else:
            found[str(number)] = Upstream.model_validate(data).withholding(None)
    return Config(upstreams=found, log=Log(level="error")), told


async def _start(config: Config, names: Sequence[str]) -> None:
    import anyio

    from catalog_cache.cache import Cache
    from proxy.store import configure, redaction_of
    from proxy.upstreams.fleet import running

    configure(config.log, redaction_of(config))
    async with running(config.upstreams, Cache(config.upstreams)) as fleet, anyio.create_task_group() as tasks:

        async def one(key: str) -> None:
            await fleet.ready(key)
            name = names[int(key)]
            if fleet.connection(key) is not None:
                click.echo(one_line(f"{name}: started, {len(fleet.catalog.of(key))} tools"), err=True)
                return
            member: Any = fleet.member(key)
            words = [str(line) for line in member.stderr if not str(line).startswith("{")]
            _warn(name, str(member.reason), words[-_WORDS:])

        for key in config.upstreams:
            tasks.start_soon(one, key)


def _warn(name: str, reason: str, words: Sequence[str]) -> None:
    told = one_line(f"{name} does not start: {without_secrets(reason)}")
    click.echo(click.style("warning: ", fg="yellow") + told, err=True)
    for line in words:
        click.echo(f"  {one_line(without_secrets(line))}", err=True)
