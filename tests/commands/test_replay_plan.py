"""`log replay --plan`: a recorded workflow run anew by real programs, and its report compared."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from proxy.store.replay import unfit_plan
from tests.promises import promise
from tests.ui.proxy import BROKEN, MEND, ROOT

LOOKING: dict[str, Any] = {
    "steps": [{"id": "rake", "tool": "get_prodct", "arguments": {"skuu": "rake-12"}}],
    "output": {"price": {"$ref": "rake", "path": "product.price"}},
    "seed": 7,
}
"""A plan that is repaired and only reads."""


class Shell:
    """Somebody who types commands, with a shop configured."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.configure()

    def configure(self, **effects: str) -> None:
        args = [str(ROOT / "tests" / "servers" / "shop.py"), str(self.folder / "shop.jsonl")]
        shop = {"command": sys.executable, "args": args, "tools": {"effects": effects}}
        (self.folder / "config.json").write_text(json.dumps({"upstreams": {"shop": shop}}), encoding="utf-8")

    def types(self, *words: str, given: Any = None, **more: str) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "MCP_MEND_HOME": str(self.folder), "PYTHONPATH": str(ROOT), **more}
        env["MCP_MEND_CONFIG"] = str(self.folder / "config.json")
        text = json.dumps(given)
        return subprocess.run(
            [*MEND, *words], env=env, input=text, capture_output=True, text=True, timeout=60, check=False
        )

    def orders(self) -> int:
        return len((self.folder / "shop.jsonl").read_text(encoding="utf-8").splitlines())


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


@promise("replayed-alike")
def test_a_repaired_plan_replayed_gives_the_same_report(shell: Shell) -> None:
    first = json.loads(shell.types("run", "-", "--json", given=LOOKING).stdout)
    assert (first["status"], first["output"], first["search"]["seed"]) == ("repaired", {"price": 19.5}, 7)
    shown = shell.types("log", "replay", "last", "--plan")
    assert json.loads(shown.stdout)["steps"][0]["tool"] == "get_prodct"
    assert "nothing was sent" in shown.stderr
    told = shell.types("log", "replay", first["repair_id"], "--plan", "--live", "--json")
    assert told.returncode == 0, told.stderr
    compared = json.loads(told.stdout)
    assert (compared["same"], compared["differs"]) == (True, [])
    assert compared["now"]["repair_id"] != first["repair_id"]
    assert compared["now"]["repairs"] == first["repairs"]
    assert compared["now"]["search"]["seed"] == 7
    assert "the same report: repaired" in shell.types("log", "replay", first["repair_id"], "--plan", "--live").stdout


def test_a_report_that_is_another_one_is_shown_and_told_by_the_exit_status(shell: Shell) -> None:
    shell.types("run", "-", given=LOOKING)
    told = shell.types("log", "replay", "last", "--plan", "--live", MCP_MEND_MODE="off")
    assert told.returncode == 1
    assert '-"repaired"\n+"failed"' in told.stdout


def test_a_plan_with_effects_is_run_anew_only_where_that_is_confirmed(shell: Shell) -> None:
    first = json.loads(shell.types("run", "-", "--json", given=BROKEN).stdout)
    assert first["status"] == "repaired"
    before = shell.orders()
    refused = shell.types("log", "replay", "last", "--plan", "--live")
    assert refused.returncode == 2
    assert "cart: open_cart is not marked read-only; --yes runs the plan all the same" in refused.stderr
    assert shell.orders() == before
    told = shell.types("log", "replay", first["repair_id"], "--plan", "--live", "--yes", "--json")
    assert json.loads(told.stdout)["same"], told.stdout
    assert shell.orders() > before


def test_a_tool_that_is_no_longer_marked_read_only_is_asked_about_before_anything_is_sent(shell: Shell) -> None:
    plan = {"steps": [{"id": "s", "tool": "search_products", "arguments": {"query": "rake", "max_price": "30"}}]}
    assert "repaired" in shell.types("run", "-", given=plan).stdout
    shell.configure(search_products="write")
    refused = shell.types("log", "replay", "last", "--plan", "--live")
    assert refused.returncode == 2
    assert "s: search_products is not marked read-only" in refused.stderr


WHOLE: dict[str, Any] = {
    "repair_id": "run_a", "kind": "workflow", "plan_before": {"steps": []}, "report": {"status": "repaired"}
}  # fmt: skip


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ({"kind": "repair"}, "is a repaired call and has no plan"),
        ({"plan_before": {"sha256": "x", "characters": 3}}, "its plan was not kept whole"),
        ({"plan_before": {"steps": [{"arguments": {"token": "[redacted]"}}]}}, "held a secret"),
        ({"report": None}, "no whole report"),
    ],
)
def test_what_is_not_on_record_cannot_be_run_anew(fault: dict[str, Any], why: str) -> None:
    assert unfit_plan(WHOLE) == ""
    assert why in unfit_plan({**WHOLE, **fault})
