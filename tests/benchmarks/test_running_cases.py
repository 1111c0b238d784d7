"""Cases of our own through the harness without a proxy: a strict upstream, a tapped server, the whole command."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from evals.cases import bad_args
from evals.cases.client import ROOT
from evals.cases.workspace import Options

BAKE = {
    "type": "object",
    "properties": {"loaves": {"type": "integer"}, "crust": {"type": "string", "enum": ["soft", "crisp"]}},
    "required": ["loaves"],
}


def case(id_: str, sent: Any, expected: Any, repair: str = "safe", **more: Any) -> dict[str, Any]:
    return {
        "id": id_,
        "tool": "bake_bread",
        "kind": "arguments",
        "category": "own",
        "repair": repair,
        "schema_fragment": BAKE,
        "sent": sent,
        "expected": expected,
        "tool_expected": None,
        "note": "",
        **more,
    }


def ran(command: list[str], given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, input=given, capture_output=True, text=True, timeout=120, check=False)


BROKEN = case("t1", {"loaves": "3"}, {"loaves": 3})
SOUND = case("t2", {"loaves": 3}, {"loaves": 3}, "must_not", category="control_valid")


async def test_without_a_proxy_a_broken_call_fails_and_a_sound_one_is_untouched() -> None:
    cases = [BROKEN, SOUND]
    found = [outcome for each in cases for outcome in await bad_args.run(each, cases, Options(direct=True))]
    assert [(outcome.id, outcome.verdict) for outcome in found] == [
        ("t1", "abstained"),
        ("t1+sound", "right"),
        ("t2", "right"),
        ("t2+sound", "right"),
    ]
    assert [outcome.untouched for outcome in found] == [None, True, True, True]


def test_a_name_that_must_not_be_resolved_is_not_published() -> None:
    unknown = case(
        "t3", None, None, "must_not", category="name_nonexistent", schema_fragment=None, tool="srv__mix_dough"
    )
    unknown["note"] = "knead_dough is another operation"
    names = [tool["name"] for tool in bad_args.specification(unknown, [unknown, case("t4", {}, {})], "rpc")["tools"]]
    assert "srv__mix_dough" not in names
    assert "srv__knead_dough" in names


def test_the_command_writes_every_case_and_compares_with_an_earlier_run(tmp_path: Path) -> None:
    (tmp_path / "bad_args.json").write_text(json.dumps([BROKEN, SOUND]))
    command = [sys.executable, "-m", "evals.cases", "--cases", str(tmp_path), "--only", "bad_args", "--direct"]
    first = ran([*command, "--json", str(tmp_path / "a.json")])
    assert first.returncode == 0, first.stderr
    assert "bad_args/safe" in first.stdout
    written = json.loads((tmp_path / "a.json").read_text())["outcomes"]
    assert [outcome["id"] for outcome in written] == ["t1", "t1+sound", "t2", "t2+sound"]
    again = ran([*command, "--compare", str(tmp_path / "a.json")])
    assert "changed: 0" in again.stdout


@pytest.mark.parametrize("reply", [{"content": [], "isError": False}, {"content": [], "isError": True}])
def test_a_tap_passes_bytes_on_and_notes_calls(tmp_path: Path, reply: dict[str, Any]) -> None:
    answer = json.dumps({"jsonrpc": "2.0", "id": 5, "result": reply})
    server = f"import sys\nsys.stdin.readline()\nprint('noise')\nprint({answer!r}, flush=True)\nsys.stdin.read()"
    request = '{"id": 5, "method": "tools/call", "params": {"name": "dig", "arguments": {"deep": 1}}}\n'
    log = tmp_path / "log.jsonl"
    done = ran([sys.executable, "-m", "evals.cases.tap", str(log), sys.executable, "-c", server], request)
    assert done.stdout == f"noise\n{answer}\n"
    noted = json.loads(log.read_text())
    assert noted == {"tool": "dig", "arguments": {"deep": 1}, "ok": not reply["isError"], "state": None}
