"""How entries look on a terminal: tables, one entry in full, a coloured diff. Pure but for the terminal's width."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import click
from rich.cells import cell_len, set_cell_size

from proxy.repair.view.shown import one_line

_LEAST = 8
"""Columns that a cell keeps when a table is cut to the terminal."""
_LAST = 0.45
"""Share of the terminal that the last column may take from the others."""
_IDS = frozenset({"ID", "CALL"})

_GOOD = {"ok", "succeeded", "repaired"}
_BAD = {"failed", "refused", "not_executed", "silent", "unknown_tool"}
_PENDING = {"sent", "suggested", "unknown", "not_sent", "blocked"}


def table(rows: Sequence[Sequence[Any]], heads: Sequence[str], width: int | None = None) -> str:
    """Aligned columns under their heads, each as wide as it is shown.

    The last column is cut to what the terminal holds; where that does not do, the widest others are cut too. An id
    keeps its end, by which it is found. Where nobody looks, only the last column is cut.
    """
    looked_at = width is not None or sys.stdout.isatty() or "COLUMNS" in os.environ
    width = width or shutil.get_terminal_size((120, 24)).columns
    cells = [list(heads), *([_cell(cell) for cell in row] for row in rows)]
    widths = [max(cell_len(row[at]) for row in cells) for at in range(len(heads))]
    gaps = 2 * (len(heads) - 1)
    room = max(width - sum(widths[:-1]) - gaps, int(width * _LAST) if looked_at else 0, _LEAST)
    widths[-1] = min(widths[-1], room)
    while looked_at and sum(widths) + gaps > width and max(widths) > _LEAST:
        widest = max(widths[:-1])
        widths[widths.index(widest) if widest > _LEAST else -1] -= 1
    lines = [_line(row, widths, heads, bold=at == 0) for at, row in enumerate(cells)]
    return "\n".join(lines)


def _line(row: Sequence[str], widths: Sequence[int], heads: Sequence[str], *, bold: bool) -> str:
    padded = [_cut(cell, size, keep_end=head in _IDS) for cell, size, head in zip(row, widths, heads, strict=True)]
    if bold:
        return click.style("  ".join(padded).rstrip(), bold=True)
    return "  ".join([*(status(cell) for cell in padded[:-1]), padded[-1]]).rstrip()


def _cut(cell: str, size: int, *, keep_end: bool) -> str:
    """A cell in exactly so many columns of a terminal."""
    if cell_len(cell) <= size:
        return set_cell_size(cell, size)
    if keep_end:
        return set_cell_size("…" + cell[-(size - 1) :], size)
    return set_cell_size(set_cell_size(cell, size - 1).rstrip() + "…", size)


def status(cell: str) -> str:
    """A word with its colour, where it is an outcome."""
    word = cell.strip()
    if word in _GOOD:
        return click.style(cell, fg="green")
    if word in _PENDING:
        return click.style(cell, fg="yellow")
    return click.style(cell, fg="red") if word in _BAD else cell


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.1f}" if isinstance(value, float) else one_line(" ".join(str(value).split()))


def clock(at: float) -> str:
    """Local time; with the date unless it is today."""
    when = datetime.fromtimestamp(at).astimezone()
    today = when.date() == datetime.now().astimezone().date()
    return when.strftime("%H:%M:%S" if today else "%Y-%m-%d %H:%M:%S")


def tool_of(call: Mapping[str, Any]) -> str:
    """The server and the tool of a call, on one line."""
    return one_line(f"{call['server']} {call['tool']}")


def pretty(value: Any) -> str:
    """A JSON value on several lines."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def brief(value: Any, length: int = 60) -> str:
    """A JSON value on one line."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= length else text[: length - 1] + "…"


def block(name: str, value: Any) -> str:
    """A named part of an entry, indented below its name; "" where it is empty."""
    if value in (None, "", [], {}):
        return ""
    text = value if isinstance(value, str) else pretty(value)
    return click.style(f"{name}:", bold=True) + "\n" + "\n".join(f"  {line}" for line in text.splitlines())


def coloured(unified: str) -> str:
    """A unified diff with its lines coloured."""
    colours = {"-": "red", "+": "green", "@": "cyan"}
    lines = unified.splitlines()
    return "\n".join(click.style(line, fg=colours[line[0]]) if line[:1] in colours else line for line in lines)


def change(number: int, found: Mapping[str, Any]) -> str:
    """One repair: what changed, by which rule, on what evidence, how sure."""
    head = f"{number}. {found.get('op')}" + (f" in step {found['step']}" if found.get("step") else "")
    return "\n".join(
        [
            click.style(head, bold=True) + f": {brief(found.get('before'))} -> {brief(found.get('after'))}",
            f"   rule: {found.get('rule') or '-'}",
            f"   evidence: {found.get('evidence') or '-'}",
            f"   confidence: {found.get('confidence') or '-'}",
            f"   before it: {first_line(found.get('error_before')) or '-'}",
            f"   after it: {first_line(found.get('error_after')) or 'no error'}",
        ]
    )


def first_line(text: str | None) -> str:
    """The first line of a text, with a mark where there are more."""
    lines = (text or "").splitlines()
    return lines[0] + (" ..." if len(lines) > 1 else "") if lines else ""
