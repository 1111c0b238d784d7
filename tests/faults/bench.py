"""Many bad servers behind one real proxy process, all called at once; and what became of each call."""

from __future__ import annotations

import json
import random
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import anyio.to_thread
import psutil

from tests.faults.bad_http import listening
from tests.faults.kinds import Kind
from tests.frontends.rawclient import MEND, Raw, started

BAD = str(Path(__file__).with_name("bad_stdio.py"))
PATIENCE = 25.0
"""Seconds for an answer, on a machine that has much else to do: far beyond every time-out that is waited for."""
START = 15.0
LATER = 5
"""Later calls within which a server that can must serve again."""

_intents = count(1)


@dataclass
class Outcome:
    """What became of the calls to one bad server."""

    kind: Kind
    first: dict[str, Any] | None = None
    later: list[dict[str, Any] | None] = field(default_factory=list[dict[str, Any] | None])
    answers: dict[Any, int] = field(default_factory=dict[Any, int])
    did: Counter[str] = field(default_factory=Counter[str])
    alive: list[int] = field(default_factory=list[int])

    def broken(self) -> list[str]:
        """Every law that did not hold, as a sentence."""
        return [*self._answered(), *self._once(), *self._again()]

    def _answered(self) -> Iterable[str]:
        if self.kind.cancelled:
            if self.first is not None:
                yield f"a withdrawn call was answered: {short(self.first)}"
            return
        if self.first is None:
            yield "the call was not answered in time"
            return
        got = what(self.first)
        if self.kind.answer not in ("any", got):
            yield f"the answer is a {got}, not a {self.kind.answer}: {short(self.first)}"
        if got == "error" and not said(self.first).strip():
            yield "the error does not say what happened"
        if not self.kind.waits and "no reply within" in said(self.first):
            yield f"a call was held until its time-out: {short(self.first)}"

    def _once(self) -> Iterable[str]:
        yield from (f"request {ident} was answered {times} times" for ident, times in self.answers.items() if times > 1)
        yield from (f"intent {name} was done {times} times" for name, times in self.did.items() if times > 1)
        if self.alive:
            yield f"processes were left: {self.alive}"

    def _again(self) -> Iterable[str]:
        if any(reply is None for reply in self.later):
            yield "a later call was not answered in time"
        elif self.kind.recovers and not any(what(reply) == "result" for reply in self.later if reply is not None):
            yield f"later calls do not work: {short(self.later[-1]) if self.later else 'none was sent'}"


def what(reply: Mapping[str, Any]) -> str:
    """Tell a passed-on result from an error."""
    result = reply.get("result")
    return "result" if result is not None and not result.get("isError") else "error"


def said(reply: Mapping[str, Any]) -> str:
    """The words of an error."""
    return str(reply.get("error", {}).get("message", "")) or json.dumps(reply.get("result"))


def short(reply: Any) -> str:
    """A reply for a person's eyes."""
    return json.dumps(reply, ensure_ascii=False)[:500]


async def within(seconds: float, work: Callable[[], Awaitable[dict[str, Any]]]) -> dict[str, Any] | None:
    """The reply, or None where it does not come in time."""
    with anyio.move_on_after(seconds):
        try:
            return await work()
        except TimeoutError:
            return None
    return None


class Bench:
    """One client of one proxy in front of many bad servers."""

    def __init__(self, client: Raw, prefixed: Callable[[Kind], str]) -> None:
        self._client = client
        self._tool = prefixed

    async def act(self, kind: Kind, **more: Any) -> dict[str, Any] | None:
        """One call of an intent of its own."""
        params = {"name": self._tool(kind), "arguments": {"intent": f"i{next(_intents)}", **more}}
        return await within(PATIENCE, lambda: self._client.request("tools/call", params))

    async def try_out(self, kind: Kind, draw: random.Random, *, more: int = LATER) -> Outcome:
        """Call a bad server so that it shows its fault, and then until it serves again."""
        outcome = Outcome(kind)
        load = {"load": "x" * 2_000_000} if kind.fault == "stops reading" else {}
        if kind.cancelled:
            await self._withdrawn(kind)
        else:
            outcome.first = await self.act(kind, bad=True, **load)
        for _ in range(more):
            if draw.random() < 0.2:
                await anyio.lowlevel.checkpoint()
            outcome.later.append(await self.act(kind, **load))
            if outcome.later[-1] is None or what(outcome.later[-1]) == "result" or not kind.recovers:
                break
        return outcome

    async def _withdrawn(self, kind: Kind) -> None:
        """Send a call and withdraw it once the server surely has it."""
        await self.act(kind)
        params = {"name": self._tool(kind), "arguments": {"intent": f"i{next(_intents)}", "bad": True}}
        self._client.send({"jsonrpc": "2.0", "id": "withdrawn", "method": "tools/call", "params": params})
        await self.act(kind)
        self._client.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "withdrawn"}})

    def counted(self, outcomes: Mapping[str, Outcome]) -> None:
        """Note how often each request was answered; a withdrawn one may not be at all."""
        times = Counter(repr(message.get("id")) for message in self._client.all if "method" not in message)
        for outcome in outcomes.values():
            outcome.answers = {ident: number for ident, number in times.items() if number > 1}
            if outcome.kind.cancelled and times["'withdrawn'"]:
                outcome.first = {"error": {"message": "withdrawn"}}


def settings(folder: Path, kinds: Sequence[Kind], port: int | None) -> Path:
    """A configuration with one upstream for each kind, over stdio, or over HTTP on a port."""
    lines = ['[planner]\nbackend = "none"\n']
    for kind in kinds:
        way = (
            f"command = {json.dumps(sys.executable)}\n"
            f"args = {json.dumps(['-I', '-S', BAD, kind.fault, str(folder / kind.server)])}\n"
            if port is None
            else f'url = "http://127.0.0.1:{port}/{kind.server}"\ntransport = "http"\n'
        )
        lines.append(f"[upstreams.{kind.server}]\n{way}start_timeout = {START}\ncall_timeout = {kind.call_timeout}\n")
    path = folder / "proxy.toml"
    path.write_text("\n".join(lines))
    return path


def noted(file: Path) -> list[dict[str, Any]]:
    """What a bad server over stdio wrote down."""
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


async def over_stdio(folder: Path, kinds: Sequence[Kind], draw: random.Random) -> dict[str, Outcome]:
    """Try these kinds at once, each a process of its own; the outcome of each by its fault."""
    outcomes = await _tried(folder, kinds, draw, settings(folder, kinds, None))
    for outcome in outcomes.values():
        lines = noted(folder / outcome.kind.server)
        outcome.did = Counter(str(line["did"]) for line in lines if "did" in line)
        outcome.alive = await anyio.to_thread.run_sync(left, [line["pid"] for line in lines if "pid" in line])
    return outcomes


async def over_http(folder: Path, kinds: Sequence[Kind], draw: random.Random) -> dict[str, Outcome]:
    """The same with one server that speaks HTTP badly."""
    async with listening() as bad:
        outcomes = await _tried(folder, kinds, draw, settings(folder, kinds, bad.port))
    for fault, outcome in outcomes.items():
        outcome.did = bad.did.get(fault, outcome.did)
    return outcomes


async def _tried(folder: Path, kinds: Sequence[Kind], draw: random.Random, config: Path) -> dict[str, Outcome]:
    outcomes: dict[str, Outcome] = {}
    async with started(folder, *MEND, "serve", "--config", str(config)) as client:
        await client.initialize()
        bench = Bench(client, lambda kind: f"{kind.server}__act")

        async def one(kind: Kind) -> None:
            outcomes[kind.fault] = await bench.try_out(kind, draw)

        async with anyio.create_task_group() as group:
            for kind in kinds:
                group.start_soon(one, kind)
        bench.counted(outcomes)
        await ended(client)
    return outcomes


async def ended(client: Raw) -> None:
    """Leave the proxy, which may still wait for calls and stubborn processes."""
    assert client.process.stdin is not None
    client.process.stdin.close()
    with anyio.fail_after(PATIENCE):
        await client.process.wait()


def left(processes: Sequence[int]) -> list[int]:
    """Which of these processes are still there after ten seconds at most."""
    found = [psutil.Process(pid) for pid in processes if psutil.pid_exists(pid)]
    _, alive = psutil.wait_procs(found, timeout=10)
    return [process.pid for process in alive]
