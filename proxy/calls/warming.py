"""Loads what the first failing call would wait for, while nothing else is to be done.

A call that works needs none of it: the table of units costs half a second of the processor and 22 MB.
"""

from __future__ import annotations

import asyncio
import time

import anyio
from anyio import to_thread

from proxy.repair.view import units

QUIET = 1.0
"""Seconds between two looks at the processor time of this process."""
BUSY = 0.02
"""Seconds of the processor in these beyond which something is under way."""


async def warm(listed: asyncio.Event) -> None:
    """Load it in a thread once the first list was answered and the process is idle; ends when that is done."""
    await listed.wait()
    before = time.process_time()
    while True:
        await anyio.sleep(QUIET)
        now = time.process_time()
        if now - before < BUSY:
            break
        before = now
    await to_thread.run_sync(units.load, abandon_on_cancel=True)
