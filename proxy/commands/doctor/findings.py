"""What `doctor` finds out, and the one table that shows it: on a terminal while it is still being found out."""

from __future__ import annotations

import shutil
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from rich import box
from rich.console import Console, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from proxy.repair.view.shown import one_line, without_secrets

_MARKS = {True: ("ok", "green"), False: ("FAIL", "red"), None: ("off", "dim")}
_PIPED = 160
"""Columns where nobody looks: the output goes to a file or another program."""


@dataclass(frozen=True)
class Finding:
    """What was found out about one thing; `ok` is None for what is switched off.

    `lines` say more, one each; `remedy` is what to do, also where it works but not well.
    """

    about: str
    ok: bool | None
    said: str
    lines: tuple[str, ...] = ()
    remedy: str = ""


class Board:
    """The findings in the order in which they were announced or made; `live` shows them as a table."""

    def __init__(self, *, live: bool) -> None:
        self._rows: dict[str, Finding | Spinner] = {}
        self._live = live
        self._console = Console(soft_wrap=False, highlight=False, markup=False, emoji=False)
        if not self._console.is_terminal:
            self._console.width = shutil.get_terminal_size((_PIPED, 24)).columns

    @property
    def findings(self) -> list[Finding]:
        """What has been found out, fit to be printed but for control characters."""
        return [row for row in self._rows.values() if isinstance(row, Finding)]

    def await_one(self, key: str) -> None:
        """Hold a row for what is being looked at."""
        self._rows[key] = Spinner("dots")

    def put(self, key: str, finding: Finding) -> None:
        """Set a row."""
        lines = tuple(map(without_secrets, finding.lines))
        self._rows[key] = replace(
            finding, said=without_secrets(finding.said), lines=lines, remedy=without_secrets(finding.remedy)
        )

    @contextmanager
    def shown(self) -> Generator[None]:
        """Keep the table on the terminal within the block; where there is none it is printed once, at the end."""
        if not self._live:
            yield
        elif self._console.is_terminal:
            with Live(get_renderable=self._table, console=self._console, refresh_per_second=10):
                yield
        else:
            try:
                yield
            finally:
                self._console.print(self._table())

    def _table(self) -> Table:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
        for head, ratio in (("", None), ("WHAT", None), ("FOUND", 3), ("WHAT TO DO", 2)):
            table.add_column(head, overflow="fold", ratio=ratio, min_width=4)
        for key, row in list(self._rows.items()):
            table.add_row(*(_waiting(key, row) if isinstance(row, Spinner) else _cells(row)))
        return table


def _waiting(key: str, spinner: Spinner) -> list[RenderableType]:
    return [spinner, Text(one_line(key)), Text("asking …", "dim"), ""]


def _cells(finding: Finding) -> list[RenderableType]:
    mark, colour = _MARKS[finding.ok] if not (finding.ok and finding.remedy) else ("note", "yellow")
    found = Text(one_line(finding.said))
    for line in finding.lines:
        found.append("\n" + one_line(line), "dim")
    return [Text(mark, colour), Text(one_line(finding.about)), found, Text(one_line(finding.remedy))]
