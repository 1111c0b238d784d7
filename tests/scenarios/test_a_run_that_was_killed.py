"""A real run, killed with SIGKILL in the middle of a call, and gone on with."""

# pyright: basic
from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from proxy.store.sql import Place
from tests.promises import promise

PROXY = str(Path(sys.executable).with_name("mcp-mend"))
SERVER = Path(__file__).with_name("parcels.py")
PLAN = {
    "goal": "send Ada a parcel",
    "steps": [
        {"id": "who", "tool": "look_up", "arguments": {"person": "Ada"}},
        {"id": "box", "tool": "reserve_box", "arguments": {"size": "3"}},
        {
            "id": "send",
            "tool": "send_parcel",
            "arguments": {"box": {"$ref": "box", "path": "box"}, "address": {"$ref": "who", "path": "address"}},
        },
        {"id": "label", "tool": "print_label", "arguments": {"parcel": {"$ref": "send", "path": "parcel"}}},
    ],
}


@dataclass
class Post:
    """The files of one test, and the line on which the server says that it is in the middle of a call."""

    folder: Path
    line: socket.socket

    def configured(self, held: str) -> None:
        arguments = json.dumps([str(SERVER), str(self.folder / "log"), str(self.line.getsockname()[1]), held])
        text = f"[upstreams.post]\ncommand = {json.dumps(sys.executable)}\nargs = {arguments}\n"
        (self.folder / "proxy.toml").write_text(text + '[planner]\nbackend = "none"\n')
        (self.folder / "plan.json").write_text(json.dumps(PLAN))

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        command = [PROXY, "run", "--config", str(self.folder / "proxy.toml"), "--json", *arguments]
        env = {**os.environ, "MCP_MEND_HOME": str(self.folder / "home")}
        pipe = subprocess.PIPE
        return subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True)

    def killed_in_the_middle(self) -> None:
        process = self.start(str(self.folder / "plan.json"))
        threading.Thread(target=self._hurry, args=(process,), daemon=True).start()
        held, _ = self.line.accept()
        with held:
            assert process.poll() is None, process.communicate()
            process.send_signal(signal.SIGKILL)
            process.communicate(timeout=30)

    def _hurry(self, process: subprocess.Popen[str]) -> None:
        """Should the run end before it was in the middle of anything, do not let the test wait for it."""
        process.wait()
        with contextlib.suppress(OSError), socket.create_connection(self.line.getsockname(), timeout=1):
            pass

    def resumed(self) -> tuple[int, dict[str, Any]]:
        process = self.start("--resume", "last")
        try:
            out, errors = process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        assert out, errors
        return process.returncode, json.loads(out)

    def log(self) -> list[str]:
        return [json.loads(line)[0] for line in (self.folder / "log").read_text().splitlines()]


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    with socket.create_server(("127.0.0.1", 0)) as line:
        line.settimeout(60)
        yield Post(tmp_path, line)


@promise("resume-repeats-nothing", "unknown-outcome-is-said", "noted-before-sent")
def test_an_effect_that_was_under_way_is_not_repeated_and_its_outcome_is_unknown(post: Post) -> None:
    post.configured("send_parcel")
    post.killed_in_the_middle()
    assert post.log() == ["look_up", "reserve_box", "send_parcel"]
    status, report = post.resumed()
    assert status == 1
    assert report["status"] == "failed"
    assert [name for name in post.log() if name != "look_up"] == ["reserve_box", "send_parcel"]
    steps = {step["id"]: step for step in report["steps"]}
    assert steps["box"]["ok"]
    assert steps["box"]["result"] == {"box": "b-4"}
    assert not steps["send"]["ok"]
    assert steps["send"]["call_id"]
    assert ("send", "outcome_unknown") in [(problem["step"], problem["kind"]) for problem in report["problems"]]
    assert "label" in [problem["step"] for problem in report["problems"]]


@promise("resume-repeats-nothing")
def test_a_run_killed_between_its_effects_is_carried_to_its_end(post: Post) -> None:
    plan = json.loads(json.dumps(PLAN))
    plan["steps"][0]["after"] = ["box"]
    post.configured("look_up")
    (post.folder / "plan.json").write_text(json.dumps(plan))
    post.killed_in_the_middle()
    assert post.log() == ["reserve_box", "look_up"]
    status, report = post.resumed()
    assert (status, report["status"]) == (0, "succeeded"), report["problems"]
    assert report["output"] == {"label": "l-1"}
    assert post.log() == ["reserve_box", "look_up", "look_up", "send_parcel", "print_label"]
    with closing(Place(post.folder / "home").read("state")) as state:
        assert state.rows("SELECT * FROM kept_runs") == state.rows("SELECT * FROM kept_lines") == []


@promise("resume-repeats-nothing")
def test_a_secret_argument_and_a_long_result_are_there_again_exactly(post: Post) -> None:
    plan = json.loads(json.dumps(PLAN))
    plan["steps"][0]["arguments"] = {"person": "Ada", "password": "s3cr3t-of-Ada"}
    plan["steps"][0]["after"] = ["box"]
    post.configured("look_up")
    (post.folder / "plan.json").write_text(json.dumps(plan))
    post.killed_in_the_middle()
    assert (post.folder / "home" / "state.db").stat().st_mode & 0o077 == 0
    assert "s3cr3t-of-Ada" not in (post.folder / "home" / "journal.db").read_bytes().decode(errors="replace")
    status, report = post.resumed()
    assert (status, report["status"]) == (0, "succeeded"), report["problems"]
    sent = [json.loads(line) for line in (post.folder / "log").read_text().splitlines()]
    assert [arguments for name, arguments in sent if name == "look_up"] == [plan["steps"][0]["arguments"]] * 2
    assert len(report["steps"][0]["result"]["map"]) == 300_000


@promise("resume-repeats-nothing")
def test_a_run_of_which_something_is_missing_stops_and_says_what(post: Post) -> None:
    post.configured("send_parcel")
    post.killed_in_the_middle()
    with closing(Place(post.folder / "home").open("state")) as state:
        state.run("DELETE FROM kept_runs")
    process = post.start("--resume", "last")
    out, errors = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, "")
    assert "nothing was kept of it" in errors
    assert post.log() == ["look_up", "reserve_box", "send_parcel"]


@promise("resume-repeats-nothing")
def test_there_is_nothing_to_go_on_with_without_a_journal(post: Post) -> None:
    post.configured("nothing")
    process = post.start("--resume", "last")
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert out == ""
    assert "no journal" in errors
