"""Cases are run and graded as the tables say: a wrong verdict here would be a wrong figure in docs/."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from evals.cases.client import ROOT, Answer
from evals.cases.outcome import Outcome
from evals.cases.plans import Ran, marked
from evals.cases.table import comparison, filled
from evals.latency.__main__ import measure

BAKE = {"type": "object", "properties": {"loaves": {"type": "integer"}}, "required": ["loaves"]}


def case(id_: str, sent: Any, repair: str = "safe", category: str = "own") -> dict[str, Any]:
    wanted = {"expected": {"loaves": 3}, "tool_expected": None, "note": "", "schema_fragment": BAKE}
    return {"id": id_, "tool": "bake_bread", "kind": "arguments", "category": category, "repair": repair} | {
        "sent": sent,
        **wanted,
    }


def ran(command: list[str], given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, input=given, capture_output=True, text=True, timeout=120, check=False)


def test_the_command_runs_cases_through_the_proxy_and_compares_with_an_earlier_run(tmp_path: Path) -> None:
    cases = [case("t1", {"loaves": "3"}), case("t2", {"loaves": 3}, "must_not", "control_valid"), case("t3", {})]
    (tmp_path / "bad_args.json").write_text(json.dumps(cases))
    command = [sys.executable, "-m", "evals.cases", "--cases", str(tmp_path), "--only", "bad_args"]
    first = ran([*command, "--json", str(tmp_path / "a.json")])
    assert first.returncode == 0, first.stderr
    written = {each["id"]: each for each in json.loads((tmp_path / "a.json").read_text())["outcomes"]}
    verdicts = {id_: each["verdict"] for id_, each in written.items() if "+" not in id_}
    assert verdicts == {"t1": "right", "t2": "right", "t3": "abstained"}
    assert all(written[f"{id_}+sound"]["untouched"] for id_ in verdicts)
    again = ran([*command, "--match", "t1", "--compare", str(tmp_path / "a.json")])
    assert "changed: 0" in again.stdout, again.stderr


def test_a_tap_passes_bytes_on_and_notes_calls(tmp_path: Path) -> None:
    answer = json.dumps({"jsonrpc": "2.0", "id": 5, "result": {"content": [], "isError": True}})
    server = f"import sys\nsys.stdin.readline()\nprint('noise')\nprint({answer!r}, flush=True)\nsys.stdin.read()"
    request = '{"id": 5, "method": "tools/call", "params": {"name": "dig", "arguments": {"deep": 1}}}\n'
    log = tmp_path / "log.jsonl"
    done = ran([sys.executable, "-m", "evals.cases.tap", str(log), sys.executable, "-c", server], request)
    assert done.stdout == f"noise\n{answer}\n"
    assert json.loads(log.read_text()) == {"tool": "dig", "arguments": {"deep": 1}, "ok": False, "state": None}


def call(tool: str, state: str, *, ok: bool = True, **arguments: Any) -> dict[str, Any]:
    return {"tool": tool, "arguments": arguments, "ok": ok, "state": state}


def repeated(steps: list[str], calls: list[dict[str, Any]]) -> int:
    done = [{"id": tool, "tool": tool, "arguments": {"field": "a"}, "ok": True} for tool in steps]
    report = {"status": "repaired", "steps": done, "repairs": []}
    return Ran(Answer({"structuredContent": report}, None, 0.0), marked(calls, "start")).effects_repeated()


def test_an_effect_counts_once_for_its_step_and_every_other_is_a_repeated_one() -> None:
    once = [call("mow", "start", ok=False, field="b"), call("mow", "mown", field="a"), call("look", "mown")]
    assert repeated(["mow"], once) == 0
    assert repeated(["mow"], [*once, call("mow", "shorter", field="a")]) == 1
    assert repeated([], [call("look", "start"), call("dig", "hole", field="a")]) == 1


def test_a_comparison_names_what_changed_and_a_page_keeps_its_prose() -> None:
    before, after = (Outcome("a", ("all",), verdict, feasible=True) for verdict in ("wrong", "right"))
    assert "a: wrong -> right" in comparison([before], [after])
    once = filled("# Title\n\nWhy.\n", "sweep", "| a |")
    assert filled(f"{once}\nAfter.\n", "sweep", "| b |") == f"{once}\nAfter.\n".replace("| a |", "| b |")


async def test_what_is_timed_ends_as_its_name_says() -> None:
    ends = {name: end for name, _, end in await measure(tools=40, rounds=3)}
    assert ends.pop("sound call") == "passed"
    assert ends.pop("missing argument (no repair)") == "failed"
    assert ends.pop("sound plan of ten steps") == "succeeded"
    assert set(ends.values()) == {"repaired"}
