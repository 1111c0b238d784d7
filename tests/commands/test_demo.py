"""The demo: its first plan is mended by rules alone, its second by the planner alone, whatever the seed."""

# pyright: basic
from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from proxy.commands.demo import OPEN, UPSTREAMS, WITHOUT

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.network, pytest.mark.model]


def mend(home: Path, *args: str, planner: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    config = home / "mend.toml"
    lines = [f'[planner]\nbackend = "{planner}"\ndeadline = 120\n']
    lines += [f'[upstreams.{name}]\ncommand = "{it.command}"\nargs = {it.args}\n' for name, it in UPSTREAMS.items()]
    config.write_text("\n".join(lines), encoding="utf-8")
    env = {**os.environ, "MCP_MEND_HOME": str(home / "state"), "NO_COLOR": "1"}
    line = [sys.executable, "-m", "proxy.cli", *args, "--config", str(config)]
    settled = {"env": env, "cwd": ROOT, "timeout": 300}
    return subprocess.run(line, check=False, capture_output=True, text=True, input=stdin, **settled)


def reports(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_rules_mend_the_first_plan_and_the_planner_the_second(tmp_path: Path) -> None:
    first, second = reports(mend(tmp_path, "demo", "--json", planner="local"))
    assert first["output"] == "81.6466266 kg; from Tokyo to Kolkata: -3.5h"
    assert first["search"]["planner_calls"] == 0
    assert (second["status"], second["output"]) == ("repaired", "5120.0 megabytes")
    assert {repair["rule"] for repair in second["repairs"]} == {"planner_value"}


def test_without_a_planner_the_second_stays_open_and_that_is_said(tmp_path: Path) -> None:
    first, second = reports(mend(tmp_path, "demo", "--json", planner="none"))
    assert (first["status"], second["status"]) == ("repaired", "failed")
    assert second["search"]["upstream_calls"] == 0
    told = mend(tmp_path, "demo", planner="none")
    assert told.returncode == 0
    assert told.stdout.endswith(WITHOUT + "\n")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_planner_mends_it_whatever_the_seed(tmp_path: Path, seed: int) -> None:
    plan = json.dumps({**OPEN, "seed": seed})
    report = json.loads(mend(tmp_path, "run", "-", "--json", planner="local", stdin=plan).stdout)
    assert (report["status"], report["output"]) == ("repaired", "5120.0 megabytes")
