"""Calls with an intent each, damaged in every way, through a real proxy; and what the servers saw of each intent."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import anyio

from tests.faults.bench import ended, short, within
from tests.faults.world_server import DRESSES, MOODS, TOOLS, command
from tests.frontends.rawclient import MEND, Raw, started

Face = Literal["wrap", "serve"]
AT_ONCE = 8
TIMEOUT = 2.0
PATIENCE = 30.0
MARKS = {"north": "nx7", "south": "sq4"}
"""The servers, and how the values that they hand out begin."""


@dataclass(frozen=True)
class Intent:
    """One call as the client means it."""

    name: str
    server: str
    tool: str
    arguments: Any

    @property
    def values(self) -> list[Any]:
        """Every value that the client wrote, empty ones left out; each is nowhere else in the world."""
        return [value for value in _leaves(self.arguments) if value not in (None, "")]


@dataclass
class Tally:
    """What came of a number of intents."""

    intents: dict[str, Intent] = field(default_factory=dict[str, Intent])
    replies: dict[str, dict[str, Any] | None] = field(default_factory=dict[str, dict[str, Any] | None])
    seen: dict[str, list[dict[str, Any]]] = field(default_factory=dict[str, list[dict[str, Any]]])

    @property
    def repaired(self) -> int:
        """Calls whose reply tells of a repair."""
        metas = [((reply or {}).get("result") or {}).get("_meta") or {} for reply in self.replies.values()]
        return sum("mcp-mend/repair" in meta for meta in metas)

    def unanswered(self) -> list[str]:
        return [name for name in self.intents if self.replies.get(name) is None]

    def twice(self) -> list[str]:
        """Intents whose effect happened more than once; on idempotent tools, with other arguments each time."""
        return [self._told(name) for name, lines in self.seen.items() if self._doubled(lines)]

    @staticmethod
    def _doubled(lines: list[dict[str, Any]]) -> bool:
        done = [line for line in lines if line["done"] and line["effect"] != "read"]
        different = {json.dumps([line["tool"], line["given"]], sort_keys=True) for line in done}
        only_again = all(line["effect"] == "idempotent" for line in done) and len(different) == 1
        return len(done) > 1 and not only_again

    def lost(self) -> list[str]:
        """Calls that left the proxy without a value that the client had written."""
        return [
            f"{value!r} is not in what was sent: {self._told(name)}"
            for name, line in self._sent()
            for value in self.intents[name].values
            if _said(value) not in {_said(each) for each in _leaves(line["given"])}
            and not (line["effect"] == "read" and _may_be_refused(value))
        ]

    def invented(self) -> list[str]:
        """Calls that left the proxy with a value that the client had not written: another call's, or a server's."""
        return [
            f"{value!r} came from elsewhere: {self._told(name)}"
            for name, line in self._sent()
            for value in _leaves(line["given"])
            if _said(value) not in {_said(each) for each in self.intents[name].values}
            and value not in (None, "")
            and not (line["effect"] == "read" and value in MOODS)
        ]

    def carried(self) -> list[str]:
        """Calls that took a value of one server to another."""
        return [
            self._told(name)
            for name, line in self._sent()
            for server, mark in MARKS.items()
            if server != self.intents[name].server and mark in json.dumps(line["given"])
        ]

    def _sent(self) -> Iterator[tuple[str, dict[str, Any]]]:
        return ((name, line) for name, lines in self.seen.items() for line in lines if name in self.intents)

    def _told(self, name: str) -> str:
        meant = self.intents.get(name)
        came = [(line["tool"], line["effect"], line["given"], line["done"]) for line in self.seen.get(name, [])]
        return f"{name}: meant {meant.arguments if meant else None}, came {came}, reply {short(self.replies.get(name))}"


def _may_be_refused(value: Any) -> bool:
    """Tell whether a value may be given up on a tool that reads, once it was refused by the name of its argument."""
    return str(value).startswith(("extra ", "mood "))


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner)
    else:
        yield value


def _said(value: Any) -> str:
    """A value less its type and case: 40017 and "40,017", or "Calm" and "calm", say the same."""
    return str(value).lower().replace(",", "").replace(" ", "").removesuffix(".0").strip("[]\"'")


def intent(number: int, server: str, draw: random.Random) -> Intent:
    """A call of some tool, sound or damaged in one way or two."""
    name = f"intent-{number:05}"
    tool = draw.choice(list(TOOLS))
    stem = tool.rpartition("_")[0]
    _, who, many, mood, remark = next(dress for dress in DRESSES.values() if dress[0] == stem)
    given: Any = {"intent": name, who: f"Ada {number}", many: 40_000 + number}
    if draw.random() < 0.5:
        given[mood] = draw.choice(MOODS)
    if draw.random() < 0.5:
        given[remark] = f"window {number}"
    for _ in range(draw.choice([0, 1, 1, 1, 2])):
        given = damaged(given, (who, many, mood, remark), number, draw)
    return Intent(name, server, tool, given)


def damaged(given: Any, names: tuple[str, str, str, str], number: int, draw: random.Random) -> Any:
    """The same call, less sound."""
    who, many, mood, remark = names
    changed = dict(given)
    match draw.randrange(9):
        case 0 if isinstance(changed.get(many), int):
            changed[many] = draw.choice([str(changed[many]), f"{changed[many]:,}", float(changed[many])])
        case 1 if who in changed:
            changed[draw.choice([_mistyped(who, draw), who.upper(), f"{who}_", "value"])] = changed.pop(who)
        case 2 if many in changed:
            changed[draw.choice([_mistyped(many, draw), "amount", "n"])] = changed.pop(many)
        case 3:
            changed[draw.choice(["note", "extra", "άλλο", "その他", "dry_run", "filter"])] = f"extra {number}"
        case 4:
            changed.pop(draw.choice([who, many]), None)
        case 5 if mood in changed:
            changed[mood] = draw.choice([changed[mood].upper(), changed[mood].title(), f"mood {number}"])
        case 6:
            changed[remark] = draw.choice([None, "", [f"window {number}"]])
        case 7 if "intent" in changed:
            inner = {key: value for key, value in changed.items() if key != "intent"}
            return {"intent": changed["intent"], draw.choice(["arguments", "params", "input"]): inner}
        case _:
            pass
    return changed


def _mistyped(name: str, draw: random.Random) -> str:
    at = draw.randrange(len(name))
    return name[:at] + name[at + 1 :] if draw.random() < 0.5 and len(name) > 2 else name[:at] + name[at] + name[at:]


async def lived(folder: Path, number: int, seed: int, face: Face) -> Tally:
    """Send this many intents through one proxy, some at once, and gather what the servers saw."""
    draw = random.Random(f"{seed}/{face}")  # noqa: S311
    tally = Tally()
    command_line = [*MEND, face, "--config", str(_settings(folder, seed)), *(["--name", "north"] * (face == "wrap"))]
    async with started(folder, *command_line) as client:
        await client.initialize()
        await client.request("tools/list", {})
        await _sent(client, tally, [intent(i, _server(face, draw), draw) for i in range(number)], face)
        await ended(client)
    for server in MARKS:
        for line in _noted(folder / server):
            tally.seen.setdefault(line["intent"], []).append(line)
    return tally


async def _sent(client: Raw, tally: Tally, intents: list[Intent], face: Face) -> None:
    limit = anyio.Semaphore(AT_ONCE)

    async def one(meant: Intent) -> None:
        async with limit:
            name = meant.tool if face == "wrap" else f"{meant.server}__{meant.tool}"
            params = {"name": name, "arguments": meant.arguments}
            tally.replies[meant.name] = await within(PATIENCE, lambda: client.request("tools/call", params))

    async with anyio.create_task_group() as group:
        for meant in intents:
            tally.intents[meant.name] = meant
            group.start_soon(one, meant)


def _server(face: Face, draw: random.Random) -> str:
    return "north" if face == "wrap" else draw.choice(list(MARKS))


def _settings(folder: Path, seed: int) -> Path:
    lines = ['[planner]\nbackend = "none"\n']
    for server, mark in MARKS.items():
        program, *rest = command(folder / server, seed, mark)
        lines.append(f"[upstreams.{server}]\ncommand = {json.dumps(program)}\nargs = {json.dumps(rest)}")
        lines.append(f"call_timeout = {TIMEOUT}\n")
    path = folder / "proxy.toml"
    path.write_text("\n".join(lines))
    return path


def _noted(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
