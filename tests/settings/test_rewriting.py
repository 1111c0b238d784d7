"""Clients' files with mcp-mend put in and taken out, everything else as it was."""

from __future__ import annotations

import json
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.settings.jsonc import parse
from proxy.settings.rewrite import added, unwrapped, wrapped
from proxy.settings.toml import upstream_table

US = ["/opt/bin/mcp-mend"]
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

names = st.text(min_size=1, max_size=5)
entries = st.fixed_dictionaries({"command": names}, optional={"args": st.lists(names, max_size=3), "x": st.integers()})
files = st.fixed_dictionaries({"mcpServers": st.dictionaries(names, entries, max_size=4)}, optional={"other": names})


def test_every_local_server_is_wrapped_and_nothing_else_changes() -> None:
    done = wrapped(FILE, US)
    assert done.changed == ("time", "bare")
    assert done.left == {"far": "remote"}
    assert done.text == FILE.replace(
        '"command": "uvx", "args": ["mcp-server-time"]',
        '"command": "/opt/bin/mcp-mend", "args": ["wrap", "--name", "time", "--", "uvx", "mcp-server-time"]',
    ).replace(
        '"command": "C:\\\\srv.exe"',
        '"command": "/opt/bin/mcp-mend", "args": ["wrap", "--name", "bare", "--", "C:\\\\srv.exe"]',
    )


def test_only_the_servers_asked_for_are_wrapped_with_the_options_given() -> None:
    done = wrapped(FILE, US, only=["bare"], options=["--mode", "suggest"])
    assert done.changed == ("bare",)
    entry = parse(done.text).value["mcpServers"]["bare"]
    assert entry["args"] == ["wrap", "--name", "bare", "--mode", "suggest", "--", r"C:\srv.exe"]


def test_what_is_wrapped_is_not_wrapped_again() -> None:
    once = wrapped(FILE, US)
    assert wrapped(once.text, US).changed == ()


@given(files, st.sampled_from([["mcp-mend"], ["uvx", "mcp-mend"], ["python", "-P", "-m", "proxy.cli"]]), st.booleans())
def test_unwrapping_undoes_wrapping(file: dict[str, object], us: list[str], indented: bool) -> None:
    text = json.dumps(file, indent=2 if indented else None)
    there = wrapped(text, us)
    back = unwrapped(there.text)
    assert set(back.changed) == set(there.changed)
    before, after = json.loads(text), json.loads(back.text)
    for entry in [*before["mcpServers"].values(), *after["mcpServers"].values()]:
        entry.setdefault("args", [])
    assert before == after


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
    done = added(text, "mcpServers", "mend", {"command": "mcp-mend", "args": ["serve"]})
    after = parse(done.text).value
    assert after["mcpServers"].pop("mend") == {"command": "mcp-mend", "args": ["serve"]}
    assert after == {**before, "mcpServers": before.get("mcpServers", {})}
    removed = unwrapped(done.text)
    assert removed.changed == ("mend",)
    assert parse(removed.text).value == after


@pytest.mark.parametrize("order", [("m", "n", "a"), ("m", "a", "n"), ("a", "m", "n"), ("m", "n")])
def test_entries_that_serve_are_removed_wherever_they_stand(order: tuple[str, ...]) -> None:
    entries = {name: {"command": "x" if name == "a" else "mcp-mend"} for name in order}
    done = unwrapped(json.dumps({"mcpServers": entries}))
    assert sorted(done.changed) == ["m", "n"]
    assert json.loads(done.text) == {"mcpServers": {"a": {"command": "x"}} if "a" in order else {}}


def test_an_entry_that_is_there_stays() -> None:
    done = added(FILE, "mcpServers", "time", {"command": "y"})
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
