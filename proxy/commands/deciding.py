"""List the tools of servers with what they do, ask a person about those of which nobody knows, and keep the answers."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import click

from catalog_cache.effects import proposal
from proxy import app
from proxy.commands.clients.change import change, read
from proxy.commands.log.text import coloured
from proxy.commands.options import refuse
from proxy.settings import state
from proxy.settings.classes import with_classes
from schemas.catalog import Effect, Tool
from schemas.config import Config, Upstream

Classes = dict[str, Effect]
"""Tool name to class."""

_LETTERS = {effect.value[0]: effect for effect in Effect}
_LONGEST = 100


@dataclass(frozen=True)
class Listed:
    """One server and its tools; `failed` says why it could not be asked."""

    name: str
    upstream: Upstream
    tools: tuple[Tool, ...] = ()
    failed: str = ""

    @property
    def unknown(self) -> list[Tool]:
        """The tools that a person may decide about: nothing says what they do, and nobody did."""
        return [tool for tool in self.tools if tool.effect is Effect.UNKNOWN and tool.override is None]


async def listed(config: Config) -> list[Listed]:
    """Start every enabled server and list its tools."""
    enabled = [name for name, upstream in config.upstreams.items() if upstream.enabled]
    async with app.running(config) as running:
        async with anyio.create_task_group() as tasks:
            for name in enabled:
                tasks.start_soon(running.fleet.ready, name)
        return [_listed(running, name) for name in enabled]


def _listed(running: app.Running, name: str) -> Listed:
    upstream = running.config.upstreams[name]
    if running.fleet.connection(name) is None:
        member: Any = running.fleet.member(name)
        return Listed(name, upstream, failed=str(member.reason) or "it does not answer")
    return Listed(name, upstream, running.fleet.catalog.of(name))


def rows(server: Listed) -> Iterator[dict[str, Any]]:
    """Every tool as a JSON object; a server that cannot be asked is one with `failed`."""
    if server.failed:
        yield {"server": server.name, "failed": server.failed}
    for tool in server.tools:
        found = proposal(tool) if tool.override is None else None
        proposed = {"proposal": found[0].value, "proposed_because": found[1]} if found else {}
        said = {"effect": tool.effect.value, "reason": tool.effect_reason}
        yield {"server": server.name, "tool": tool.name, **said, **proposed}


def told(server: Listed, *, everything: bool) -> Iterator[str]:
    """A line that sums up, then the tools of unknown effect, or all."""
    if server.failed:
        yield f"{printable(server.name)}: cannot be asked: {printable(server.failed)}"
        return
    counts = Counter(tool.effect for tool in server.tools)
    parts = ", ".join(f"{counts[effect]} {effect.value}" for effect in Effect if counts[effect])
    yield click.style(printable(server.name), bold=True) + f": {len(server.tools)} tools" + (parts and f" ({parts})")
    shown = [tool for tool in server.tools if everything or tool.effect is Effect.UNKNOWN]
    width = max((len(printable(tool.name)) for tool in shown), default=0)
    for tool in shown:
        found = proposal(tool) if tool.override is None else None
        why = f"perhaps {found[0].value}: {found[1]}" if found else tool.effect_reason
        yield f"  {printable(tool.name):<{width}}  {tool.effect.value:<11}  {printable(why)}"


def printable(text: str) -> str:
    """The text on one line, cut, without what a terminal would obey."""
    return "".join(each if each.isprintable() else "�" for each in text[:_LONGEST])


def write(servers: Sequence[Listed], path: Path | None, *, yes: bool, dry_run: bool) -> None:
    """Ask about what is unknown and keep the answers: in the configuration if it is ours, else in the state folder."""
    chosen = {server.name: answers for server in servers if (answers := _asked(server, yes=yes))}
    if not chosen:
        click.echo("there is nothing to write", err=True)
        return
    before = read(path) if path is not None and path.suffix == ".toml" else ""
    after = with_classes(before, chosen) if before else None
    if after is not None and path is not None:
        change(path, before, after, dry_run=dry_run, yes=yes)
    else:
        _into_state([server for server in servers if server.name in chosen], chosen, dry_run=dry_run, yes=yes)


def _into_state(servers: Sequence[Listed], chosen: Mapping[str, Classes], *, dry_run: bool, yes: bool) -> None:
    path = state.effects_path()
    for server in servers:
        lines = [f"{printable(name)} = {effect.value}" for name, effect in chosen[server.name].items()]
        label = f"{path} ({printable(server.name)})"
        click.echo(coloured("\n".join(difflib.unified_diff([], lines, label, label, lineterm=""))))
    if dry_run or not (yes or click.confirm(f"Keep this in {path}?", err=True)):
        click.echo("nothing was changed", err=True)
        return
    try:
        for server in servers:
            state.choose(server.upstream, chosen[server.name])
    except (OSError, ValueError) as error:
        refuse(f"{path}: cannot be changed: {error}")


def _asked(server: Listed, *, yes: bool) -> Classes:
    """What a person says of the unknown tools of a server: group by group, tool by tool where that is wanted."""
    groups: dict[Effect, list[Tool]] = {}
    for tool in server.unknown:
        found = proposal(tool)
        groups.setdefault(found[0] if found else Effect.UNKNOWN, []).append(tool)
    answers: Classes = {}
    for effect, tools in sorted(groups.items(), key=lambda group: list(Effect).index(group[0])):
        answers |= _of_group(server.name, effect, tools, yes=yes)
    return answers


def _of_group(server: str, effect: Effect, tools: Sequence[Tool], *, yes: bool) -> Classes:
    proposed = {} if effect is Effect.UNKNOWN else {tool.name: effect for tool in tools}
    if yes:
        return proposed
    click.echo(f"\n{printable(server)}: {len(tools)} tools, proposed {effect.value}:", err=True)
    for tool in tools:
        found = proposal(tool)
        click.echo(f"  {printable(tool.name)}: {printable(found[1] if found else tool.description)}", err=True)
    options = click.Choice(["yes", "no", "each"])
    answer = click.prompt("take that for all of them, for none, or look at each?", "yes", type=options, err=True)
    if answer != "each":
        return proposed if answer == "yes" else {}
    return {tool.name: said for tool in tools if (said := _of_tool(tool, effect)) is not Effect.UNKNOWN}


def _of_tool(tool: Tool, effect: Effect) -> Effect:
    words = ", ".join(f"{letter} {each.value}" for letter, each in _LETTERS.items())
    options = click.Choice(list(_LETTERS))
    question = f"{printable(tool.name)} ({words})"
    return _LETTERS[click.prompt(question, effect.value[0], type=options, show_choices=False, err=True)]
