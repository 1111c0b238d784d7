"""Servers started as child processes: transparent while they live, harmless when they do not."""

from __future__ import annotations

import json
import os
import sys

import anyio
import anyio.lowlevel
import anyio.to_thread
import psutil
import pytest

from proxy.upstreams import stdio, supervisor
from proxy.upstreams.fleet import Fleet
from schemas.config import Upstream
from schemas.trial import Lost, Reply
from tests.upstreams.fleets import Remembering, echo, fleet, said, say


async def test_a_result_keeps_unknown_fields_and_nulls() -> None:
    async with fleet(a=echo()) as upstreams:
        reply = await say(upstreams, "a", "hé\u2028")
    content = [{"type": "text", "text": "hé\u2028", "x-vendor": None}]
    assert reply.result == {"content": content, "isError": False, "x-result": [None]}


async def test_an_error_keeps_code_and_data() -> None:
    async with fleet(a=echo()) as upstreams:
        reply = await upstreams.request("a", "no/such", {})
    assert reply.error == {"code": -32601, "message": "Method not found", "data": {"x": None}}


async def test_lines_that_are_no_messages_are_skipped() -> None:
    async with fleet(a=echo("--noise")) as upstreams:
        assert said(await say(upstreams, "a", "still here")) == "still here"


async def test_an_old_protocol_version_is_accepted() -> None:
    async with fleet(a=echo("--version", "2024-11-05")) as upstreams:
        assert said(await say(upstreams, "a", "old")) == "old"
        assert upstreams.hello("a")["protocolVersion"] == "2024-11-05"


async def test_every_page_of_the_tool_list_is_read() -> None:
    async with fleet(a=echo("--tools", "7", "--page", "3")) as upstreams:
        await upstreams.ready("a")
        assert [tool.name for tool in upstreams.catalog] == ["echo", *(f"echo_{number}" for number in range(1, 7))]
        assert upstreams.frame("a") == {"x-list": "kept"}


async def test_broken_neighbours_do_not_hurt() -> None:
    missing = Upstream(command="no-such-program-anywhere")
    async with fleet(missing=missing, deaf=echo("--deaf"), good=echo()) as upstreams:
        assert said(await say(upstreams, "good", "fine")) == "fine"
        lost = await say(upstreams, "missing", "x")
    assert lost.lost is Lost.NOT_SENT
    assert "'no-such-program-anywhere' was not found on PATH" in lost.message


async def test_an_upstream_that_never_answers_is_given_up_after_its_start_time_out() -> None:
    async with fleet(deaf=echo("--deaf", start_timeout=0.5)) as upstreams:
        lost = await say(upstreams, "deaf", "x")
    assert lost.lost is Lost.NOT_SENT
    assert "no handshake within 0.5 s" in lost.message


async def test_a_death_loses_the_call_with_the_last_words_and_the_next_call_meets_a_new_process() -> None:
    async with fleet(a=echo()) as upstreams:
        lost = await say(upstreams, "a", "die")
        assert lost.lost is Lost.BROKEN
        assert lost.stderr[-1] == "dying as asked"
        assert said(await say(upstreams, "a", "back")) == "back"


async def test_a_failing_start_tells_the_last_lines_of_stderr() -> None:
    failing = Upstream(command=sys.executable, args=["-c", "raise SystemExit('this is why')"])
    async with fleet(a=failing) as upstreams:
        lost = await say(upstreams, "a", "x")
    assert lost.stderr[-1] == "this is why"


async def test_the_environment_is_inherited_and_added_to() -> None:
    os.environ["MEND_TEST_INHERITED"] = "from the client"
    try:
        async with fleet(a=echo(env={"MEND_TEST_OWN": "its own"})) as upstreams:
            assert said(await say(upstreams, "a", "env MEND_TEST_INHERITED")) == "from the client"
            assert said(await say(upstreams, "a", "env MEND_TEST_OWN")) == "its own"
    finally:
        del os.environ["MEND_TEST_INHERITED"]


async def test_a_call_without_reply_times_out_and_leaves_the_upstream_to_others() -> None:
    async with fleet(a=echo(call_timeout=0.3)) as upstreams:
        before = said(await say(upstreams, "a", "pid"))
        lost = await say(upstreams, "a", "never")
        assert lost.lost is Lost.TIMED_OUT
        assert said(await say(upstreams, "a", "pid")) == before


async def test_cancelling_the_caller_cancels_upstream() -> None:
    async with fleet(a=echo()) as upstreams:
        await upstreams.ready("a")
        with anyio.move_on_after(0.2):
            await say(upstreams, "a", "never")
        assert said(await say(upstreams, "a", "cancelled")) not in ("", "[]")


async def test_progress_comes_back_under_the_clients_own_token() -> None:
    caller = Remembering()
    async with fleet(a=echo()) as upstreams:
        await say(upstreams, "a", "progress", caller, _meta={"progressToken": "mine", "x": None})
    assert [params for _, params in caller.told] == [
        {"progressToken": "mine", "progress": done, "total": None, "x-vendor": 1} for done in range(3)
    ]


async def test_a_question_reaches_the_caller_and_its_answer_the_upstream() -> None:
    caller = Remembering(Reply(result={"roots": [{"uri": "file:///x", "x": None}]}))
    async with fleet(a=echo()) as upstreams:
        assert said(await say(upstreams, "a", "ask", caller)) == '{"roots": [{"uri": "file:///x", "x": null}]}'
    assert caller.asked == [("roots/list", None)]


async def test_a_changed_list_is_read_anew() -> None:
    async with fleet(a=echo()) as upstreams:
        await upstreams.ready("a")
        heard = anyio.Event()
        upstreams.broadcast.listen(lambda server, method, params: heard.set())
        await say(upstreams, "a", "change")
        with anyio.fail_after(5):
            await heard.wait()
        assert upstreams.catalog.public("a__later") is not None


async def later(upstreams: Fleet) -> None:
    """Wait until the tool that a server has added is known."""
    with anyio.fail_after(10):
        while upstreams.catalog.public("a__later") is None:  # noqa: ASYNC110 (nothing tells of it)
            await anyio.sleep(0.05)


async def test_a_list_is_read_anew_after_the_time_that_it_keeps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "SOONEST", 0.1)
    async with fleet(a=echo("--ttl", "200")) as upstreams:
        await say(upstreams, "a", "quietly")
        await later(upstreams)


async def test_a_listening_that_was_ended_is_begun_again_and_what_was_missed_looked_up() -> None:
    async with fleet(a=echo("--modern")) as upstreams:
        await say(upstreams, "a", "quietly")
        await say(upstreams, "a", "hang up")
        await later(upstreams)
        await say(upstreams, "a", "hang up")


async def test_nothing_is_left_running() -> None:
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    async with fleet(a=echo("--child"), b=echo(), c=echo("--deaf", "--child")) as upstreams:
        await upstreams.ready("a")
        await upstreams.ready("b")
        started = [child for child in psutil.Process().children(recursive=True) if child.pid not in before]
        assert len(started) >= 5
    _, alive = await anyio.to_thread.run_sync(lambda: psutil.wait_procs(started, timeout=5))
    assert alive == []


async def test_a_process_without_a_group_is_ended_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that reads on after its stdin closed and ignores SIGTERM, where there are no process groups."""
    monkeypatch.setattr(stdio, "GROUPS", False)
    monkeypatch.setattr(stdio, "GRACE", 0.3)
    stubborn = "import signal, sys, runpy; signal.signal(signal.SIGTERM, signal.SIG_IGN); sys.argv = sys.argv[1:]\n"
    stubborn += "runpy.run_path(sys.argv[0], run_name='__main__')\nwhile True: signal.pause()"
    server = Upstream(command=sys.executable, args=["-c", stubborn, *echo().args])
    async with fleet(a=server) as upstreams:
        process = psutil.Process(int(said(await say(upstreams, "a", "pid"))))
        assert os.getpgid(process.pid) == os.getpgid(0)
    assert not process.is_running()


async def test_a_thousand_calls_over_twenty_upstreams_are_neither_lost_nor_crossed() -> None:
    """A tenth of them are cancelled while they wait: those are cancelled upstream, and none of the others."""
    wrong: list[str] = []
    servers = {f"s{number}": echo() for number in range(20)}
    async with fleet(**servers) as upstreams:
        for server in servers:
            await upstreams.ready(server)

        async def one(number: int) -> None:
            heard = said(await say(upstreams, f"s{number % 20}", f"call {number}"))
            if heard != f"call {number}":
                wrong.append(heard)

        async with anyio.create_task_group() as answered, anyio.create_task_group() as cancelled:
            for number in range(100):
                cancelled.start_soon(say, upstreams, f"s{number % 20}", "never")
            for number in range(900):
                answered.start_soon(one, number)
            while len(pending(upstreams)) > 100:
                await anyio.lowlevel.checkpoint()
            cancelled.cancel_scope.cancel()
        withdrawn = [json.loads(said(await say(upstreams, server, "cancelled"))) for server in servers]
        assert pending(upstreams) == []
    assert wrong == []
    assert [len(each) for each in withdrawn] == [5] * 20


def pending(upstreams: Fleet) -> list[object]:
    connections = [upstreams.connection(server) for server in upstreams.names]
    return [ident for connection in connections if connection is not None for ident in connection.peer.pending]
