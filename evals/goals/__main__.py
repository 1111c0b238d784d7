"""`python -m evals.goals gold|product|loop|write|stages|tools|show`: everyday goals over real servers.

With `--json FILE` every goal is kept as a line of FILE as soon as it has been run, a later run goes on where that one
ended, and the table is that of the whole file.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import anyio
import click

from evals.goals import loop, product, shelf, writing
from evals.goals.model import Model
from evals.goals.setting import load
from evals.goals.told import Book, Told, book, table

_FILE = click.Path(path_type=Path, dir_okay=False)
keep = click.option("--json", "kept", type=_FILE, help="Keep each goal as a line of this file, and go on from it.")
only = click.option("--match", default="", help="Only goals whose id contains this.")
model_option = click.option("--model", required=True, type=click.Path(path_type=Path, exists=True), help="A GGUF file.")

threads_option = click.option("--threads", default=1, show_default=True)
search_option = click.option("--model", default=None, type=click.Path(path_type=Path, exists=True), help="Search, too.")
name_option = click.option("--name", required=True, help="What the written plans are kept as, such as 0.5b.")


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


@main.command("loop")
@model_option
@threads_option
@keep
@only
def run_loop(model: Path, threads: int, kept: Path | None, match: str) -> None:
    """Let the model call the servers itself, one tool after the other."""
    shown, file = _shown(book(kept)), load()
    name, goals = f"loop, {model.stem}", _goals(file, match)
    anyio.run(partial(loop.run, name, partial(Model, model, threads), file, goals, shelf.load(), shown))
    print(table(shown.lines))


@main.command("write")
@model_option
@threads_option
@name_option
@only
def run_write(model: Path, threads: int, name: str, match: str) -> None:
    """Let the model write a whole plan for each goal, and keep the plans."""
    goals = _goals(load(), match)
    writing.write(name, partial(Model, model, threads), goals, shelf.load(), partial(click.echo, err=True))


@main.command("stages")
@name_option
@search_option
@keep
@only
def run_stages(name: str, model: Path | None, kept: Path | None, match: str) -> None:
    """Run the plans kept under a name: as written, after rules, and with --model after the search with it."""
    plans = writing.known(name)
    passes = [
        product.Pass(f"{name} as written", partial(product.planned, plans, {"mode": "off"})),
        product.Pass(f"{name} after rules", partial(product.planned, plans, {})),
    ]
    if model is not None:
        passes.append(product.Pass(f"{name} after the search", partial(product.planned, plans, {}), str(model)))
    _passes(passes, kept, match)


@main.command("tools")
def run_tools() -> None:
    """Write down the tools that the baselines see."""

    async def store() -> None:
        file = load()
        async with product.serving(file) as (connection, _, _):
            await shelf.store(file["goals"], connection)

    anyio.run(store)


@main.command("show")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, exists=True))
def run_show(files: tuple[Path, ...]) -> None:
    """Print the table of everything that was kept in FILES."""
    print(table([told for file in files for told in book(file).lines]))


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
