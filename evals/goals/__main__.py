"""`python -m evals.goals gold|product|stages|show`: everyday goals over real servers.

With `--json FILE` every goal is kept as a line of FILE as soon as it has been run, a later run goes on where that one
ended, and the table is that of the whole file.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import anyio
import click

from evals.goals import product
from evals.goals.setting import load
from evals.goals.told import book, table

_FILE = click.Path(path_type=Path, dir_okay=False)
keep = click.option("--json", "kept", type=_FILE, help="Keep each goal as a line of this file, and go on from it.")
only = click.option("--match", default="", help="Only goals whose id contains this.")


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


@main.command("stages")
@click.option("--name", required=True, type=click.Choice(["0.5b", "1.5b"]), help="The model that wrote them.")
@click.option("--model", default=None, type=click.Path(path_type=Path, exists=True), help="Search with it, too.")
@keep
@only
def run_stages(name: str, model: Path | None, kept: Path | None, match: str) -> None:
    """Run the plans kept under a name: as written, after rules, and with --model after the search with it."""
    plans = product.written(name)
    passes = [
        product.Pass(f"{name} as written", partial(product.planned, plans, {"mode": "off"})),
        product.Pass(f"{name} after rules", partial(product.planned, plans, {})),
    ]
    if model is not None:
        passes.append(product.Pass(f"{name} after the search", partial(product.planned, plans, {}), str(model)))
    _passes(passes, kept, match)


@main.command("show")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, exists=True))
def run_show(files: tuple[Path, ...]) -> None:
    """Print the table of everything that was kept in FILES."""
    print(table([told for file in files for told in book(file).lines]))


def _passes(passes: list[product.Pass], kept: Path | None, match: str) -> None:
    """Run each pass over the goals that match, and print the table."""
    told, file = book(kept), load()
    goals = [goal for goal in file["goals"] if match in goal["id"]]
    for one in passes:
        anyio.run(product.run, one, file, goals, told)
    print(table(told.lines))


if __name__ == "__main__":
    main()
