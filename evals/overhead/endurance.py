"""Many calls through one proxy: memory, file descriptors and processes must stay as they were.

python -m evals.overhead.endurance [--calls N]
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

import psutil

from evals.overhead.clients import Stdio, at_once

WIDTH = 16
ECHO = Path(__file__).parents[2] / "tests" / "servers" / "echo.py"


async def run(calls: int) -> list[tuple[int, float, int, int]]:
    """Rows of (calls so far, MiB resident, file descriptors, processes), ten of them after a warm-up."""
    rows: list[tuple[int, float, int, int]] = []
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, "-m", "proxy.cli", "wrap", "--", sys.executable, str(ECHO)]
        client = Stdio(command, {"MCP_MEND_HOME": home})
        await client.open()
        proxy = client.processes()[0]
        left = iter(range(calls))
        done = 0

        async def work(until: int) -> None:
            nonlocal done
            while done < until and next(left, None) is not None:
                done += 1
                text = f"call {done}"
                reply = await client.request("tools/call", {"name": "echo", "arguments": {"text": text}})
                assert reply["result"]["content"][0]["text"] == text

        for part in range(1, 11):
            await at_once(work(calls * part // 10) for _ in range(WIDTH))
            await asyncio.sleep(1)
            rows.append((done, proxy.memory_info().rss / 2**20, proxy.num_fds(), len(client.processes())))
        await client.close()
    return rows


def main() -> None:
    """Print the rows, and fail where the last third grew by more than 5% over the first after the warm-up."""
    parser = argparse.ArgumentParser(prog="python -m evals.overhead.endurance")
    parser.add_argument("--calls", type=int, default=50_000)
    rows = asyncio.run(run(parser.parse_args().calls))
    print("| calls | MiB | descriptors | processes |\n| --- | --- | --- | --- |")
    for calls, memory, descriptors, processes in rows:
        print(f"| {calls} | {memory:.1f} | {descriptors} | {processes} |")
    left_over = len(psutil.Process().children(recursive=True))
    grown = rows[-1][1] / rows[1][1] - 1
    print(f"\ngrown by {grown:.1%} since the second row; {left_over} processes left over")
    sys.exit(grown > 0.05 or left_over > 0)


if __name__ == "__main__":
    main()
