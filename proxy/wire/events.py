"""Read a stream of server-sent events, however its bytes are cut. Pure; knows nothing of HTTP.

`httpx2.EventSource` hands an event that ends in a bare carriage return on only with the byte after it, so a server that
writes such events and then waits would never be heard.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass

_BREAK = re.compile("\r\n|\r|\n")

LONGEST = 64 * 1024 * 1024
"""Characters of one event: a stream that never ends its event must not fill the memory."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event."""

    event: str
    data: str


class Events:
    """Feed bytes in, get events out; keeps the last id of a whole event and the retry interval (s) asked for."""

    def __init__(self) -> None:
        self.last_id: str | None = None
        self.retry: float | None = None
        self.begin()

    def begin(self) -> None:
        """Read another response of the same stream; what the one before broke off in is dropped."""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest: list[str] = []
        self._after_return = False
        self._id = self.last_id
        self._event, self._data = "message", list[str]()
        self._size = 0

    def feed(self, data: bytes) -> Iterator[Event]:
        """Take the next bytes and hand on every event that they complete. Raises `ValueError` on an endless one."""
        text = self._decoder.decode(data)
        if self._after_return and text:
            text = text.removeprefix("\n")
            self._after_return = False
        if text:
            self._after_return = text.endswith("\r")
        self._size += len(text)
        if self._size > LONGEST:
            raise ValueError(f"an event of more than {LONGEST} characters")
        first, *rest = _BREAK.split(text)
        self._rest.append(first)
        for following in rest:
            line = "".join(self._rest)
            self._rest = [following]
            event = self._line(line)
            if event is not None:
                yield event

    def _line(self, line: str) -> Event | None:
        if not line:
            return self._dispatch()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._event = value
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and value.isdecimal():
            self.retry = int(value) / 1000
        return None

    def _dispatch(self) -> Event | None:
        found = Event(self._event, "\n".join(self._data)) if self._data else None
        self.last_id = self._id
        self._event, self._data = "message", []
        self._size = sum(map(len, self._rest))
        return found
