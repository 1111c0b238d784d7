"""One end of a connection: every request ends in one reply, and nothing malformed ends the connection."""

from __future__ import annotations

import asyncio
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from proxy.wire.peer import Incoming, Peer
from proxy.wire.rpc import Id, Message, encode
from schemas.trial import Lost, Reply
from tests.promises import promise


class Written:
    """A wire that keeps what is sent, as text that could travel."""

    def __init__(self) -> None:
        self.sent: list[Message] = []

    def send(self, message: Message) -> None:
        encode(message)
        self.sent.append(message)

    async def drained(self) -> None:
        return

    def abandon(self, ident: Id) -> bool:
        return False


async def serve(incoming: Incoming) -> Reply:
    if incoming.method == "bug":
        raise RuntimeError("a bug")
    return Reply(result={"x": object()} if incoming.method == "unwritable" else {"method": incoming.method})


def hear(incoming: Incoming) -> None:
    raise RuntimeError("a bug")


def pair() -> tuple[Peer, Written]:
    wire = Written()
    return Peer(wire, serve, hear), wire


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"jsonrpc": "2.0", "id": 1, "method": "bug"}, -32603),
        ({"jsonrpc": "2.0", "id": 1, "method": "unwritable"}, -32603),
        ({"jsonrpc": "2.0", "id": None, "method": "x"}, -32600),
        ({"jsonrpc": "2.0", "id": [1], "method": "x"}, -32600),
    ],
)
async def test_what_cannot_be_answered_is_an_error(message: Message, code: int) -> None:
    peer, wire = pair()
    peer.receive(message)
    with anyio.fail_after(5):
        await peer.idle.wait()
    assert wire.sent[-1]["error"]["code"] == code
    peer.receive({"jsonrpc": "2.0", "id": "after", "method": "fine"})
    with anyio.fail_after(5):
        await peer.idle.wait()
    assert wire.sent[-1] == {"jsonrpc": "2.0", "id": "after", "result": {"method": "fine"}}


async def test_a_notification_that_fails_inside_is_survived() -> None:
    peer, _ = pair()
    peer.receive({"jsonrpc": "2.0", "method": "notifications/x", "params": [1]})
    assert peer.closed is None


@pytest.mark.parametrize("body", [{"result": 3}, {"result": None}, {"error": "text"}, {}, {"result": [1]}])
async def test_a_malformed_reply_ends_the_request(body: dict[str, Any]) -> None:
    peer, wire = pair()

    async def answer() -> None:
        while not wire.sent:
            await anyio.lowlevel.checkpoint()
        peer.receive({"jsonrpc": "2.0", "id": wire.sent[0]["id"], **body})

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(answer)
        with anyio.fail_after(5):
            reply = await peer.request("x", {})
    assert reply.lost is Lost.BROKEN
    assert "malformed" in reply.message


async def test_replies_to_nothing_are_dropped() -> None:
    peer, _ = pair()
    for ident in (99, "x", None, [1], {"a": 1}):
        peer.receive({"jsonrpc": "2.0", "id": ident, "result": {}})
    assert peer.pending == {}


@promise("every-call-is-answered")
async def test_the_only_request_is_answered_under_whatever_id() -> None:
    peer, wire = pair()
    for said in (0, 0, "seven"):
        assert (await asked(peer, wire, said)).result == {"said": said}


@promise("every-call-is-answered")
async def test_replies_that_cannot_be_told_apart_end_their_requests_at_once() -> None:
    peer, wire = pair()
    await asked(peer, wire, 0)
    replies: list[Reply] = []

    async def ask() -> None:
        replies.append(await peer.request("x", {}))

    async with anyio.create_task_group() as tasks:
        for _ in range(2):
            tasks.start_soon(ask)
        while len(peer.pending) < 2:
            await anyio.lowlevel.checkpoint()
        peer.receive({"jsonrpc": "2.0", "id": 0, "result": {}})
    assert [reply.lost for reply in replies] == [Lost.BROKEN, Lost.BROKEN]
    assert "cannot be told apart" in replies[0].message


async def test_a_late_reply_answers_no_other_request() -> None:
    peer, wire = pair()
    await asked(peer, wire, 0)
    with anyio.move_on_after(0.01):
        await peer.request("late", {})
    late = next(message["id"] for message in wire.sent if message.get("method") == "late")
    assert not await ended(peer, {"jsonrpc": "2.0", "id": late, "result": {"late": True}})


async def test_a_reply_to_a_notification_answers_no_request() -> None:
    peer, wire = pair()
    await asked(peer, wire)
    for said in (0, None, "x"):
        assert not await ended(peer, {"jsonrpc": "2.0", "id": said, "error": {"code": -32601, "message": "no"}})


async def ended(peer: Peer, message: Message) -> bool:
    """Tell whether a message ends the one request that waits."""
    asking = asyncio.ensure_future(peer.request("x", {}))
    while not peer.pending:
        await anyio.lowlevel.checkpoint()
    peer.receive(message)
    await anyio.sleep(0.01)
    over = asking.done()
    asking.cancel()
    await asyncio.wait([asking])
    return over


async def asked(peer: Peer, wire: Written, said: Any = None) -> Reply:
    """What comes of a request that is answered under this id, None for its own."""
    before = len(wire.sent)

    asking = asyncio.ensure_future(peer.request("x", {}, seconds=5))
    while len(wire.sent) == before:
        await anyio.lowlevel.checkpoint()
    peer.receive({"jsonrpc": "2.0", "id": wire.sent[-1]["id"] if said is None else said, "result": {"said": said}})
    return await asking


async def test_a_closed_connection_loses_what_waits_and_sends_nothing_more() -> None:
    peer, wire = pair()
    replies: list[Reply] = []

    async def ask() -> None:
        replies.append(await peer.request("x", {}))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask)
        while not peer.pending:
            await anyio.lowlevel.checkpoint()
        peer.close("gone", ("last words",))
    assert (replies[0].lost, replies[0].message, replies[0].stderr) == (Lost.BROKEN, "gone", ("last words",))
    assert (await peer.request("y", {})).lost is Lost.NOT_SENT
    assert len(wire.sent) == 1


async def test_ids_are_used_once_in_the_whole_process() -> None:
    ids: set[Any] = set()
    for _ in range(3):
        peer, wire = pair()
        with anyio.move_on_after(0):
            await peer.request("x", {})
        ids |= {message["id"] for message in wire.sent if "id" in message}
    assert len(ids) == 3


@promise("every-call-is-answered")
async def test_two_requests_of_one_id_are_both_answered_before_all_is_done() -> None:
    gate = anyio.Event()

    async def slow(incoming: Incoming) -> Reply:
        await gate.wait()
        return Reply(result={"method": incoming.method})

    wire = Written()
    peer = Peer(wire, slow, hear)
    for method in ("one", "two"):
        peer.receive({"jsonrpc": "2.0", "id": 7, "method": method})
    gate.set()
    with anyio.fail_after(5):
        await peer.idle.wait()
    assert [message["result"]["method"] for message in wire.sent] == ["one", "two"]
