"""Cut a byte stream into lines, one JSON-RPC message each.

Does not know where the bytes come from; a line that is no message is handed to `noise`.
"""

from __future__ import annotations

from collections.abc import Callable

from proxy.upstream import rpc


class Lines:
    """Feed bytes in, get whole messages out; cost is linear in the bytes, however they are cut."""

    def __init__(self, message: Callable[[rpc.Message], None], noise: Callable[[bytes], None]) -> None:
        self._message = message
        self._noise = noise
        self._parts: list[bytes] = []

    def feed(self, data: bytes) -> None:
        """Take the next bytes and hand on every line that they complete."""
        first, *rest = data.split(b"\n")
        self._parts.append(first)
        for following in rest:
            line = b"".join(self._parts) if len(self._parts) > 1 else self._parts[0]
            self._parts = [following]
            self._line(line)

    def _line(self, line: bytes) -> None:
        if not line or line.isspace():
            return
        messages = rpc.decode(line)
        if messages is None:
            self._noise(line)
            return
        for message in messages:
            self._message(message)
