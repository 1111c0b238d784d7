"""Servers that answer as no server should: every call is answered at once, and the next one is served."""

from __future__ import annotations

import base64
import json
import sys

import anyio
import psutil
import pytest

from proxy.upstreams.fleet import Fleet
from schemas.config import Upstream
from schemas.trial import Lost, Reply
from tests.promises import promise
from tests.upstreams.fleets import SERVERS, fleet, said, say

WAYWARD = Upstream(command=sys.executable, args=[str(SERVERS / "wayward.py")], call_timeout=60)

DEEP = "[" * 100_000 + "]" * 100_000
DIGITS = "7" * 5_000


async def answered(upstreams: Fleet, line: str | bytes) -> Reply:
    """What comes of a call that is answered by this line, `%d` standing for its id."""
    data = line if isinstance(line, bytes) else line.encode()
    return await say(upstreams, "a", "base64 " + base64.b64encode(data).decode())


@promise("every-call-is-answered")
@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b'{"jsonrpc":"2.0","id":%d,"result":{"content":[{"type":"text","text":"\xb1a\xe2"}]}}', "\ufffda\ufffd"),
        (b'\0{"jsonrpc":"2.0","id":%d,"result":{"content":[{"type":"text","text":"x"}]}}', "x"),
        (b'\xef\xbb\xbf{"jsonrpc":"2.0","id":%d,"result":{"content":[{"type":"text","text":"x"}]}}', "x"),
        (b'{"jsonrpc":"2.0","id":"%d","result":{"content":[{"type":"text","text":"x"}]}}', "x"),
        (b'{"jsonrpc":"2.0","id":%d.0,"result":{"content":[{"type":"text","text":"x"}]}}', "x"),
    ],
)
async def test_an_odd_reply_is_passed_on(line: bytes, text: str) -> None:
    async with fleet(a=WAYWARD) as upstreams:
        assert said(await answered(upstreams, line)) == text
        assert said(await say(upstreams, "a", "the next one")) == "the next one"


@promise("every-call-is-answered")
@pytest.mark.parametrize(
    "line",
    [
        f'{{"result":{{"a":{DEEP}}},"id":%d,"jsonrpc":"2.0"}}',
        f'{{"result":{{"a":{DIGITS}}},"id":%d,"jsonrpc":"2.0"}}',
        '{"jsonrpc":"2.0","id":%d,"result":{"content":[{"type":"te',
        '{"jsonrpc":"2.0","id":%d,"result":{"content":nothing}}',
        '{"jsonrpc":"2.0","id":"%d","result":7}',
    ],
)
async def test_a_reply_that_cannot_be_read_ends_its_call_at_once_with_the_reason(line: str) -> None:
    async with fleet(a=WAYWARD) as upstreams:
        lost = await answered(upstreams, line)
        assert lost.lost is Lost.BROKEN
        assert lost.message.startswith(("a reply came that cannot be read: ", "the reply was malformed"))
        assert said(await say(upstreams, "a", "the next one")) == "the next one"


@promise("every-call-is-answered")
@pytest.mark.parametrize("value", [DEEP, DIGITS, f"-{DIGITS}", f"[{DIGITS},{DEEP}]"])
async def test_what_nobody_can_read_passes_on_by_its_own_text(value: str) -> None:
    from proxy.wire import rpc

    result = f'{{"content":[],"structuredContent":{{"value":{value},"after":"]"}}}}'
    async with fleet(a=WAYWARD) as upstreams:
        reply = await answered(upstreams, f'{{"jsonrpc":"2.0","id":%d,"result":{result}}}')
    assert reply.result is not None
    assert rpc.encode({"jsonrpc": "2.0", "id": 1, "result": reply.result}).decode() == (
        f'{{"jsonrpc":"2.0","id":1,"result":{result}}}'
    )
    assert "not read: " in json.dumps(reply.result)
    assert reply.result["structuredContent"]["after"] == "]"


@promise("closed-pipes-are-replaced")
@pytest.mark.parametrize("pipe", ["stdin", "stdout"])
async def test_a_server_that_closes_a_pipe_but_lives_is_replaced(pipe: str) -> None:
    async with fleet(a=WAYWARD) as upstreams:
        first = psutil.Process(int(said(await say(upstreams, "a", "pid"))))
        lost = await say(upstreams, "a", f"shut {pipe}")
        assert lost.lost is Lost.BROKEN
        assert lost.message == f"it closed its {pipe}"
        second = int(said(await say(upstreams, "a", "pid")))
        assert second != first.pid
        assert not first.is_running()


@promise("nothing-piles-up")
async def test_a_server_that_reads_nothing_costs_its_calls_their_time_out_and_no_memory() -> None:
    deaf = WAYWARD.model_copy(update={"call_timeout": 1})
    async with fleet(a=deaf) as upstreams:
        await upstreams.ready("a")
        waiting: list[Reply] = []

        async def call(text: str) -> None:
            waiting.append(await say(upstreams, "a", text))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(call, "later 600")
            for _ in range(3):
                await anyio.lowlevel.checkpoint()
                tasks.start_soon(call, "x" * 1_000_000)
        assert {each.lost for each in waiting} <= {Lost.TIMED_OUT, Lost.NOT_SENT}


@promise("nothing-piles-up")
async def test_a_server_that_announces_changes_without_end_is_listed_ever_more_seldom() -> None:
    told: list[str] = []
    async with fleet(a=WAYWARD) as upstreams:
        upstreams.broadcast.listen(lambda _server, method, _params: told.append(method))
        await say(upstreams, "a", "restless")
        await anyio.sleep(2)
        with anyio.fail_after(1):
            await upstreams.fresh("a")
        assert int(said(await say(upstreams, "a", "lists"))) < 8
    assert told.count("notifications/tools/list_changed") <= 3
