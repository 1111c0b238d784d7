"""What is fuzzed: functions of bytes that raise where a law does not hold, for Hypothesis and for atheris alike.

Bytes that a target cannot use are ignored, so that a fuzzer loses nothing by trying.
"""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from catalog_cache.names import resolve as resolve_name
from proxy.repair.edits import apply, dangling
from proxy.repair.read.diagnose import diagnose
from proxy.repair.read.dialects import normalise_tools, read_submission
from proxy.repair.read.refusal import read, silent_failure
from proxy.repair.search.propose import repairs
from proxy.repair.view.schema import fits
from proxy.repair.view.step import Evidence
from proxy.repair.view.values import MISSING, at, join, paths, resolve, segments
from proxy.settings.errors import ConfigError
from proxy.settings.load import load_text
from proxy.wire import rpc
from proxy.wire.events import Event, Events
from proxy.wire.lines import Lines
from proxy.wire.peer import Incoming, NotConnected, Peer
from schemas.catalog import Catalog, Effect, Tool, catalog_of
from schemas.plan import Plan, Step
from schemas.trial import Reply, StepRun, Verdict

PATIENCE = 20
"""Seconds for one input: far beyond what any needs on a busy machine, and far below what a runaway pattern takes."""

Target = Callable[[bytes], None]


class TooSlowError(BaseException):
    """An input took longer than anybody would wait; no `except Exception` on the way may swallow it."""


@contextmanager
def bounded(seconds: int = PATIENCE) -> Generator[None]:
    """End what runs longer; works inside the patterns of `re`, which heed signals."""

    def late(*_: object) -> None:
        raise TooSlowError(f"longer than {seconds} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _json(data: bytes) -> Any:
    """The JSON in these bytes, None where there is none."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


# the wire


def _cut(data: bytes) -> list[bytes]:
    """The same bytes in pieces, whose size the first byte tells."""
    size = (data[0] % 7 + 1) if data else 1
    return [data[at : at + size] for at in range(0, len(data), size)]


def lines(data: bytes) -> None:
    """However the bytes are cut, the same messages come out; and each is written so that it is read again."""

    def heard(pieces: Sequence[bytes]) -> list[rpc.Message]:
        found: list[rpc.Message] = []
        reader = Lines(found.append, lambda _: None)
        for piece in pieces:
            reader.feed(piece)
        return found

    whole = heard([data, b"\n"])
    assert repr(whole) == repr(heard([*_cut(data), b"\n"]))
    for message in whole:
        assert isinstance(message, dict)
        again = rpc.decode(rpc.encode(message))
        assert again is not None
        assert repr(again) == repr([message])


def events(data: bytes) -> None:
    """However a stream is cut, the same events come out, or it is refused as endless."""

    def heard(pieces: Sequence[bytes]) -> list[Event]:
        reader = Events()
        return [event for piece in pieces for event in reader.feed(piece)]

    assert heard([data]) == heard(_cut(data))


def peer(data: bytes) -> None:
    """Whatever messages come in, the connection goes on, and a request that waits is answered by its reply."""

    async def talk() -> None:
        async def serve(_: Incoming) -> Reply:
            return Reply(result={})

        ours = Peer(NotConnected(), serve, lambda _: None)
        for line in data.split(b"\n"):
            for message in rpc.decode(line) or []:
                ours.receive(message)
        await ours.finish()

    asyncio.run(talk())


# plans


def _raw(name: str, required: Sequence[str] = (), **properties: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": list(required)}
    return {"name": name, "description": name, "inputSchema": schema}


def _tool(server: str, raw: dict[str, Any], effect: Effect | None = None) -> Tool:
    return Tool(server, raw["name"], f"{server}__{raw['name']}", raw, override=effect)


TEXT, WHOLE, DATE = {"type": "string"}, {"type": "integer"}, {"format": "date"}
CATALOG = Catalog(
    (
        _tool("lab", _raw("probe", ["mark"], mark=WHOLE, depth=WHOLE), Effect.READ),
        _tool(
            "lab", _raw("store", ["text"], text=TEXT, tags={"type": "array", "items": TEXT}, when={"format": "date"})
        ),
        _tool("far", _raw("log_line", ["text"], text=TEXT, level={"enum": ["low", "high"]}), Effect.WRITE),
    ),
    ("lab", "far"),
)


def submission(data: bytes) -> None:
    """Whatever is submitted is read or refused; and no repair of it brings in a cycle or a lost reference."""
    raw = _json(data)
    read_plan = read_submission(raw)
    if read_plan.plan is None:
        assert read_plan.faults or read_plan.goal
        return
    plan, _ = normalise_tools(read_plan.plan, CATALOG)
    evidence = Evidence(CATALOG)
    diagnose(plan, evidence)
    for step in plan.steps[:6]:
        for repair in repairs(plan, step.id, evidence):
            _sound(plan, repair.plan)
            changed = apply(plan, [edit for proposal in repair.proposals for edit in proposal.edits])
            assert changed == repair.plan, changed


def _sound(before: Plan, after: Plan) -> None:
    assert not after.cycle or before.cycle
    assert dangling(after) <= dangling(before)


def call(data: bytes) -> None:
    """`[schema, arguments, error text]`: a call that was refused, of a tool with this schema.

    A call that fits its schema, and that nobody has refused, gets no repair at all.
    """
    match _json(data):
        case [schema, arguments, str(text)]:
            pass
        case _:
            return
    tool = Tool("s", "t", "s__t", {"name": "t", "description": text[:200], "inputSchema": schema})
    catalog, plan = catalog_of([tool]), Plan((Step("call", "t", arguments, "s"),))
    fresh = Evidence(catalog, single=True)
    with bounded():
        if isinstance(schema, dict) and isinstance(arguments, dict) and _plain_and_fits(schema, arguments):
            assert diagnose(plan, fresh) == (), diagnose(plan, fresh)
            assert all(repair.plan == plan for repair in repairs(plan, "call", fresh))
        reply = Reply(result={"isError": True, "content": [{"type": "text", "text": text}]})
        run = StepRun("call", "s", "t", arguments, Verdict.REFUSED, reply)
        for repair in repairs(plan, "call", Evidence(catalog, {"call": run}, single=True)):
            _sound(plan, repair.plan)
            assert all(proposal.evidence and proposal.rule for proposal in repair.proposals)


def _plain_and_fits(schema: dict[str, Any], arguments: dict[str, Any]) -> bool:
    """Tell whether a call is sound beyond doubt: every argument is declared, and nothing looks like a reference."""
    properties = schema.get("properties")
    known = properties if isinstance(properties, dict) else {}
    plain = set(schema) <= {"type", "properties", "required", "additionalProperties"} and set(arguments) <= set(known)
    written = json.dumps(arguments)
    return plain and "$" not in written and "{{" not in written and "<" not in written and fits(schema, arguments)


def refusal(data: bytes) -> None:
    """`[text, arguments, names]`: an error text is read, in bounded time, and blames only what is there."""
    match _json(data):
        case [str(text), arguments, [*names]]:
            pass
        case _:
            return
    known = [name for name in names if isinstance(name, str)]
    with bounded():
        found = read(text, arguments, known)
        silent_failure(text, has_output_schema=False)
    sent = set(arguments) if isinstance(arguments, dict) else set()
    assert set(found.missing).isdisjoint(sent)
    assert set(found.unexpected) <= sent
    assert set(found.named) <= {*sent, *known}


def name(data: bytes) -> None:
    """A name that a server's own prefix owns leads to that server, or nowhere."""
    said = data.decode(errors="replace")
    with bounded():
        found = resolve_name(CATALOG, said)
    for server in CATALOG.offering:
        if said.startswith((f"{server}__", f"{server}.", f"{server}:", f"mcp__{server}__")):
            assert {tool.server for tool in found} <= {server}


# values and settings


def path(data: bytes) -> None:
    """`[value, path, text]`: paths into values and references in texts lead to something there, or to nothing."""
    match _json(data):
        case [value, str(where), str(text)]:
            pass
        case _:
            return
    with bounded():
        at(value, where)
        for parts, inner in paths(value):
            if parts and all(part for part in parts):
                assert repr(at(value, join(parts))) == repr(inner) or segments(join(parts)) != parts
        filled, failed = resolve({"a": text, "b": [text, {"$ref": "s", "path": where}]}, {"s": value, "t": MISSING})
    assert isinstance(filled, dict)
    assert all(unresolved.ref.step in {"s", "t"} or not unresolved.ran for unresolved in failed)


def settings(data: bytes) -> None:
    """Any text is a configuration, or is refused in sentences that name the file."""
    text = data.decode(errors="replace")
    for file in ("proxy.toml", "mcp.json"):
        with bounded(), suppress(ConfigError):
            load_text(file, text, {"HOME": "/home/ada"})


TARGETS: dict[str, Target] = {
    "lines": lines,
    "events": events,
    "peer": peer,
    "submission": submission,
    "call": call,
    "refusal": refusal,
    "name": name,
    "path": path,
    "settings": settings,
}
