"""`python -m evals.planner speed|stall MODEL...`, `quality FILE MODEL...`, `retrieval FILE`, `endpoint URL`.

MODEL is the path of a GGUF file, or "" for the installed one; FILE holds decisions (see `decisions`).
"""

from __future__ import annotations

import gc
import os
from collections import Counter
from pathlib import Path

import anyio
import click

from evals.planner import decisions, endpoint, retrieval, speed
from proxy.model.models import resolve

threads_option = click.option("--threads", default=max(1, (os.cpu_count() or 2) - 1), show_default=True)


@click.group()
def main() -> None:
    """Measure the planner."""


@main.command("speed")
@click.argument("models", nargs=-1, required=True)
@threads_option
@click.option("--rounds", default=5, show_default=True)
def run_speed(models: tuple[str, ...], threads: int, rounds: int) -> None:
    """Time each model."""
    print(speed.HEAD)
    for model in models:
        path = resolve(model)
        print(speed.measure(path, threads, rounds), flush=True)
        gc.collect()


@main.command("stall")
@click.argument("models", nargs=-1, required=True)
@threads_option
def run_stall(models: tuple[str, ...], threads: int) -> None:
    """Tell the event loop's longest gap between two turns while each model works, while none does, and its own work."""
    for model in models:
        path = resolve(model)
        working, idle, own = anyio.run(speed.stall, path, threads)
        print(f"{path.stem}: working {working:.1f} ms, idle {idle:.1f} ms, own work {own:.2f} ms", flush=True)


@main.command("endpoint")
@click.argument("url")
@click.option("--model", default="", help="The first that the server names.")
@click.option("--rounds", default=3, show_default=True)
def run_endpoint(url: str, model: str, rounds: int) -> None:
    """Count what rankings cost on a server at URL, which ends in /v1."""
    anyio.run(endpoint.measure, url, model, rounds)


@main.command("quality")
@click.argument("file", type=click.Path(path_type=Path, exists=True))
@click.argument("models", nargs=-1, required=True)
@threads_option
def run_quality(file: Path, models: tuple[str, ...], threads: int) -> None:
    """Let each model decide everything in FILE."""
    cases = decisions.load(file)
    kinds = Counter(case.kind for case in cases)
    chance = sum(1 / len(case.candidates) for case in cases) / len(cases)
    print(f"| model | right of {len(cases)} (chance {chance:.0%}) | " + " | ".join(kinds) + " |")
    print("|---" * (2 + len(kinds)) + "|")
    for model in models:
        path = resolve(model)
        found = decisions.right(path, cases, threads)
        share = " | ".join(f"{found[kind]} of {count}" for kind, count in kinds.items())
        print(f"| {path.stem} | {found.total()} ({found.total() / len(cases):.0%}) | {share} |", flush=True)


@main.command("retrieval")
@click.argument("file", type=click.Path(path_type=Path, exists=True))
def run_retrieval(file: Path) -> None:
    """Search the tools of FILE."""
    print("\n".join(anyio.run(retrieval.report, decisions.load(file))))


if __name__ == "__main__":
    main()
