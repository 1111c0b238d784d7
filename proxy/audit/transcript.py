"""What the readers of transcripts yield, and the calls that come of it. Pure; knows no format."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from schemas.catalog import Json, as_list, as_object, canonical
from schemas.trial import Reply

CHAT = "tools"
"""Stands for the server of a tool whose name tells none, as in the messages of a model's API."""


@dataclass(frozen=True)
class Listed:
    """A list of tools, as raw MCP tool objects."""

    server: str
    tools: tuple[Mapping[str, Json], ...]


@dataclass(frozen=True)
class Called:
    """A call as the agent made it; `key` joins it with its answer, `turn` counts the model's messages before it."""

    key: str
    session: str
    server: str
    name: str
    arguments: Json
    turn: int
    line: int


@dataclass(frozen=True)
class Answered:
    """The answer to a call; `stated` tells whether the format says if the call failed."""

    key: str
    reply: Reply
    stated: bool = True


@dataclass(frozen=True)
class Elsewhere:
    """A call of a tool that no MCP server has: the client's own."""

    name: str


@dataclass(frozen=True)
class Left:
    """A record that cannot be used, and why."""

    why: str


KEPT = 20_000
"""Characters of an answer that are kept: memory is bounded by the number of calls."""

Event = Listed | Called | Answered | Elsewhere | Left


@dataclass(frozen=True)
class Past:
    """One call of a transcript with what came back, None where that is not in it."""

    called: Called
    reply: Reply | None = None
    stated: bool = True

    @property
    def server(self) -> str:
        """The server that it was for."""
        return self.called.server

    @property
    def name(self) -> str:
        """The tool as the agent named it."""
        return self.called.name

    @property
    def arguments(self) -> Json:
        """The arguments as the agent gave them."""
        return self.called.arguments


@dataclass
class Transcript:
    """Everything that one file holds."""

    file: str
    format: str = ""
    lines: int = 0
    malformed: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    """The first lines that could not be read, and why."""
    unread: int = 0
    """How many lines could not be read."""
    left: dict[str, int] = field(default_factory=dict[str, int])
    """Why records were left aside, and how many."""
    elsewhere: int = 0
    tools: dict[str, dict[str, Mapping[str, Json]]] = field(default_factory=dict[str, dict[str, Mapping[str, Json]]])
    """The tools by server and name; a later list replaces what it names."""
    calls: dict[str, Past] = field(default_factory=dict[str, Past])

    def take(self, events: Iterable[Event]) -> None:
        """Take in what a reader yields; a call that is told twice, as in cumulative logs, counts once."""
        for event in events:
            match event:
                case Listed():
                    known = self.tools.setdefault(event.server, {})
                    known.update({str(tool.get("name")): tool for tool in event.tools})
                case Called():
                    self.calls.setdefault(event.key, Past(event))
                case Answered():
                    past = self.calls.get(event.key)
                    if past is not None and past.reply is None:
                        self.calls[event.key] = replace(past, reply=_brief(event.reply), stated=event.stated)
                case Elsewhere():
                    self.elsewhere += 1
                case Left():
                    self.left[event.why] = self.left.get(event.why, 0) + 1

    @property
    def sessions(self) -> list[list[Past]]:
        """The calls of each session, in order."""
        found: dict[str, list[Past]] = {}
        for past in self.calls.values():
            found.setdefault(past.called.session, []).append(past)
        return list(found.values())


def _brief(reply: Reply) -> Reply:
    """The same reply without what nobody reads: a refusal is told by its beginning, a large result is no evidence."""
    if reply.result is None or len(canonical(reply.result)) <= KEPT:
        return reply
    if not reply.refused:
        return Reply(result={"content": []})
    blocks = (as_object(block) or {} for block in as_list(reply.result.get("content")) or [])
    texts = [{"type": "text", "text": str(block.get("text", ""))[:KEPT]} for block in blocks]
    return Reply(result={"content": texts[:1], "isError": True})
