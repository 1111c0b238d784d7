"""`log replay`: what a recorded call or run sent, shown; sent again only where that is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from proxy.commands.log.asking import json_option, reading
from proxy.commands.log.text import brief, coloured, status, tool_of
from proxy.commands.options import config_option, refuse, run, settings
from proxy.repair.view.shown import all_shown, json_text, whole

if TYPE_CHECKING:
    from schemas.config import Config


@click.command()
@click.argument("id", metavar="ID", default="last")
@click.option("--live", is_flag=True, help="Send the calls again, one after another, and compare the replies.")
@click.option("--yes", is_flag=True, help="With --live: also calls of tools that are not marked read-only.")
@config_option
@json_option
def replay(id: str, live: bool, yes: bool, config: Path | None, as_json: bool) -> None:
    """Show what a recorded call or run sent; send it again only with --live.

    \b
    mcp-mend log replay last
    mcp-mend log replay last --live
    """
    from proxy.store.replay import recorded

    with reading(config) as reader:
        found = reader.resolve(id)
        calls = recorded(reader, found)
    if not calls:
        refuse(f"{found} sent nothing to any server")
    if not live:
        _show(calls, as_json=as_json)
        return
    _refuse_unfit(calls, yes=yes)
    outcomes = run(send, settings(config, local=True, quiet=True).config, calls, yes)
    for call, outcome in zip(calls, outcomes, strict=True):
        _compare(call, outcome, as_json=as_json)


def _show(calls: list[dict[str, Any]], *, as_json: bool) -> None:
    for call in calls if as_json else all_shown(calls):
        if as_json:
            would = {key: call[key] for key in ("call_id", "server", "tool", "arguments", "effect", "outcome")}
            click.echo(json_text(would))
        else:
            click.echo(_named(call))
            click.echo(f"  recorded: {status(call['outcome'])}, effect {call['effect']}, {call['call_id']}")
    if not as_json:
        click.echo("nothing was sent; --live sends it", err=True)


def _refuse_unfit(calls: list[dict[str, Any]], *, yes: bool) -> None:
    """End the program where the record does not hold what was sent, or sending it again needs consent."""
    from proxy.store.replay import effects, unfit

    if faults := unfit(calls):
        refuse(faults[0])
    if not yes and (named := effects(calls)):
        refuse(f"{named[0]}; --yes sends it all the same")


async def send(config: Config, calls: list[dict[str, Any]], yes: bool) -> list[Mapping[str, Any]]:
    """Start the servers of these calls and send each again; the reply's result or error, or why there is none."""
    from proxy import app
    from proxy.calls.replay import sent_again

    needed = {name: one for name, one in config.upstreams.items() if name in {call["server"] for call in calls}}
    async with app.running(config.model_copy(update={"upstreams": needed})) as running:
        return await sent_again(running.fleet, running.config, calls, yes=yes)


def _compare(call: dict[str, Any], outcome: Mapping[str, Any], *, as_json: bool) -> None:
    from proxy.store.diff import unified
    from proxy.store.replay import essence

    before, now = essence(call["reply"]), essence(outcome)
    if as_json:
        compared = {"call_id": call["call_id"], "same": before == now, "recorded": call["reply"], "now": outcome}
        click.echo(json_text(compared))
        return
    call, before, now = all_shown([call, before, now])
    click.echo(_named(call))
    click.echo(whole("  the same reply" if before == now else coloured(unified(before, now))))


def _named(call: Mapping[str, Any]) -> str:
    return f"{tool_of(call)} {whole(brief(call['arguments'], 400))}"
