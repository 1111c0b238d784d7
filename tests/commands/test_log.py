"""The `log` commands on a journal of known content."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import click
import jsonpatch
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from proxy.cli import main
from proxy.commands.log.text import table
from proxy.store.diff import patch, unified
from proxy.store.sql import Place
from tests.store.records import call, plan, run, write

ROOT = Path(__file__).parents[2]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=15,
)


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A journal of two repaired calls and one plain one."""
    monkeypatch.setenv("MCP_MEND_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    write(
        Place(tmp_path),
        call("call_a1", outcome="refused", message="value: not a number", arguments={"value": "1"}, repair_id="run_b2"),
        call("call_a2", at=1_700_000_000.5, repair_id="run_b2", step="s"),
        run("run_b2"),
        call("call_c3", at=1_700_000_002.0, server="mail", tool="send", effect="write", session="other"),
        run("run_d4", at=1_700_000_003.0, kind="workflow", status="failed", error_after="still wrong"),
    )
    return Place(tmp_path)


def log(*args: str, code: int = 0) -> Result:
    done = CliRunner().invoke(main, ["log", *args])
    assert done.exit_code == code, done.output
    return done


def ids(*args: str) -> list[str]:
    found = [json.loads(line) for line in log("list", "--json", *args).stdout.splitlines()]
    return [entry.get("call_id") if entry["kind"] == "call" else entry["repair_id"] for entry in found]


def test_the_list_is_a_table_with_the_newest_last(journal: Place) -> None:
    lines = log("list").stdout.splitlines()
    assert lines[0].split() == ["TIME", "ID", "KIND", "SERVER", "TOOL", "OUTCOME", "MS", "WHAT"]
    assert [line.split()[2] for line in lines[1:]] == ["call_a1", "call_a2", "run_b2", "call_c3", "run_d4"]
    assert lines[3].split()[3:7] == ["repair", "units", "convert", "repaired"]


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ((), ["call_a1", "call_a2", "run_b2", "call_c3", "run_d4"]),
        (("-n", "2"), ["call_c3", "run_d4"]),
        (("--server", "units"), ["call_a1", "call_a2", "run_b2"]),
        (("--server", "ma*"), ["call_c3"]),
        (("--tool", "send"), ["call_c3"]),
        (("--status", "refused"), ["call_a1"]),
        (("--status", "repaired"), ["run_b2"]),
        (("--session", "oth"), ["call_c3"]),
        (("--since", "2023-11-14T22:13:22+00:00"), ["call_c3", "run_d4"]),
        (("--since", "1d"), []),
        (("-q", "NOT A NUMBER"), ["call_a1", "run_b2", "run_d4"]),
        (("--kind", "repair"), ["run_b2"]),
        (("--kind", "workflow"), ["run_d4"]),
        (("--kind", "call", "--server", "units"), ["call_a1", "call_a2"]),
    ],
)
def test_filters_choose_what_is_listed(journal: Place, args: tuple[str, ...], expected: list[str]) -> None:
    assert ids(*args) == expected


def test_an_entry_is_shown_whole(journal: Place) -> None:
    text = log("show", "call_a1").stdout
    assert '"value": "1"' in text
    assert "value: not a number" in text
    text = log("show", "run_b2").stdout
    for part in ("coerce_argument in step s", "number_in_text", "lossless", "call_a2", "2 calls, 0.25 s"):
        assert part in text
    whole = json.loads(log("show", "run_b2", "--json").stdout)
    assert [one["call_id"] for one in whole["sent"]] == ["call_a1", "call_a2"]
    assert whole["plan_after"] == plan(value=1)


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("call_c3", "call_c3"),
        ("call_c", "call_c3"),
        ("c3", "call_c3"),
        ("3", "call_c3"),
        ("last", "run_d4"),
        ("b", "run_b2"),
    ],
)
def test_an_id_may_be_shortened(journal: Place, written: str, found: str) -> None:
    assert found in log("show", written, "--json").stdout


@pytest.mark.parametrize(
    ("written", "said"),
    [("call_a", "fits several: call_a1, call_a2"), ("zz", "nothing called zz"), ("*", "nothing called")],
)
def test_an_id_that_fits_several_or_none_is_refused(journal: Place, written: str, said: str) -> None:
    assert said in log("show", written, code=2).stderr


def test_a_diff_shows_text_patch_and_the_reason_of_each_change(journal: Place) -> None:
    text = log("diff", "run_b2").stdout
    for part in (
        '-        "value": "1"',
        '+        "value": 1',
        '{"op": "replace", "path": "/steps/0/arguments/value", "value": 1}',
        '1. coerce_argument in step s: "1" -> 1',
        "rule: number_in_text",
        "evidence: the schema wants a number",
        "confidence: lossless",
        "before it: value: not a number",
        "after it: no error",
    ):
        assert part in text
    assert json.loads(log("diff", "run_b2", "--patch").stdout) == [
        {"op": "replace", "path": "/steps/0/arguments/value", "value": 1}
    ]
    whole = json.loads(log("diff", "run_b2", "--json").stdout)
    assert whole["changes"][0]["error_before"] == "value: not a number"
    assert whole["unified"].startswith("--- before\n+++ after\n")


def test_each_change_shows_the_error_of_its_own_step(journal: Place) -> None:
    refusal = {"isError": True, "content": [{"type": "text", "text": "unknown unit"}, {"type": "image"}]}
    changes = [{"op": "rename_argument", "step": step} for step in ("sent", "never", "lost")]
    write(
        journal,
        call("call_w1", repair_id="run_w", step="sent", outcome="refused", reply=refusal),
        call("call_w3", repair_id="run_w", step="lost", outcome="unknown", reply=None, message="timed out"),
        call("call_w2", repair_id="run_w", step="sent"),
        run(
            "run_w",
            kind="workflow",
            repairs=changes,
            found=[{"kind": "unknown_tool", "step": "never", "message": "no such tool"}],
            problems=[{"kind": "timed_out", "step": "never", "message": "still wrong"}],
            error_before="of another step",
        ),
    )
    shown = json.loads(log("diff", "run_w", "--json").stdout)["changes"]
    assert [(one["error_before"], one["error_after"]) for one in shown] == [
        ("unknown unit", None),
        ("no such tool", "still wrong"),
        ("timed out", "timed out"),
    ]


def test_the_last_diff_is_that_of_the_last_run(journal: Place) -> None:
    write(journal, call("call_z9", at=1_800_000_000.0))
    assert "run_d4" in log("diff").stdout


@given(JSON, JSON)
def test_the_patch_turns_the_one_plan_into_the_other(before: object, after: object) -> None:
    assert jsonpatch.apply_patch({"v": before}, patch({"v": before}, {"v": after})) == {"v": after}
    assert (unified(before, after) == "") == (json.dumps(before) == json.dumps(after))


def test_replay_sends_nothing_unless_told_to(journal: Place) -> None:
    done = log("replay", "run_b2")
    assert done.stdout.splitlines()[0] == 'units convert {"value": "1"}'
    assert "nothing was sent" in done.stderr
    shown = [json.loads(line) for line in log("replay", "run_b2", "--json").stdout.splitlines()]
    assert [one["call_id"] for one in shown] == ["call_a1", "call_a2"]


def test_replay_refuses_what_is_not_read_only(journal: Place) -> None:
    assert "send is not marked read-only; --yes" in log("replay", "call_c3", "--live", code=2).stderr


@pytest.mark.parametrize("arguments", [{"password": "[redacted]"}, {"sha256": "x", "characters": 3}, None])
def test_replay_refuses_what_was_not_kept_whole(journal: Place, arguments: object) -> None:
    write(journal, call("call_x", arguments=arguments, effect="read"))
    assert "cannot be sent again" in log("replay", "call_x", "--live", "--yes", code=2).stderr


def test_an_export_holds_everything(journal: Place, tmp_path: Path) -> None:
    log("export", "-o", str(tmp_path / "out.ndjson"))
    entries = [json.loads(line) for line in (tmp_path / "out.ndjson").read_text(encoding="utf-8").splitlines()]
    assert [entry["kind"] for entry in entries] == ["call", "call", "repair", "call", "workflow"]
    assert entries[2]["repairs"][0]["rule"] == "number_in_text"
    assert entries[2]["sent"] == ["call_a1", "call_a2"]


def test_figures_are_counted_by_tool_and_rule(journal: Place) -> None:
    figures = json.loads(log("stats", "--json").stdout)
    assert figures["calls"] == {"ok": 2, "refused": 1}
    assert [(one["tool"], one["calls"], one["not_ok"]) for one in figures["tools"]] == [
        ("convert", 2, 1),
        ("send", 1, 0),
    ]
    assert figures["rules"][0]["rule"] == "number_in_text"
    assert "number_in_text" in log("stats").stdout


def test_the_path_is_printed_also_before_there_is_a_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MCP_MEND_HOME", str(tmp_path / "none"))
    assert log("path").stdout.strip() == str(tmp_path / "none" / "journal.db")
    assert "no journal" in log("list", code=2).stderr
    assert "no journal" in log("prune", code=2).stderr


def test_pruning_deletes_what_is_older(journal: Place) -> None:
    assert log("prune", "--before", "2023-11-14T22:13:22+00:00").stdout == "3 entries deleted\n"
    assert ids() == ["call_c3", "run_d4"]
    assert log("prune").stdout == "0 entries deleted\n"
    assert log("prune", "--max-mb", "0").stdout == "2 entries deleted\n"


def watcher(*args: str) -> list[str]:
    program = "from proxy.cli import main; main()"
    return [sys.executable, "-c", program, "log", "watch", "--interval", "0.05", *args]


def test_watching_prints_entries_as_they_are_written(journal: Place) -> None:
    line = watcher("--json", "-n", "2", "--server", "units")
    with subprocess.Popen(line, cwd=ROOT, stdout=subprocess.PIPE, text=True) as watching:
        try:
            with closing(journal.read("journal")):
                number = 0
                while watching.poll() is None and number < 2000:
                    number += 1
                    write(journal, call(f"call_n{number}", at=2e9), call(f"call_m{number}", server="mail"))
            out, _ = watching.communicate(timeout=30)
        finally:
            watching.kill()
    seen = [json.loads(entry) for entry in out.splitlines()]
    assert watching.returncode == 0
    assert [entry["call_id"][:6] for entry in seen] == ["call_n", "call_n"]


def test_watching_is_in_words_and_may_begin_earlier(journal: Place) -> None:
    said = log("watch", "--since", "2023-11-14T22:13:21+00:00", "-n", "3").stdout
    assert [line.split("  ", 1)[1].strip() for line in said.splitlines()] == [
        "repair    units convert  repaired, 250 ms  run_b2",
        'coerce_argument "1" -> 1',
        "call      mail send  ok, 2 ms  call_c3",
        "workflow  units convert  failed, 250 ms  run_d4",
        'coerce_argument "1" -> 1, still: still wrong',
    ]


TWICE = [
    {"op": "swap_tool", "step": "s", "before": "converrt", "after": "units/convert", "rule": "misspelled_tool"},
    {"op": "rename_argument", "step": "s", "before": {"/val": 1}, "after": {"/value": 1}, "rule": "rename_argument"},
]


@pytest.mark.parametrize(
    "view", [["list"], ["show", "run_t"], ["diff", "run_t"], ["watch", "-n", "1", "--since", "20d"]]
)
def test_every_edit_of_a_call_is_shown_in_every_view(view: list[str], journal: Place) -> None:
    write(journal, run("run_t", at=time.time(), repairs=TWICE, error_before="Unknown tool: converrt"))
    said = log(*view).stdout
    assert all(word in said for word in ("converrt", "convert", "val", "value"))
    if view[0] in ("show", "diff"):
        assert said.count("before it: Unknown tool: converrt") == 2


def test_waiting_for_a_server_is_told_apart_from_the_call(journal: Place) -> None:
    write(journal, call("call_s7", at=time.time(), ms=12.0, start_ms=1500.0))
    assert "ok, 12 ms (after 1.5 s for the server's start)  call_s7" in log("watch", "--since", "1h", "-n", "1").stdout
    assert "ms: 12.0" in log("show", "call_s7").stdout
    assert "waited for its start, ms: 1500.0" in log("show", "call_s7").stdout


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_table_fits_the_terminal_whatever_the_letters(width: int) -> None:
    rows = [("call_01m8dgxvr68eqrk8", "天気予報サーバー", "今日の天気を調べる道具", "ok", 1.5, "東京の天気 " * 20)]
    lines = table(rows, ("ID", "SERVER", "TOOL", "OUTCOME", "MS", "WHAT"), width)
    lines = click.unstyle(lines).splitlines()
    assert max(map(cell_len, lines)) <= width
    assert lines[1].split()[0].endswith("8eqrk8")


def test_columns_stand_under_each_other_whatever_the_letters() -> None:
    lines = click.unstyle(table([("天気", "x"), ("ab", "y")], ("A", "B"), 40)).splitlines()
    assert [cell_len(line) for line in lines] == [7, 7, 7]


@pytest.fixture
def echoes(journal: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """The journal, with a recorded call of a server that the configuration can start."""
    write(journal, call("call_e5", server="echo", tool="echo", arguments={"text": "hi"}, reply={"content": []}))
    script = ROOT / "tests" / "servers" / "echo.py"
    entry = {"command": sys.executable, "args": [str(script)]}
    config = {"upstreams": {"echo": {**entry, "tools": {"effects": {"echo": "read"}}}}}
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    monkeypatch.setenv("MCP_MEND_CONFIG", str(tmp_path / "config.json"))
    return journal


def replayed(*args: str) -> str:
    line = [sys.executable, "-c", "from proxy.cli import main; main()", "log", "replay", *args]
    return subprocess.run(line, cwd=ROOT, stdout=subprocess.PIPE, text=True, timeout=60, check=True).stdout


def test_a_live_replay_compares_the_replies(echoes: Place) -> None:
    compared = json.loads(replayed("call_e5", "--live", "--json"))
    assert not compared["same"]
    assert compared["now"]["content"][0]["text"] == "hi"
    assert '+      "text": "hi"' in replayed("call_e5", "--live")
    recorded = {**compared["now"], "_meta": {"differs": "every time"}}
    write(echoes, call("call_e5", server="echo", tool="echo", arguments={"text": "hi"}, reply=recorded))
    assert replayed("call_e5", "--live").splitlines() == ['echo echo {"text": "hi"}', "  the same reply"]


def test_a_live_replay_says_which_server_is_no_longer_configured(echoes: Place) -> None:
    compared = json.loads(replayed("call_a2", "--live", "--json"))
    assert not compared["same"]
    assert compared["now"] == {"lost": "the configuration has no upstream units"}
