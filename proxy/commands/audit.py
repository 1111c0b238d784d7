"""`mcp-mend audit`: past transcripts read dry, to answer whether mcp-mend is needed. Nothing is sent anywhere."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from proxy.commands.options import config_option, held_back, refuse, run, settings
from proxy.repair.view.shown import all_shown, json_text, one_line, shown, whole

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from proxy.settings import Loaded
    from schemas.catalog import Catalog
    from schemas.config import Config

_PIPED = 120
"""Columns where nobody looks."""
_FEW = 12
"""Files that are all named; of more, only those in which something failed."""
_COLOURS = {"repaired": "green", "tried": "cyan", "suggested": "yellow"}


@click.command()
@click.argument("paths", metavar="FILE ...", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option("-n", "limit", type=click.IntRange(0), default=20, show_default=True, help="Failures shown; 0 is all.")
@click.option("--servers", is_flag=True, help="Start the configured servers, for the tools that no transcript lists.")
@config_option
@click.option("--json", "as_json", is_flag=True, help="The whole report as JSON.")
def audit(paths: tuple[Path, ...], limit: int, servers: bool, config: Path | None, as_json: bool) -> None:
    """Read past transcripts of agents: what failed, and what would have been repaired. Nothing is sent anywhere.

    FILE is a transcript or a folder of them: sessions of Claude Code, rollouts of Codex, messages of OpenAI's and
    Anthropic's APIs, captures of MCP JSON-RPC, exports of MCP Inspector, logs of Claude Desktop, or `log export`.

    \b
    mcp-mend audit ~/.claude/projects
    mcp-mend audit capture.jsonl --json | jq .totals
    """
    from rich.console import Console

    from proxy.audit.auditing import audited
    from proxy.audit.reading import files
    from proxy.audit.report import report
    from proxy.store import redaction_of

    loaded = settings(config, upstreams=servers or config is not None, quiet=True)
    found = files(paths)
    if not found:
        refuse(f"{', '.join(map(str, paths))}: no file ends in .json, .jsonl, .ndjson, .log or .txt; name one")
    console = Console(stderr=True, highlight=False, markup=False, emoji=False)
    try:
        with held_back(loaded.config), console.status("reading …") as status:
            given = _listed(loaded) if servers else _none()

            def watch(path: Path) -> None:
                status.update(one_line(f"reading {path} …"))

            results = run(audited, found, loaded.config, given, watch)
    except OSError as error:
        refuse(f"{error.filename} cannot be read: {error.strerror}; name others, or let its owner read it")
    told = report(results, redaction_of(loaded.config))
    if as_json:
        click.echo(json_text(told, indent=2))
    else:
        _show(all_shown(told), limit)


def _none() -> Catalog:
    from schemas.catalog import Catalog

    return Catalog()


def _listed(loaded: Loaded) -> Catalog:
    """The tools of the configured servers, which are started for that; one that cannot be asked is named."""
    from proxy.commands import deciding
    from proxy.commands.options import refuse_nothing
    from schemas.catalog import catalog_of

    refuse_nothing(loaded)
    config: Config = loaded.config
    found: list[deciding.Listed] = run(deciding.listed, config)
    for server in found:
        if server.failed:
            click.echo(f"mcp-mend: {one_line(f'{server.name} cannot be asked: {server.failed}')}", err=True)
    return catalog_of(tool for server in found for tool in server.tools)


def _show(told: Mapping[str, Any], limit: int) -> None:
    from rich.console import Console

    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=False)
    if not console.is_terminal:
        console.width = shutil.get_terminal_size((_PIPED, 24)).columns
    for part in _parts(told, limit, console):
        console.print(part)


def _parts(told: Mapping[str, Any], limit: int, console: Console) -> Iterator[RenderableType]:
    from rich.text import Text

    yield from _summary(told)
    if told["tools"] and told["totals"]["failed"]:
        yield _tools(told["tools"])
    failures = told["failures"]
    for failure in failures[: limit or None]:
        yield from _failure(failure)
    if limit and len(failures) > limit:
        yield Text(f"\n… and {len(failures) - limit} more: -n 0 shows all, --json holds all", "dim")
    yield Text("\nAssumed", "bold")
    for text in told["assumed"]:
        yield Text(f"- {text}")


def _summary(told: Mapping[str, Any]) -> Iterator[RenderableType]:
    """What was read, and the verdicts with their counts."""
    from rich.text import Text

    from proxy.audit.judge import VERDICTS

    totals, agent, files = told["totals"], told["agent"], told["files"]
    shown_ones = [file for file in files if len(files) <= _FEW or file["failed"] or file["unreadable"]]
    for file in shown_ones:
        yield Text(one_line(f"{file['file']}: {file['format']}, {file['calls']} calls, {file['failed']} failed"), "dim")
        for wrong in file["malformed"]:
            yield Text(one_line(f"  line {wrong['line']}: {wrong['why']}"), "yellow")
        if file["unreadable"] > len(file["malformed"]):
            yield Text(f"  and {file['unreadable'] - len(file['malformed'])} more unreadable lines", "yellow")
        for why, count in file["left_aside"].items():
            yield Text(one_line(f"  left aside, {count}: {why}"), "dim")
    if len(shown_ones) < len(files):
        yield Text(f"and {len(files) - len(shown_ones)} more files in which nothing failed", "dim")
    yield Text(f"\n{totals['calls']} calls, {totals['failed']} failed", "bold")
    for name, words in VERDICTS.items():
        if totals[name]:
            more = _borne_out(totals) if name == "repaired" else ""
            yield Text(f"{totals[name]:>6}  {words}{more}", _COLOURS.get(name, ""))
    if totals["unanswered"]:
        yield Text(f"{totals['unanswered']:>6}  without an answer in the transcript, and not counted as failed", "dim")
    if agent["mended"]:
        saved = f", {agent['turns_saved']} of them for calls that would have been repaired"
        yield Text(f"The agent mended {agent['mended']} by itself, in {_turns(agent['turns'])}{saved}.")
    if agent["compared"]:
        yield Text(f"Agreed with the agent's own correction: {agent['agreed']} of {agent['compared']}.", "bold")
    if agent["suggestions_compared"]:
        yield Text(
            f"Of what would be suggested or tried: {agent['suggestions_agreed']} of {agent['suggestions_compared']}."
        )


def _turns(count: int) -> str:
    return f"{count} turn{'' if count == 1 else 's'}"


def _borne_out(totals: Mapping[str, int]) -> str:
    said = [f"{totals['confirmed']} borne out by the transcript"] if totals["confirmed"] else []
    said += [f"{totals['contradicted']} contradicted by it"] if totals["contradicted"] else []
    return f" ({', '.join(said)})" if said else ""


def _tools(rows: list[Mapping[str, Any]]) -> RenderableType:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for head in ("SERVER", "TOOL"):
        table.add_column(head, overflow="fold")
    for head in ("CALLS", "FAILED", "REPAIRED", "TRIED", "SUGGESTED", "LEFT"):
        table.add_column(head, justify="right")
    for row in rows:
        if row["failed"]:
            named = [row.get(name, 0) for name in ("repaired", "tried", "suggested")]
            counts = [row["calls"], row["failed"], *named, row["failed"] - sum(named)]
            table.add_row(*(Text(one_line(row[name])) for name in ("server", "tool")), *map(str, counts))
    return table


def _failure(failure: Mapping[str, Any]) -> Iterator[RenderableType]:
    """One failure: the call, its error, what would have become of it, and what the agent did."""
    from rich.text import Text

    from proxy.audit.judge import VERDICTS
    from proxy.commands.log.text import brief, coloured

    where = one_line(f"{failure['file']}:{failure['line']}")
    yield Text(f"\n{one_line(failure['server'])} {one_line(failure['tool'])}", "bold").append(f"  {where}", "dim")
    yield Text(one_line(f"  sent: {brief(failure['arguments'], 300)}"))
    yield Text(one_line(f"  got: {failure['error']}"), "red")
    verdict = failure["verdict"]
    line = Text(f"  {VERDICTS[verdict]}", _COLOURS.get(verdict, ""))
    yield line.append(f": {one_line(failure['why'])}" if failure.get("why") else "", "")
    for repair in failure.get("repairs", ()):
        yield Text(one_line(f"    {repair['rule']} ({repair['confidence']}): {repair['evidence']}"))
    if failure.get("diff"):
        text = "\n".join(f"    {row}" for row in coloured(whole(shown(failure["diff"]))).splitlines()[2:])
        yield Text.from_ansi(text)
    agent = failure.get("agent")
    if agent is not None:
        turns = _turns(agent["turns"])
        same = {True: "by the same call", False: f"by {brief(agent['arguments'], 200)}"}.get(agent.get("agrees"), "")
        yield Text(one_line(f"  the agent mended it itself in {turns} {same}".rstrip()))
