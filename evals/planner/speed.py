"""Times one model: reading, writing, ranking in one batch, the kept prefix, the grammar, the event loop.

What is compared is run in turns, so that a busy machine disturbs both alike; figures are medians.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import anyio

from proxy.model.client import LocalPlanner, Remote
from proxy.model.engine import Engine
from proxy.model.native import Entry
from proxy.model.requests import AbortFlag
from proxy.model.wire import Settings
from proxy.planner import grammar, prompt
from tests.planner import situations
from tests.planner.situations import contexts, options, question

TEXT = {"type": "string", "minLength": 300, "maxLength": 400}
"""A constraint that forces nothing: what it costs is the grammar alone."""
WRITTEN = 48


def timed(work: Callable[[], object]) -> float:
    """Seconds that the work takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def measure(model: Path, threads: int, rounds: int) -> str:
    """Run everything on one model, and give its line of the table."""
    engine: list[Engine] = []
    load = timed(lambda: engine.append(Engine(model, AbortFlag(), context=4096, threads=threads, gpu_layers=-1)))
    found = engine[0]
    found.rank(contexts(), options())
    cold, warm, batch, single, noise = _ranking(found, rounds)
    swaps, swaps_singly, _ = _compared(found, contexts(), situations.swaps())
    free, constrained = _writing(found, rounds)
    forced = _forced(found)
    tokens = len(found.prompt(contexts()))
    found.close()
    longest, quiet, own = anyio.run(stall, model, threads)
    cells = [
        model.stem, f"{load:.1f}", f"{tokens / cold:.0f}", f"{1 / free:.0f}", _faster(batch, single),
        _faster(swaps, swaps_singly), f"{cold:.2f} / {warm:.3f} ({cold / warm:.0f}x)", f"{constrained / free - 1:+.0%}",
        f"{forced:.0%}", f"{noise:.3f}", f"{longest:.0f} / {quiet:.0f} / {own:.1f}",
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |"


def _faster(together: float, singly: float) -> str:
    return f"{together * 1000:.0f} / {singly * 1000:.0f} ({singly / together:.1f}x)"


def _ranking(engine: Engine, rounds: int) -> tuple[float, float, float, float, float]:
    """Seconds for the prompt from nothing and after a change of its end, for 16 options at once and singly; noise."""
    times: list[tuple[float, float, float, float]] = []
    noise = 0.0
    for number in range(rounds):
        _forget(engine)
        cold = timed(lambda n=number: engine.prefix.hold(engine.prompt(contexts(2 * n))))
        warm = timed(lambda n=number: engine.prefix.hold(engine.prompt(contexts(2 * n + 1))))
        batch, single, differ = _compared(engine, contexts(2 * number + 1), options())
        noise = max(noise, differ)
        times.append((cold, warm, batch, single))
    cold, warm, batch, single = (statistics.median(column) for column in zip(*times, strict=True))
    return cold, warm, batch, single, noise


def _compared(engine: Engine, text: str, given: list[str]) -> tuple[float, float, float]:
    """Seconds for all options at once and one by one, and the greatest difference between their scores."""
    begun = time.perf_counter()
    together = engine.rank(text, given).value
    between = time.perf_counter()
    alone = [engine.rank(text, [option]).value[0] for option in given]
    ended = time.perf_counter()
    differ = max(abs(one - other) for one, other in zip(together, alone, strict=True))
    return between - begun, ended - between, differ


def _forget(engine: Engine) -> None:
    engine.prefix.tokens, engine.prefix.logits = [], None
    engine.prefix._aside.clear()  # noqa: SLF001 - a cold start is measured
    engine.native.cut(0)


def _writing(engine: Engine, rounds: int) -> tuple[float, float]:
    """Seconds per sampled token, free and under a grammar, token by token in turns."""
    free: list[float] = []
    constrained: list[float] = []
    for number in range(rounds):
        text = contexts(number)
        engine.generate(text, TEXT, 4)
        free.append(timed(lambda t=text: _free(engine, t)) / WRITTEN)
        begun = time.perf_counter()
        sampled = engine.generate(text, TEXT, WRITTEN).sampled
        constrained.append((time.perf_counter() - begun) / sampled)
    return statistics.median(free), statistics.median(constrained)


def _free(engine: Engine, text: str) -> None:
    """Write without a grammar, the way `constrain` does it with one."""
    row = engine.prefix.hold(engine.prompt(text))
    start = len(engine.prefix.tokens)
    engine.native.fork(0, 1)
    for position in range(WRITTEN - 1):
        token = int(row.argmax())
        row = engine.native.decode([Entry(token, start + position, (1,), wanted=True)])[0]
    engine.native.cut(1)


def _forced(engine: Engine) -> float:
    """Share of an ordinary step's tokens that the grammar forces."""
    asked = question()
    schema = grammar.step_schema(asked.tools, [])
    answer = engine.generate(prompt.added_step(asked, 3000), schema, 256)
    return answer.forced / max(1, answer.forced + answer.sampled)


async def stall(model: Path, threads: int) -> tuple[float, float, float]:
    """The event loop's longest stall in milliseconds: while the planner works, while nothing does, its own work."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(str(model), 4096, threads, -1, 8192, 300)
        remote = Remote(settings, Path(folder))
        planner = LocalPlanner(remote, 120)
        with_planner, own = await _longest(planner, contexts(99))
        without, _ = await _longest(None, "")
        await remote.close()
    return with_planner, without, own


async def _longest(planner: LocalPlanner | None, text: str) -> tuple[float, float]:
    """Milliseconds between two turns of the event loop at most: on the clock, and of its own work."""
    longest = busiest = 0.0
    done = anyio.Event()

    async def work() -> None:
        if planner:
            await planner.rank(text, options())
            await planner.generate(text, TEXT, 16)
        else:
            await anyio.sleep(5)
        done.set()

    async with anyio.create_task_group() as group:
        group.start_soon(work)
        while not done.is_set():
            before, worked = time.perf_counter(), time.thread_time()
            await anyio.sleep(0.001)
            longest = max(longest, time.perf_counter() - before - 0.001)
            busiest = max(busiest, time.thread_time() - worked)
    return longest * 1000, busiest * 1000


HEAD = (
    "| model | load, s | read tok/s | write tok/s | rank 16 repairs: batch / singly, ms | rank 16 tools, ms "
    "| prompt cold / warm, s | grammar per token | forced tokens | noise, nats per token "
    "| loop's longest stall: working / idle / own work, ms |\n"
    "|---|---|---|---|---|---|---|---|---|---|---|"
)
os.environ.setdefault("GOMP_SPINCOUNT", "1000")
