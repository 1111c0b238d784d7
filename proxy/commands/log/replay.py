"""`log replay`: what a recorded call or run sent, shown; sent again only where that is asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

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
    with reading() as reader:
        found = reader.resolve(id)
        sent = reader.run(found)["sent"] if found.startswith("run_") else [reader.call(found)]
    calls = [call for call in sent if call["server"]]
    if not calls:
        refuse(f"{found} sent nothing to any server")
    if not live:
        _show(calls, as_json=as_json)
        return
    _refuse_unfit(calls, yes=yes)
    outcomes = run(_send, settings(config, local=True, quiet=True).config, calls, yes)
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
    from proxy.store.redact import REDACTED
    from proxy.store.rows import kept_whole

    for call in calls:
        arguments = call["arguments"]
        if not kept_whole(arguments):
            refuse(f"{call['call_id']}: its arguments were not kept whole, so it cannot be sent again")
        if REDACTED in json.dumps(arguments):
            refuse(f"{call['call_id']}: its arguments held a secret that was not kept, so it cannot be sent again")
        if call["effect"] != "read" and not yes:
            refuse(f"{call['call_id']}: {call['tool']} is not marked read-only; --yes sends it all the same")


async def _send(config: Config, calls: list[dict[str, Any]], yes: bool) -> list[Mapping[str, Any]]:
    """Send each call to its server; the reply's result or error, or why there is none."""
    import anyio

    from proxy import app
    from schemas.catalog import Effect

    needed = {name: one for name, one in config.upstreams.items() if name in {call["server"] for call in calls}}
    outcomes: list[Mapping[str, Any]] = []
    async with app.running(config.model_copy(update={"upstreams": needed})) as running:
        for call in calls:
            server, name = call["server"], call["tool"]
            if server not in needed:
                outcomes.append({"lost": f"the configuration has no upstream {server}"})
                continue
            with anyio.move_on_after(needed[server].start_timeout):
                await running.fleet.ready(server)
            tool = running.fleet.catalog.origin(server, name)
            if tool is None:
                outcomes.append({"lost": f"{server} is not there, or offers no tool {name} any more"})
            elif tool.effect is not Effect.READ and not yes:
                outcomes.append({"lost": f"{name} is not marked read-only any more; --yes sends it all the same"})
            else:
                reply = await running.fleet.call(tool, {"name": name, "arguments": call["arguments"]})
                outcomes.append(reply.result or reply.error or {"lost": reply.message or str(reply.lost)})
    return outcomes


def _compare(call: dict[str, Any], outcome: Mapping[str, Any], *, as_json: bool) -> None:
    from proxy.store.diff import unified

    before, now = _essence(call["reply"]), _essence(outcome)
    if as_json:
        compared = {"call_id": call["call_id"], "same": before == now, "recorded": call["reply"], "now": outcome}
        click.echo(json_text(compared))
        return
    call, before, now = all_shown([call, before, now])
    click.echo(_named(call))
    click.echo(whole("  the same reply" if before == now else coloured(unified(before, now))))


def _named(call: Mapping[str, Any]) -> str:
    return f"{tool_of(call)} {whole(brief(call['arguments'], 400))}"


def _essence(reply: Any) -> Any:
    """A reply without `_meta`, which differs every time."""
    if not isinstance(reply, Mapping):
        return reply
    return {key: value for key, value in cast("Mapping[str, Any]", reply).items() if key != "_meta"}
