"""What each fault must come to: an answer of the right kind, once, in time, and later calls that work again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tests.faults import bad_http, bad_stdio

Answer = Literal["result", "error", "any"]


@dataclass(frozen=True)
class Kind:
    """One fault and what the law wants of it.

    `waits` tells that nothing but the call's time-out can end it; any other must be answered long before that.
    `recovers` tells that the server serves later calls, `cancelled` that the client withdraws the call.
    """

    fault: str
    answer: Answer
    waits: bool = False
    recovers: bool = True
    cancelled: bool = False

    @property
    def server(self) -> str:
        """The name of its upstream."""
        return self.fault.replace(" ", "-")

    @property
    def call_timeout(self) -> float:
        """Seconds for its calls: short where it must be waited for, else beyond the patience of the bench."""
        return 2.0 if self.waits else 120.0


def _kinds(answer: Answer, faults: str, *, waits: bool = False, recovers: bool = True) -> list[Kind]:
    return [Kind(fault.strip(), answer, waits, recovers) for fault in faults.split(",")]


STDIO = (
    *_kinds("result", "dies after, closes stdin, noise, ansi, giant noise, giant result, invalid utf-8 noise"),
    *_kinds("result", "unknown id first, replies twice, replies to notifications, list changed storm, progress flood"),
    *_kinds("result", "asks back, talks to stderr, drop by drop, slow, batch, lone surrogate, slow start"),
    *_kinds("result", "stubborn child, ignores sigterm, same cursor, ever new cursor, nameless tools, duplicate tools"),
    *_kinds("result", "no objects as tools, schemas that are none, noise before hello"),
    *_kinds("any", "invalid utf-8, leading nul, byte order mark, deep nesting, long integer, nan, text id, float id"),
    *_kinds("any", "result is a number, result is null, result and error, neither"),
    *_kinds("error", "dies before, dies during, half a reply, closes stdout, grandchild keeps stdout"),
    *_kinds("error", "error is a text, error without fields, odd content, content is a text"),
    *_kinds("error", "wrong id, no id, never replies, closes stdin unanswered", waits=True),
    *_kinds("error", "stops reading", waits=True, recovers=False),
    *_kinds("error", "exits on initialize, refuses initialize, initialize with a list, never greets", recovers=False),
    *_kinds("any", "initialize without fields, unknown version", recovers=False),
    *_kinds("error", "null tools, tools in an object, refuses to list, never lists", recovers=False),
    Kind("late after cancel", "any", cancelled=True),
)
"""Every fault of `bad_stdio`."""

HTTP = (
    *_kinds("result", "moved 307, moved 308, until closed, slow headers, huge, two responses, batch, session lost"),
    *_kinds("result", "stream, stream with returns, stream in pieces, stream after reply, stream invalid utf-8"),
    *_kinds("result", "stream no json, stream huge, stream other events"),
    *[Kind(fault, "error") for fault in bad_http.CALLS if fault.startswith("status ")],
    *_kinds("error", "404 with session, retry after, redirect 302 after, accepted, no content, empty, html, no json"),
    *_kinds("error", "cut off, cut off chunks, bad chunk, resets, resets midway, no gzip, stream ends, gzip bomb"),
    *_kinds("any", "redirect 307 after, redirect 308 after, wrong content type, endless header, invalid utf-8"),
    *_kinds("any", "deep nesting, long integer, id as text, other id"),
    *_kinds("error", "silence, stream never ends, stream of comments", waits=True),
    *_kinds("error", "500 at once, 404 at once, html at once, silent at once, resets at once, circle", recovers=False),
    *_kinds("error", "no http", recovers=False),
)
"""Every fault of `bad_http`."""

assert {kind.fault for kind in STDIO} == {*bad_stdio.START, *bad_stdio.LISTS, *bad_stdio.CALLS, bad_stdio.NOTIFIED}
assert {kind.fault for kind in HTTP} == {*bad_http.AT_ONCE, *bad_http.CALLS}
