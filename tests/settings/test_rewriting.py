"""Clients' files with mcp-mend put in and taken out, everything else as it was."""

from __future__ import annotations

import json
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.settings.jsonc import TextError, parse
from proxy.settings.rewrite import added, unwrapped, wrapped
from proxy.settings.toml import upstream_table

US = ["/opt/bin/mcp-mend"]
KEYS = (("mcpServers",),)
NAME = "mcp.json"
FILE = """{
  // kept
  "theme": "dark",
  "mcpServers": {
    "time": { "command": "uvx", "args": ["mcp-server-time"], /* kept too */ "env": {"A": "\\u00e4"} },
    "bare": {"command": "C:\\\\srv.exe"},
    "far": {"url": "https://example.com/mcp"},
  },
}
"""

names = st.text(min_size=1, max_size=5).filter(lambda name: not name.startswith("-"))
entries = st.fixed_dictionaries({"command": names}, optional={"args": st.lists(names, max_size=3), "x": st.integers()})
files = st.fixed_dictionaries({"mcpServers": st.dictionaries(names, entries, max_size=4)}, optional={"other": names})


def test_every_local_server_is_wrapped_and_nothing_else_changes() -> None:
    done = wrapped(NAME, FILE, KEYS, US)
    assert done.changed == ("time", "bare")
    assert done.left == {"far": "remote"}
    assert done.text == FILE.replace(
        '"command": "uvx", "args": ["mcp-server-time"]',
        '"command": "/opt/bin/mcp-mend", "args": ["wrap", "--name", "time", "--", "uvx", "mcp-server-time"]',
    ).replace(
        '"command": "C:\\\\srv.exe"',
        '"command": "/opt/bin/mcp-mend", "args": ["wrap", "--name", "bare", "C:\\\\srv.exe"]',
    )


def test_only_the_servers_asked_for_are_wrapped_with_the_options_given() -> None:
    done = wrapped(NAME, FILE, KEYS, US, only=["bare"], options=["--mode", "suggest"])
    assert done.changed == ("bare",)
    entry = parse(done.text).value["mcpServers"]["bare"]
    assert entry["args"] == ["wrap", "--name", "bare", "--mode", "suggest", r"C:\srv.exe"]


def test_what_is_wrapped_is_not_wrapped_again() -> None:
    once = wrapped(NAME, FILE, KEYS, US)
    assert wrapped(NAME, once.text, KEYS, US).changed == ()


@given(files, st.sampled_from([["mcp-mend"], ["uvx", "mcp-mend"], ["python", "-P", "-m", "proxy.cli"]]), st.booleans())
def test_unwrapping_undoes_wrapping(file: dict[str, object], us: list[str], indented: bool) -> None:
    text = json.dumps(file, indent=2 if indented else None)
    there = wrapped(NAME, text, KEYS, us)
    back = unwrapped(NAME, there.text, KEYS)
    assert set(back.changed) == set(there.changed)
    assert back.text == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        '{\n  "mcpServers": {}\n}',
        '{\n  "mcpServers": {\n    "a": {"command": "x"}\n  }\n}',
        '{"a": 1, "mcpServers": {"a": {"command": "x"},}, // end\n}',
    ],
)
def test_an_entry_is_added_wherever_there_is_room_and_removed_again(text: str) -> None:
    before = parse(text or "{}").value
    done = added(NAME, text, KEYS, "mend", {"command": "mcp-mend", "args": ["serve"]})
    after = parse(done.text).value
    assert after["mcpServers"].pop("mend") == {"command": "mcp-mend", "args": ["serve"]}
    assert after == {**before, "mcpServers": before.get("mcpServers", {})}
    removed = unwrapped(NAME, done.text, KEYS)
    assert removed.changed == ("mend",)
    assert parse(removed.text).value == after


@pytest.mark.parametrize("order", [("m", "n", "a"), ("m", "a", "n"), ("a", "m", "n"), ("m", "n")])
def test_entries_that_serve_are_removed_wherever_they_stand(order: tuple[str, ...]) -> None:
    entries = {name: {"command": "x" if name == "a" else "mcp-mend"} for name in order}
    done = unwrapped(NAME, json.dumps({"mcpServers": entries}), KEYS)
    assert sorted(done.changed) == ["m", "n"]
    assert json.loads(done.text) == {"mcpServers": {"a": {"command": "x"}} if "a" in order else {}}


@pytest.mark.parametrize(
    ("name", "text", "line", "said"),
    [
        (NAME, "[]", 1, "expected an object"),
        (NAME, '{"mcpServers": null}', 1, "mcpServers is null, not an object that holds servers"),
        (NAME, '{\n "mcpServers": {"a": {"command": "x"}},\n "mcpServers": {}}', 3, "mcpServers is there twice"),
        (NAME, '{"mcpServers": {"a": {"command": "x",\n "command": "y"}}}', 2, "mcpServers.a.command is there twice"),
        ("c.toml", "a = 1\na = 2\n", 2, "Cannot overwrite a value"),
        ("c.yaml", "mcpServers:\n  a: &a {command: x}\n  b: *a\n", 1, "makes one entry of several"),
        ("c.yaml", "a: 1\na: 2\n", 2, "duplicate key"),
        ("c.yaml", "mcpServers: [\n", 2, "expected"),
    ],
)
def test_what_is_not_as_clients_write_it_is_refused(name: str, text: str, line: int, said: str) -> None:
    with pytest.raises(TextError) as refused:
        wrapped(name, text, KEYS, US)
    assert refused.value.line == line
    assert said in str(refused.value)


def test_an_edit_of_a_wrapped_entry_stays_when_mcp_mend_goes() -> None:
    there = wrapped(NAME, FILE, KEYS, US).text.replace('"mcp-server-time"]', '"mcp-server-time", "--utc" /* mine */]')
    assert unwrapped(NAME, there, KEYS).text == FILE.replace('time"]', 'time", "--utc" /* mine */]')


def test_a_file_that_a_client_wrote_anew_is_freed_too() -> None:
    there = json.dumps(parse(wrapped(NAME, FILE, KEYS, US).text).value, indent=4)
    assert json.loads(unwrapped(NAME, there, KEYS).text) == parse(FILE).value


def test_an_entry_that_is_there_stays() -> None:
    done = added(NAME, FILE, KEYS, "time", {"command": "y"})
    assert (done.text, done.changed) == (FILE, ())


@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8"), min_size=1, max_size=5),
        st.recursive(
            st.text(st.characters(codec="utf-8")) | st.booleans() | st.integers(-1000, 1000) | st.floats(-10, 10),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
        ),
    ),
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=6),
)
def test_a_table_reads_back_as_it_was_written(upstream: dict[str, object], name: str) -> None:
    assert tomllib.loads(upstream_table(name, upstream, "a remark")) == {"upstreams": {name: upstream}}
