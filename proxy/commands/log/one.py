"""`log show` and `log diff`: one entry."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from proxy.commands.log.asking import json_option, reading
from proxy.commands.log.text import block, change, clock, coloured, status, table, tool_of
from proxy.commands.options import config_option
from proxy.repair.view.shown import all_shown, json_text, whole


@click.command()
@click.argument("id", metavar="ID", default="last")
@config_option
@json_option
def show(id: str, config: Path | None, as_json: bool) -> None:
    """Show one call with its arguments and reply, or one run with its repairs and calls.

    \b
    mcp-mend log show last
    """
    from proxy.store.reader import public

    with reading(config) as reader:
        found = reader.resolve(id)
        entry = reader.run(found) if found.startswith("run_") else reader.call(found)
    if as_json:
        parts = {key: [public(one) for one in entry.get(key, [])] for key in ("repairs", "found", "problems", "sent")}
        click.echo(json_text({**public(entry), **{key: part for key, part in parts.items() if part}}))
        return
    entry = all_shown(entry)
    parts = _run_parts(entry) if found.startswith("run_") else _call_parts(entry)
    click.echo(whole("\n\n".join(part for part in parts if part)))


def _call_parts(call: dict[str, Any]) -> list[str]:
    head = f"{call['call_id']}  {clock(call['at'])}  {tool_of(call)}  {status(call['outcome'])}"
    facts = {"effect": call["effect"], "ms": round(call["ms"], 1), "session": call["session"]}
    facts |= {"waited for its start, ms": round(call.get("start_ms") or 0.0, 1)}
    facts |= {"run": call["repair_id"], "step": call["step"]}
    said = "  ".join(f"{key}: {value}" for key, value in facts.items() if value)
    parts = [(name, call[name]) for name in ("arguments", "reply", "message")]
    return [f"{head}\n{said}", *(block(name, value) for name, value in parts)]


def _run_parts(run: dict[str, Any]) -> list[str]:
    from proxy.store.diff import changes

    head = f"{run['repair_id']}  {clock(run['at'])}  {run['kind']}  {status(run['status'])}"
    said = f"{run['calls']} calls, {run['seconds']:.2f} s, session {run['session']}"
    sent = [(c["call_id"], c["step"], c["server"], c["tool"], c["outcome"], c["ms"], c["message"]) for c in run["sent"]]
    heads = ("CALL", "STEP", "SERVER", "TOOL", "OUTCOME", "MS", "MESSAGE")
    report: dict[str, Any] = run.get("report") or {}
    return [
        f"{head}\n{said}",
        block("plan", run["plan_after"]),
        "\n".join(change(at + 1, one) for at, one in enumerate(changes(run))),
        block("problems", [f"{one['kind']} in {one['step']}: {one['message']}" for one in run["problems"]]),
        table(sent, heads) if sent else "",
        block("output", report.get("output")),
    ]


@click.command()
@click.argument("id", metavar="REPAIR_ID", default="last")
@click.option("--patch", "only_patch", is_flag=True, help="Only the RFC 6902 patch.")
@config_option
@json_option
def diff(id: str, only_patch: bool, config: Path | None, as_json: bool) -> None:
    """Show what a repair changed: the plan before and after, the patch, and the reason for each change.

    \b
    mcp-mend log diff last
    mcp-mend log diff last --patch > change.json
    """
    from proxy.store.diff import diff as difference

    with reading(config) as reader:
        run = reader.run(reader.resolve(id, "run"))
    found = difference(run)
    if as_json:
        click.echo(json_text(found))
    elif only_patch:
        click.echo(json_text(found["patch"], indent=2))
    else:
        click.echo(told_diff(run))


def told_diff(run: dict[str, Any]) -> str:
    """What a run changed, as a person reads it."""
    from proxy.store.diff import diff as difference

    parts = _diff_parts(all_shown(run), all_shown(difference(run)))
    return whole("\n\n".join(part for part in parts if part))


def _diff_parts(run: dict[str, Any], found: dict[str, Any]) -> list[str]:
    if run["plan_before"] is None:
        shown = "the plans were not kept: journal.payloads was none"
    else:
        shown = coloured(found["unified"]) or "the plan is unchanged"
    return [
        f"{run['repair_id']}  {clock(run['at'])}  {run['kind']}  {status(run['status'])}",
        shown,
        block("patch (RFC 6902)", "\n".join(json.dumps(one, ensure_ascii=False) for one in found["patch"])),
        "\n".join(change(at + 1, one) for at, one in enumerate(found["changes"])),
        block("error before", found["error_before"]),
        block("error after", found["error_after"]),
    ]
