"""`python -m benchmarks.goals gold|product|stages|write|loop`: everyday goals over real servers.

With `--json FILE` every goal is kept as a line of FILE as soon as it has been run, a later run goes on where that one
ended, and the table is that of the whole file.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import anyio
import click

from benchmarks.goals import product
from benchmarks.goals.setting import load
from benchmarks.goals.told import Book, Told, book, table

_FILE = click.Path(path_type=Path, dir_okay=False)
keep = click.option("--json", "kept", type=_FILE, help="Keep each goal as a line of this file, and go on from it.")
only = click.option("--match", default="", help="Only goals whose id contains this.")
model_option = click.option("--model", required=True, type=click.Path(path_type=Path, exists=True), help="A GGUF file.")


@click.group()
def main() -> None:
    """Measure on everyday goals."""


@main.command("gold")
@keep
@only
def run_gold(kept: Path | None, match: str) -> None:
    """Run every gold plan as it is: all must be right."""
    _passes([product.Pass("gold", product.gold)], kept, match)


@main.command("product")
@click.option("--planner", default="", help="`none`: without a model.")
@click.option("--model", default=None, type=click.Path(path_type=Path, exists=True), help="A GGUF file.")
@keep
@only
def run_product(planner: str, model: Path | None, kept: Path | None, match: str) -> None:
    """Hand over the goals without steps."""
    if (model is None) != (planner == "none"):
        raise click.UsageError("give --model FILE or --planner none")
    name = model.stem if model else "no model"
    _passes([product.Pass(f"product, {name}", product.bare, str(model or ""))], kept, match)


def _passes(passes: list[product.Pass], kept: Path | None, match: str) -> None:
    """Run each pass over the goals that match, and print the table."""
    shown = _shown(book(kept))
    file = load()
    for one in passes:
        anyio.run(partial(product.run, one, file, _goals(file, match), shown))
    print(table(shown.lines))


def _goals(file: dict[str, Any], match: str) -> list[dict[str, Any]]:
    return [goal for goal in file["goals"] if match in goal["id"]]


def _shown(kept: Book) -> Book:
    """The same book, which also says on stderr what is added."""

    class Shown(Book):
        def add(self, told: Told) -> None:
            click.echo(told.line, err=True)
            super().add(told)

    return Shown(kept.path, kept.lines)


if __name__ == "__main__":
    main()
