"""Connections of one session alone, over real servers in this process."""

from __future__ import annotations

import anyio
import pytest

from proxy.eras.session_state import SessionState
from proxy.upstreams import supervisor
from proxy.upstreams.broadcast import Broadcast
from proxy.upstreams.connect import UnreachableError
from proxy.upstreams.fleet import Fleet
from proxy.upstreams.granted import GrantedFleet
from proxy.upstreams.session_connections import SessionConnections
from proxy.wire.caller import Connection, Profile
from schemas.access import Tenant
from tests.upstreams.fleets import Remembering, echo, fleet, said, say


def apart(upstreams: Fleet) -> tuple[SessionConnections, Remembering]:
    """The connections of one session, and a caller that they are of."""
    own = SessionConnections(upstreams, Profile(), Broadcast(lambda server, tool: None, lambda server: None))
    caller = Remembering()
    caller.own = own
    return own, caller


async def shared_is_down(upstreams: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """End the connection that all share, and let no other be made."""

    async def refused(*_: object) -> None:
        raise UnreachableError("it is down")

    monkeypatch.setattr(supervisor, "connect", refused)
    member = upstreams.member("a")
    assert member is not None
    assert member.connection is not None
    await member.connection.close()
    with anyio.fail_after(10):
        while member.state is not supervisor.State.DOWN:  # noqa: ASYNC110  it says so nowhere else
            await anyio.sleep(0.01)


@pytest.mark.parametrize("tenant", [False, True])
async def test_a_session_goes_on_over_its_own_connection_while_the_shared_one_is_down(
    tenant: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with fleet(a=echo()) as whole:
        upstreams = GrantedFleet(whole, Tenant("ada")) if tenant else whole
        own, caller = apart(upstreams)
        assert said(await say(upstreams, "a", "before", caller)) == "before"
        await shared_is_down(whole, monkeypatch)
        assert said(await say(upstreams, "a", "after", caller)) == "after"
        assert (await say(upstreams, "a", "without a session")).lost is not None
        await own.close()


async def test_a_request_that_is_cancelled_while_it_connects_leaves_no_half_restored_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    restoring, restored = anyio.Event(), SessionState.restore
    begun: list[Connection] = []

    async def hung(state: SessionState, connection: Connection) -> None:
        begun.append(connection)
        restoring.set()
        await anyio.sleep_forever()

    async with fleet(a=echo()) as upstreams:
        own, caller = apart(upstreams)
        await upstreams.ready("a")
        monkeypatch.setattr(SessionState, "restore", hung)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(say, upstreams, "a", "cancelled", caller)
            await restoring.wait()
            assert not own.has("a")
            tasks.cancel_scope.cancel()
        assert not begun[0].open
        assert not own.has("a")
        monkeypatch.setattr(SessionState, "restore", restored)
        assert said(await say(upstreams, "a", "the next", caller)) == "the next"
        await own.close()


async def test_a_session_that_ends_while_a_connection_is_restored_ends_that_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun: list[Connection] = []
    async with fleet(a=echo()) as upstreams:
        own, caller = apart(upstreams)
        await upstreams.ready("a")

        async def left(state: SessionState, connection: Connection) -> None:
            begun.append(connection)
            await own.close()

        monkeypatch.setattr(SessionState, "restore", left)
        assert (await say(upstreams, "a", "too late", caller)).message == "a is not available: the session has ended"
        assert not begun[0].open


async def test_a_dead_connection_is_replaced_without_waiting_for_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    async with fleet(a=echo()) as upstreams:
        own, caller = apart(upstreams)
        assert said(await say(upstreams, "a", "before", caller)) == "before"
        dead, ended = await own.connection("a"), anyio.Event()
        await dead.close()
        monkeypatch.setattr(dead, "close", ended.wait)
        assert said(await say(upstreams, "a", "after", caller)) == "after"
        ended.set()
        await own.close()
