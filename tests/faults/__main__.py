"""The long form, by command: `uv run python -m tests.faults --minutes 30 --seed 1`.

Draws faults at random, round after round, until the time is over; every law that did not hold is a line, with the seed
of the round, so that `--seed SEED --minutes 0` shows it again. Ends with 1 where there was any.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
import click

from tests.faults.bench import over_http, over_stdio
from tests.faults.kinds import HTTP, STDIO
from tests.faults.world import Face, lived

Round = Callable[[Path, int], Awaitable[tuple[int, list[str]]]]
INTENTS = 250


async def _stdio(folder: Path, seed: int) -> tuple[int, list[str]]:
    draw = random.Random(seed)  # noqa: S311
    outcomes = await over_stdio(folder, draw.sample(STDIO, 20), draw)
    return len(outcomes), [f"{fault}: {law}" for fault, outcome in outcomes.items() for law in outcome.broken()]


async def _http(folder: Path, seed: int) -> tuple[int, list[str]]:
    draw = random.Random(seed)  # noqa: S311
    outcomes = await over_http(folder, draw.sample(HTTP, 40), draw)
    return len(outcomes), [f"{fault}: {law}" for fault, outcome in outcomes.items() for law in outcome.broken()]


def _world(face: Face) -> Round:
    async def lived_through(folder: Path, seed: int) -> tuple[int, list[str]]:
        tally = await lived(folder, INTENTS, seed, face)
        return len(tally.intents), [
            *(f"unanswered: {name}" for name in tally.unanswered()),
            *(f"done twice: {told}" for told in tally.twice()),
            *(f"lost: {told}" for told in tally.lost()),
            *(f"from elsewhere: {told}" for told in tally.invented()),
            *(f"carried across: {told}" for told in tally.carried()),
        ]

    return lived_through


ROUNDS: dict[str, Round] = {
    "servers over stdio": _stdio,
    "servers over http": _http,
    "intents in front of one": _world("wrap"),
    "intents in front of two": _world("serve"),
}


@click.command()
@click.option("--minutes", default=10.0, show_default=True, help="How long to draw; one round of each at least.")
@click.option("--seed", default=1, show_default=True, help="Of the first round; each next one adds one.")
@click.option("--only", type=click.Choice(sorted(ROUNDS)), help="One kind of round alone.")
def main(minutes: float, seed: int, only: str | None) -> None:
    """Draw faults at random, until the time is over."""
    end = time.monotonic() + minutes * 60
    tried, broken = Counter[str](), Counter[str]()
    while True:
        for name in [only] if only else list(ROUNDS):
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
                number, laws = anyio.run(ROUNDS[name], Path(folder), seed)
            tried[name] += number
            broken[name] += len(laws)
            for law in laws:
                click.echo(f"seed {seed}, {name}: {law}")
        seed += 1
        if time.monotonic() >= end:
            break
    for name, number in tried.items():
        click.echo(f"{name}: {number} tried, {broken[name]} times a law did not hold")
    sys.exit(1 if broken.total() else 0)


main()
