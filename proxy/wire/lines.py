"""Cut a byte stream into lines, one JSON-RPC message each.

Does not know where the bytes come from; a line that is no message is handed to `noise`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

from proxy.wire import rpc
from proxy.wire.unreadable import outline

LONGEST = 256 * 1024 * 1024
"""Bytes of one line that are kept: a result of a hundred megabytes fits, a line without end does not."""

HEAD = 4096
"""Bytes of a longer line that are kept, to know which request it answers."""


WIDE = 1 << 20
"""Bytes that a pipe shall hold: a large message then passes in few steps, and its writer does not wait."""


def widen(pipe: asyncio.BaseTransport | None) -> None:
    """Let a pipe hold, and be read by, more than it is by default, where the system lets us and it is still open."""
    if isinstance(pipe, asyncio.ReadTransport):
        cast("Any", pipe).max_size = WIDE
    with suppress(OSError, ValueError, ImportError, AttributeError):
        import fcntl

        fcntl.fcntl(cast("asyncio.BaseTransport", pipe).get_extra_info("pipe"), fcntl.F_SETPIPE_SZ, WIDE)


class Lines:
    """Feed bytes in, get whole messages out; cost is linear in the bytes, however they are cut.

    Of a line longer than `longest` no more than its beginning is kept.
    """

    def __init__(
        self, message: Callable[[rpc.Message], None], noise: Callable[[bytes], None], longest: int = LONGEST
    ) -> None:
        self._message = message
        self._noise = noise
        self._longest = longest
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> None:
        """Take the next bytes and hand on every line that they complete."""
        if not self._size and len(data) <= self._longest and data.find(b"\n") == len(data) - 1:
            self._line(data)
            return
        first, *rest = data.split(b"\n")
        self._keep(first)
        for following in rest:
            line = b"".join(self._parts) if len(self._parts) > 1 else self._parts[0]
            overlong = self._size > self._longest
            self._parts, self._size = [], 0
            self._keep(following)
            if overlong:
                self._overlong(line)
            else:
                self._line(line)

    def _keep(self, part: bytes) -> None:
        if self._size <= self._longest:
            self._parts.append(part)
            self._size += len(part)
            if self._size > self._longest:
                self._parts = [b"".join(self._parts)[:HEAD]]

    def _line(self, line: bytes) -> None:
        if not line or line.isspace():
            return
        messages = rpc.decode(line)
        if messages is None:
            self._noise(line)
            return
        for message in messages:
            self._message(message)

    def _overlong(self, head: bytes) -> None:
        known = outline(head.decode(errors="replace"), f"a line of more than {self._longest} bytes")
        if known is not None:
            self._message(known)
        else:
            self._noise(head)
