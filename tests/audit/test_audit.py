"""Past transcripts in every format, read dry: what failed, what would have become of it, what the agent did."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from proxy.cli import main
from proxy.store.sql import Place
from tests.store.records import call, run, write

ROOT = Path(__file__).parents[2]
FOLDER = Path(__file__).parent / "transcripts"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("MCP_MEND_HOME", "HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.delenv("MCP_MEND_CONFIG", raising=False)
    return tmp_path


def audit(*args: str | Path, code: int = 0) -> Result:
    done = CliRunner().invoke(main, ["audit", *map(str, args)])
    assert done.exit_code == code, done.output
    return done


def report(*args: str | Path) -> dict[str, Any]:
    return json.loads(audit(*args, "--json").stdout)


def written(path: Path, *records: Any) -> Path:
    lines = [record if isinstance(record, str) else json.dumps(record, ensure_ascii=False) for record in records]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


COURRIER = {"calls": 5, "failed": 3, "repaired": 1, "suggested": 1, "unrepaired": 1, "unanswered": 1, "confirmed": 1}
"""What the same conversation comes to in whatever wrapper it was captured."""


@pytest.mark.parametrize(
    ("file", "form", "totals"),
    [
        (
            "claude-code.jsonl",
            "Claude Code session",
            {"calls": 4, "failed": 2, "repaired": 1, "not_sent": 1, "confirmed": 1, "own_tools": 2, "unreadable": 1},
        ),
        ("codex.jsonl", "Codex rollout", {"calls": 3, "failed": 2, "unrepaired": 2, "own_tools": 1}),
        ("openai.json", "OpenAI messages", {"calls": 2, "failed": 1, "repaired": 1, "confirmed": 1}),
        ("openai-log.jsonl", "OpenAI messages", {"calls": 2, "failed": 1, "suggested": 1}),
        ("openai-responses.jsonl", "OpenAI messages", {"calls": 1, "failed": 1, "repaired": 1}),
        ("anthropic.json", "Anthropic messages", {"calls": 3, "failed": 1, "suggested": 1}),
        ("capture.jsonl", "MCP JSON-RPC", COURRIER),
        ("capture-wrapped.jsonl", "MCP JSON-RPC", COURRIER),
        ("claude-desktop.log", "MCP JSON-RPC", COURRIER),
        ("inspector-history.json", "MCP JSON-RPC", COURRIER),
    ],
)
def test_every_format_is_known_by_its_shape_and_its_failures_are_told_apart(
    file: str, form: str, totals: dict[str, int]
) -> None:
    found = report(FOLDER / file)
    assert found["files"][0]["format"] == form
    assert {name: count for name, count in found["totals"].items() if count} == totals


def test_a_repair_is_shown_with_rule_evidence_and_diff_and_held_against_the_agents_own() -> None:
    found = report(FOLDER / "openai.json")
    (failure,) = found["failures"]
    assert [(one["rule"], one["confidence"]) for one in failure["repairs"]] == [
        ("rewrite_value", "lossless"),
        ("rename_argument", "evident"),
    ]
    assert failure["repaired"]["arguments"] == {"city": "Wien", "days": 3}
    assert '-    "town": "Wien"' in failure["diff"]
    assert '+    "city": "Wien"' in failure["diff"]
    assert failure["confirmed"] is True
    assert failure["agent"]["agrees"] is True
    assert (found["agent"]["agreed"], found["agent"]["compared"]) == (1, 1)
    text = audit(FOLDER / "openai.json").stdout
    assert "Agreed with the agent's own correction: 1 of 1." in text
    assert "would have been repaired (1 borne out by the transcript)" in text


def test_the_agents_own_correction_is_no_evidence_for_the_repair(tmp_path: Path) -> None:
    whole = json.loads((FOLDER / "openai.json").read_text(encoding="utf-8"))
    cut = {**whole, "messages": whole["messages"][:4]}
    (alone,) = report(written(tmp_path / "cut.json", cut))["failures"]
    (followed,) = report(FOLDER / "openai.json")["failures"]
    assert alone["repairs"] == followed["repairs"]
    assert alone["repaired"] == followed["repaired"]
    assert "confirmed" not in alone


def test_turns_of_the_model_that_a_correction_took_are_counted() -> None:
    found = report(FOLDER / "claude-code.jsonl")
    assert {name: found["agent"][name] for name in ("mended", "turns", "turns_saved")} == {
        "mended": 1,
        "turns": 2,
        "turns_saved": 2,
    }


def test_a_log_that_tells_the_history_again_with_every_turn_counts_a_call_once() -> None:
    found = report(FOLDER / "openai-log.jsonl")
    (failure,) = found["failures"]
    assert found["files"][0]["sessions"] == 1
    assert failure["agent"]["turns"] == 1
    assert failure["agent"]["agrees"] is True


def test_an_effect_is_only_suggested_and_the_reason_said() -> None:
    failures = {one["tool"]: one for one in report(FOLDER / "capture.jsonl")["failures"]}
    mail = failures["envoyer_courriel"]
    assert mail["verdict"] == "suggested"
    assert "nothing proves that the last call of 'envoyer_courriel' did nothing" in mail["why"]
    assert mail["repaired"]["arguments"]["priorite"] == 1
    assert failures["chercher"]["verdict"] == "unrepaired"
    assert failures["chercher"]["why"] == "'cinq' is not of type 'integer'"


def rpc(**parts: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", **parts}


LISTED = {
    "name": "list_reports",
    "description": "List reports.",
    "annotations": {"readOnlyHint": True},
    "inputSchema": {"type": "object", "properties": {"limit": {"type": "integer", "maximum": 50}}},
}


def test_what_only_running_it_decides_would_be_tried(tmp_path: Path) -> None:
    refusal = "500 is greater than the maximum of 50"
    file = written(
        tmp_path / "capture.jsonl",
        rpc(id=1, method="tools/list"),
        rpc(id=1, result={"tools": [LISTED]}),
        rpc(id=2, method="tools/call", params={"name": "list_reports", "arguments": {"limit": 500}}),
        rpc(id=2, result={"content": [{"type": "text", "text": refusal}], "isError": True}),
    )
    (failure,) = report(file)["failures"]
    assert failure["verdict"] == "tried"
    assert failure["repairs"][0]["confidence"] == "guess"
    assert failure["repaired"]["arguments"] == {"limit": 50}
    assert "would be tried: only running it decides" in audit(file).stdout


def test_the_tools_are_supposed_from_calls_that_worked_where_nothing_lists_them() -> None:
    found = report(FOLDER / "claude-code.jsonl")
    assert found["files"][0]["tools_from"] == {"kalender": "supposed"}
    assert any(text.startswith("the tools of kalender are supposed") for text in found["assumed"])
    assert found["failures"][0]["repaired"]["arguments"]["limit"] == 10


def test_the_configured_servers_give_the_tools_only_where_that_is_asked_for(tmp_path: Path) -> None:
    line = [sys.executable, str(ROOT / "tests" / "servers" / "echo.py")]
    entry = {"command": line[0], "args": line[1:], "tools": {"effects": {"echo": "read"}}}
    config = written(tmp_path / "mcp.json", {"upstreams": {"echo": entry}})
    use = {"type": "tool_use", "id": "t1", "name": "mcp__echo__echo", "input": {"txt": "hi"}}
    result = {"type": "tool_result", "tool_use_id": "t1", "is_error": True, "content": "'text' is a required property"}
    file = written(
        tmp_path / "session.jsonl",
        {"type": "assistant", "sessionId": "s", "message": {"role": "assistant", "content": [use]}},
        {"type": "user", "sessionId": "s", "message": {"role": "user", "content": [result]}},
    )
    without = report(file, "--config", config)
    assert without["files"][0]["tools_from"] == {"echo": "supposed"}
    assert without["totals"]["repaired"] == 0
    asked = [sys.executable, "-c", "from proxy.cli import main; main()", "audit", str(file), "--json"]
    done = subprocess.run(
        [*asked, "--servers", "--config", str(config)], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    found = json.loads(done.stdout)
    assert found["files"][0]["tools_from"] == {"echo": "configuration"}
    assert found["failures"][0]["repaired"]["arguments"] == {"text": "hi"}
    assert any("as their servers list them today" in text for text in found["assumed"])


WATCHED = """
import sys
def watch(event, args):
    opened = event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+")
    if opened or event in ("socket.connect", "socket.bind", "subprocess.Popen", "os.exec", "os.posix_spawn", "os.fork"):
        sys.stderr.write(f"{event} {args}\\n")
        sys.stderr.flush()
        __import__("os")._exit(99)
sys.addaudithook(watch)
from proxy.cli import main
main()
"""


def test_nothing_is_sent_started_or_written() -> None:
    line = [sys.executable, "-B", "-c", WATCHED, "audit", str(FOLDER), "--json"]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["totals"]["calls"] == 35


def test_an_export_of_the_journal_is_read_as_the_clients_calls(home: Path) -> None:
    refusal = {"content": [{"type": "text", "text": "'1' is not of type 'number'"}], "isError": True}
    records = [
        call("call_1", arguments={"value": 2}),
        call(
            "call_2", at=1_700_000_001.0, outcome="refused", arguments={"value": "1"}, reply=refusal,
            repair_id="run_1", step="call",
        ),
        call("call_3", at=1_700_000_001.5, arguments={"value": 1}, repair_id="run_1", step="call"),
        run("run_1", at=1_700_000_002.0),
        call("call_4", at=1_700_000_003.0, repair_id="run_2", step="s"),
        run("run_2", at=1_700_000_004.0, kind="workflow"),
    ]  # fmt: skip
    write(Place(home / "home"), *records)
    exported = home / "journal.ndjson"
    done = CliRunner().invoke(main, ["log", "export", "-o", str(exported)])
    assert done.exit_code == 0
    found = report(exported)
    assert found["files"][0]["format"] == "journal export"
    assert found["files"][0]["left_aside"] == {"a call of a workflow, which repaired itself while it ran": 1}
    assert (found["totals"]["calls"], found["totals"]["failed"]) == (2, 1)
    assert found["failures"][0]["repaired"]["arguments"] == {"value": 1}


def test_a_journal_that_kept_digests_says_what_is_missing(tmp_path: Path) -> None:
    entry = {"call_id": "call_1", "session": "s", "server": "a", "tool": "b", "outcome": "ok"}
    file = written(tmp_path / "j.ndjson", {**entry, "arguments": {"sha256": "0f", "characters": 9}})
    assert report(file)["files"][0]["left_aside"] == {
        "its arguments were not kept whole (journal.payloads, or too long)": 1
    }


def test_malformed_lines_are_counted_and_named(tmp_path: Path) -> None:
    lines = (FOLDER / "capture.jsonl").read_text(encoding="utf-8").splitlines()
    deep = "[" * 3000 + "]" * 3000
    file = written(tmp_path / "capture.jsonl", lines[0], '{"cut": ', *lines[1:6], deep, *lines[6:], '{"jsonrpc": "2.0"')
    found = report(file)["files"][0]
    assert found["unreadable"] == 3
    assert [wrong["line"] for wrong in found["malformed"]] == [2, 8, 19]
    assert found["calls"] == 5
    assert "line 8: nested too deep" in audit(file).stdout


@pytest.mark.parametrize("content", [b"", b"\n\n", b"no json at all\n", b"\xff\xfe\x00{", b"[1, 2, 3]", b'{"a": 1}\n'])
def test_a_file_of_anything_else_is_no_transcript_and_no_failure(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "other.json"
    file.write_bytes(content)
    found = report(file)
    assert found["files"][0]["format"] == "nothing that is known here"
    assert found["totals"]["calls"] == 0


def test_folders_are_gone_through_and_files_counted_apart() -> None:
    found = report(FOLDER)
    assert len(found["files"]) == 10
    assert found["totals"]["calls"] == sum(file["calls"] for file in found["files"])
    assert sum(row["failed"] for row in found["tools"]) == found["totals"]["failed"]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="rights of POSIX, and not root's")
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    file = written(tmp_path / "m.jsonl", {})
    file.chmod(0)
    assert "m.jsonl cannot be read" in audit(file, code=2).stderr


def test_an_empty_folder_is_refused_with_what_is_looked_for(tmp_path: Path) -> None:
    assert "no file ends in" in audit(tmp_path, code=2).stderr


def test_secrets_are_in_no_output(tmp_path: Path) -> None:
    token = "ghp_" + "a1B2" * 9
    arguments = {"password": "hunter2", "days": "3", "city": "Wien", "note": token}
    messages = json.loads((FOLDER / "openai.json").read_text(encoding="utf-8"))
    messages["messages"][2]["tool_calls"][0]["function"]["arguments"] = json.dumps(arguments)
    messages["messages"][3]["content"] = (
        f"Input validation error: '3' is not of type 'integer'; Authorization: Bearer {token}"
    )
    file = written(tmp_path / "m.json", messages)
    for text in (audit(file).stdout, audit(file, "--json").stdout):
        assert "hunter2" not in text
        assert token not in text
        assert "[redacted]" in text


def test_control_characters_of_a_transcript_steer_no_terminal(tmp_path: Path) -> None:
    whole = (FOLDER / "openai.json").read_text(encoding="utf-8")
    file = tmp_path / "m.json"
    file.write_text(whole.replace("unexpected)", "unexpected)\\u001b[2J\\u202e"), encoding="utf-8")
    text = audit(file).stdout
    assert "\x1b[2J" not in text
    assert "\u202e" not in text
    assert "\\x1b[2J" in text


@pytest.mark.parametrize(
    ("text", "failed"),
    [
        ("Error: no such city", True),
        ("MCP error -32602: bad", True),
        ('{"error": "no such city"}', True),
        ('{"isError": true, "content": []}', True),
        ("3 ist keine gültige Angabe für days", True),
        ("Error handling is explained on page 3", False),
        ('{"days": 3, "error": null, "temp": 4}', False),
        ("Sonnig, 21 Grad", False),
        ("", False),
    ],
)
def test_chat_messages_are_failures_by_the_answers_own_words(text: str, failed: bool, tmp_path: Path) -> None:
    whole = json.loads((FOLDER / "openai.json").read_text(encoding="utf-8"))
    whole["messages"][2]["tool_calls"][0]["function"]["arguments"] = '{"city": "Wien", "days": "3"}'
    whole["messages"] = [*whole["messages"][:3], {**whole["messages"][3], "content": text}]
    assert report(written(tmp_path / "m.json", whole))["totals"]["failed"] == failed


def test_calls_without_an_id_are_joined_with_their_answers_by_their_place(tmp_path: Path) -> None:
    def asks(city: str) -> dict[str, Any]:
        function = {"name": "get_weather", "arguments": {"city": city}}
        return {"role": "assistant", "content": "", "tool_calls": [{"function": function}]}

    answers = [{"role": "tool", "name": "get_weather", "content": text} for text in ("Error: not there", "sonnig")]
    user = {"role": "user", "content": "?"}
    found = report(written(tmp_path / "m.json", [user, asks("Wjen"), answers[0], asks("Wien"), answers[1]]))
    assert [one["arguments"] for one in found["failures"]] == [{"city": "Wjen"}]
    assert found["totals"]["unanswered"] == 0


def test_both_sides_of_a_connection_count_their_own_ids(tmp_path: Path) -> None:
    asked = {"messages": [], "maxTokens": 5}
    file = written(
        tmp_path / "c.jsonl",
        rpc(id=1, method="tools/call", params={"name": "f", "arguments": {}}),
        rpc(id=1, method="sampling/createMessage", params=asked),
        rpc(id=1, result={"role": "assistant", "content": {"type": "text", "text": "x"}, "model": "m"}),
        rpc(id=1, result={"content": [], "isError": False}),
        rpc(id=1, method="tools/call", params={"name": "f", "arguments": {}}),
        rpc(id=1, error={"code": -32000, "message": "boom"}),
    )
    found = report(file)
    assert (found["totals"]["calls"], found["totals"]["failed"], found["totals"]["unanswered"]) == (2, 1, 0)


def test_a_long_transcript_is_read_a_line_at_a_time(tmp_path: Path) -> None:
    """Replies of 40 MB in all pass through much less memory at once."""
    import tracemalloc

    from proxy.audit.reading import read

    file = tmp_path / "big.jsonl"
    with file.open("w", encoding="utf-8") as out:
        for number in range(400):
            params = {"name": "f", "arguments": {"n": number}}
            out.write(json.dumps(rpc(id=number, method="tools/call", params=params)) + "\n")
            text = {"type": "text", "text": f"{number} " * 25_000}
            out.write(json.dumps(rpc(id=number, result={"content": [text]})) + "\n")
    tracemalloc.start()
    try:
        found = read(file)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(found.calls) == 400
    assert file.stat().st_size > 4 * peak


def test_an_export_of_inspectors_network_holds_messages_as_text_and_as_events(tmp_path: Path) -> None:
    def exchange(asked: dict[str, Any], body: str) -> dict[str, Any]:
        head = {"id": "r", "timestamp": "2026-05-01T10:00:00.000Z", "method": "POST", "url": "http://127.0.0.1/mcp"}
        return {**head, "requestBody": json.dumps(asked), "responseStatus": 200, "responseBody": body}

    refusal = {"content": [{"type": "text", "text": "'5' is not of type 'integer'"}], "isError": True}
    listed = json.dumps(rpc(id=1, result={"tools": [LISTED]}))
    asked = rpc(id=2, method="tools/call", params={"name": "list_reports", "arguments": {"limit": "5"}})
    events = f"event: message\ndata: {json.dumps(rpc(id=2, result=refusal))}\n\n"
    entries = [exchange(rpc(id=1, method="tools/list"), listed), exchange(asked, events)]
    file = tmp_path / "inspector-network.json"
    file.write_text(json.dumps(entries, indent=2), encoding="utf-8")
    (failure,) = report(file)["failures"]
    assert failure["repaired"]["arguments"] == {"limit": 5}


def test_of_many_files_only_those_are_named_in_which_something_failed(tmp_path: Path) -> None:
    sound = rpc(id=1, method="tools/call", params={"name": "f", "arguments": {}})
    for number in range(20):
        written(tmp_path / f"sound-{number}.jsonl", sound, rpc(id=1, result={"content": []}))
    written(tmp_path / "bad.jsonl", sound, rpc(id=1, error={"code": -32000, "message": "boom"}))
    text = audit(tmp_path).stdout
    assert "bad.jsonl: MCP JSON-RPC, 1 calls, 1 failed" in text
    assert "sound-1" not in text
    assert "and 20 more files in which nothing failed" in text
