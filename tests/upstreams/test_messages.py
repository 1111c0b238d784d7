"""Messages keep what they came with, to the byte where nobody has to look inside."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.wire import rpc
from proxy.wire.events import Events
from proxy.wire.lines import Lines
from proxy.wire.unreadable import Unread
from tests.promises import promise

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
RESULTS = st.dictionaries(st.text(), VALUES)


@given(
    RESULTS, st.integers(0, 10**9) | st.text(), st.sampled_from([(", ", ": "), (",", ":"), (",", ": ")]), st.booleans()
)
def test_a_reply_is_read_as_it_is_and_its_result_written_as_it_came(
    result: dict[str, Any], ident: Any, separators: tuple[str, str], ascii_only: bool
) -> None:
    text = json.dumps({"jsonrpc": "2.0", "id": ident, "result": result}, separators=separators, ensure_ascii=ascii_only)
    try:
        data = text.encode()
    except UnicodeEncodeError:
        return
    (message,) = rpc.decode(data) or []
    assert message == json.loads(data)
    sent = rpc.encode({"jsonrpc": "2.0", "id": "other", "result": message["result"]})
    assert json.loads(sent) == {"jsonrpc": "2.0", "id": "other", "result": json.loads(data)["result"]}


def test_numbers_keep_their_spelling() -> None:
    (message,) = rpc.decode(b'{"jsonrpc":"2.0","id":1,"result":{"a":1.50,"b":1E3,"c":12345678901234567890123}}') or []
    assert rpc.encode(message) == b'{"jsonrpc":"2.0","id":1,"result":{"a":1.50,"b":1E3,"c":12345678901234567890123}}'


@pytest.mark.parametrize(
    "line",
    [
        b'{"jsonrpc":"2.0","id":1,"result":{},"id":99}',
        b'{"jsonrpc":"2.0","id":1,"result":{"a":1},"result":{"b":2}}',
        b'{"jsonrpc":"2.0","id":1,"result":{},"x-more":1}',
        b'{"jsonrpc":"2.0","id":1,"result":[1]}',
        b'{"id":1,"jsonrpc":"2.0","result":{}}',
    ],
)
def test_an_unusual_reply_is_read_in_full(line: bytes) -> None:
    assert rpc.decode(line) == [json.loads(line)]


PRETTY = json.dumps({"jsonrpc": "2.0", "id": 1, "result": {"a": [1, {"b": "line\nbreak"}]}}, indent=2)


@promise("every-call-is-answered")
@pytest.mark.parametrize(
    "text", [PRETTY, PRETTY.replace("\n", "\r\n"), '{"jsonrpc":"2.0","id":1,"result":{\n"a":\r1}}']
)
def test_a_reply_over_several_lines_is_written_as_one(text: str) -> None:
    (message,) = rpc.decode(text.encode()) or []
    sent = rpc.encode(message)
    assert sent.splitlines() == [sent]
    assert json.loads(sent) == json.loads(text)


@promise("every-call-is-answered")
@pytest.mark.parametrize(
    ("text", "read"),
    [
        ('{"jsonrpc":"2.0","id":1,"result":{"a":[NaN,-Infinity,1],"b":"NaN"}}', {"a": [None, None, 1], "b": "NaN"}),
        ('{"result":{"NaN":Infinity},"id":1}', {"NaN": None}),
    ],
)
def test_what_is_no_number_of_json_is_null_in_a_reply(text: str, read: Any) -> None:
    (message,) = rpc.decode(text.encode()) or []
    assert strict(rpc.encode(message))["result"] == read


def test_what_is_no_number_of_json_is_not_exchanged_in_a_request() -> None:
    (message,) = rpc.decode(b'{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"a":NaN}}') or []
    assert (type(message), message["id"], message["method"]) == (Unread, 7, "tools/call")


def strict(data: bytes) -> Any:
    def refuse(name: str) -> Any:
        raise ValueError(name)

    return json.loads(data, parse_constant=refuse)


@pytest.mark.parametrize(
    "line", [b"", b"log line", b"{", b"[]", b"3", b'{"level":"info"}', b"[1]", b"\xff\xfe", b"[" * 100_000]
)
def test_what_is_no_message_is_none(line: bytes) -> None:
    assert rpc.decode(line) is None


def test_lone_surrogates_survive() -> None:
    (message,) = rpc.decode(b'{"jsonrpc":"2.0","id":1,"method":"x","params":{"a":"\\ud800"}}') or []
    assert json.loads(rpc.encode(message)) == message


@given(st.lists(st.text(st.characters(exclude_characters="\r\n", codec="utf-8"))), st.data())
def test_lines_are_whole_however_the_bytes_are_cut(texts: list[str], data: st.DataObject) -> None:
    messages = [{"jsonrpc": "2.0", "method": "m", "params": {"t": text}} for text in texts]
    stream = b"".join(json.dumps(message, ensure_ascii=False).encode() + b"\n" for message in messages)
    heard: list[Any] = []
    lines = Lines(heard.append, heard.append)
    while stream:
        cut = data.draw(st.integers(1, len(stream)))
        lines.feed(stream[:cut])
        stream = stream[cut:]
    assert heard == messages


@given(st.lists(st.text(st.characters(exclude_characters="\r\n", codec="utf-8"), min_size=1), max_size=4), st.data())
def test_events_are_whole_however_the_bytes_are_cut(texts: list[str], data: st.DataObject) -> None:
    end = data.draw(st.sampled_from(["\n", "\r\n", "\r"]))
    stream = "".join(f"id: {n}{end}data: {t}{end}{end}" for n, t in enumerate(texts)).encode() + b": end\n"
    events = Events()
    heard: list[tuple[str | None, str]] = []
    while stream:
        cut = data.draw(st.integers(1, len(stream)))
        heard += [(events.last_id, event.data) for event in events.feed(stream[:cut])]
        stream = stream[cut:]
    assert heard == [(str(n), t) for n, t in enumerate(texts)]
    assert events.last_id == (str(len(texts) - 1) if texts else None)


def test_an_event_that_was_cut_off_leaves_nothing_behind() -> None:
    events = Events()
    assert [event.data for event in events.feed(b"id: 1\ndata: whole\n\nid: 2\ndata: cut o")] == ["whole"]
    assert events.last_id == "1"
    events.begin()
    assert [event.data for event in events.feed(b"data: anew\n\n")] == ["anew"]
    assert events.last_id == "1"
