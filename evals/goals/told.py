"""What became of a goal, kept line by line so that a break loses nothing, and the table of it all."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Told:
    """One goal in one run.

    `executed` tells that there were steps and that all of them ended well; `repaired` that the product changed
    something. `calls` counts tool calls; `seconds` is the time from goal to answer.
    """

    run: str
    goal: str
    kind: str
    right: bool
    claimed: bool
    executed: bool
    repaired: bool = False
    calls: int = 0
    seconds: float = 0.0
    output: Any = None
    detail: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def wrong(self) -> bool:
        """Tell whether success was claimed that is none."""
        return self.claimed and not self.right

    @property
    def line(self) -> str:
        """The goal in one line."""
        verdict = "right" if self.right else "WRONG" if self.claimed else "failed"
        return f"{self.run} | {self.goal} | {verdict} | {self.seconds:.1f} s | {json.dumps(self.output)[:80]}"


@dataclass(frozen=True)
class Book:
    """The file of what was told so far; nothing is kept without one."""

    path: Path | None
    lines: list[Told]

    def known(self, run: str, goal: str) -> bool:
        """Tell whether this goal has been run."""
        return any(told.run == run and told.goal == goal for told in self.lines)

    def add(self, told: Told) -> None:
        """Keep one more, and tell it on stderr."""
        print(told.line, file=sys.stderr)
        self.lines.append(told)
        if self.path is not None:
            with self.path.open("a") as file:
                file.write(json.dumps(asdict(told), ensure_ascii=False) + "\n")


def book(path: Path | None) -> Book:
    """Open a file, with what an earlier run wrote."""
    known = path.read_text().splitlines() if path is not None and path.exists() else []
    return Book(path, [Told(**json.loads(line)) for line in known])


_COLUMNS = ("one", "chain", "limit", "impossible")
_HEAD = [
    "run", "goals", "right", *_COLUMNS, "executed", "claimed", "wrong after a repair", "wrong without one",
    "calls", "s (median)",
]  # fmt: skip


def table(lines: Sequence[Told]) -> str:
    """One line per run, in Markdown."""
    rows = [_row(run, [told for told in lines if told.run == run]) for run in dict.fromkeys(told.run for told in lines)]
    return "\n".join("| " + " | ".join(row) + " |" for row in (_HEAD, ["---"] * len(_HEAD), *rows))


def _row(run: str, lines: Sequence[Told]) -> list[str]:
    kinds = [[told.right for told in lines if told.kind == kind] for kind in _COLUMNS]
    return [
        run,
        str(len(lines)),
        str(sum(told.right for told in lines)),
        *(f"{sum(rights)}/{len(rights)}" if rights else "-" for rights in kinds),
        str(sum(told.executed for told in lines)),
        str(sum(told.claimed for told in lines)),
        str(sum(told.wrong and told.repaired for told in lines)),
        str(sum(told.wrong and not told.repaired for told in lines)),
        str(sum(told.calls for told in lines)),
        f"{sorted(told.seconds for told in lines)[len(lines) // 2]:.1f}",
    ]
