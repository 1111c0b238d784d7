"""Requests that a thread of the worker runs one after another, and that can be stopped in the middle.

Knows nothing of models: what a request does is a function, made at the first of them, and what goes wrong a `Fault`.
"""

from __future__ import annotations

import asyncio
import ctypes
import traceback
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from proxy.model.wire import Fault, Faulty

Answer = Mapping[str, Any]
Work = Callable[[Mapping[str, Any]], Answer]


class AbortFlag:
    """Stops work from another thread: a flag that native code reads without taking Python's lock.

    llama.cpp asks its abort callback after every node of the graph, far too often for a Python function. The C
    library's `strlen` over a one-character buffer is such a callback: zero (go on) or one (stop).
    """

    def __init__(self) -> None:
        self._text = ctypes.create_string_buffer(2)
        strlen = ctypes.cast(ctypes.CDLL(None).strlen, ctypes.c_void_p)
        self.callback = ctypes.CFUNCTYPE(ctypes.c_bool, ctypes.c_void_p)(strlen.value or 0)  # pyright: ignore[reportArgumentType, reportCallIssue] - an address is allowed
        self.data = ctypes.cast(self._text, ctypes.c_void_p)

    def set(self) -> None:
        """Stop what runs, and what is to come."""
        self._text[0] = b"\x01"

    def clear(self) -> None:
        """Let it run again."""
        self._text[0] = b"\x00"

    @property
    def is_set(self) -> bool:
        """Tell whether work is to stop."""
        return self._text[0] != b"\x00"


class RequestThread:
    """Answers requests in turn. `make` imports and loads what does the work, for which the extra must be installed.

    The work raises Faulty, with CANCELLED soon after the flag was set; after anything else it is not to be trusted.
    """

    def __init__(self, make: Callable[[AbortFlag], Work], extra: str) -> None:
        self._make = make
        self._extra = extra
        self._abort = AbortFlag()
        self._work: Work | None = None
        self._turn = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1)

    async def answer(self, body: Mapping[str, Any]) -> Answer:
        """Answer a request within its deadline; when this is cancelled, nothing of it runs any more."""
        try:
            async with asyncio.timeout(body["deadline"]), self._turn:
                return await self._run(body)
        except TimeoutError:
            return {"error": Fault.DEADLINE, "message": ""}
        except Faulty as faulty:
            return {"error": faulty.fault, "message": str(faulty)}
        except Exception as error:  # noqa: BLE001 - the process ends after it
            traceback.print_exc()
            return {"error": Fault.NATIVE, "message": str(error) or type(error).__name__}

    async def _run(self, body: Mapping[str, Any]) -> Answer:
        self._abort.clear()
        working = asyncio.get_running_loop().run_in_executor(self._thread, self._do, body)
        try:
            return await asyncio.shield(working)
        except asyncio.CancelledError:
            self._abort.set()
            while not working.done():
                with suppress(asyncio.CancelledError):
                    await asyncio.wait([working])
            working.exception()
            raise

    def _do(self, body: Mapping[str, Any]) -> Answer:
        if self._work is None:
            try:
                self._work = self._make(self._abort)
            except ImportError as error:
                raise Faulty(Fault.MODEL, f"{error}: install mcp-mend[{self._extra}]") from error
        return self._work(body)
