"""Runs that another process may go on with: on both engines one goes on, and no other."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import closing
from pathlib import Path

import pytest

from proxy.store import kept as module
from proxy.store.kept import HeldError, KeptRuns
from proxy.store.sql import Place
from proxy.store.state import State, open_state
from proxy.workflows.checkpoint import Checkpoint, read, taken
from schemas.catalog import Effect
from schemas.trial import Reply, StepRun, Verdict


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def states(empty_place: Place) -> Generator[tuple[State, State]]:
    """Two processes' ways to one place."""
    with open_state(empty_place) as one, open_state(empty_place) as other:
        yield one, other


def call(step: str, value: object = None) -> StepRun:
    reply = Reply({"content": [], "structuredContent": {"value": value}})
    return StepRun(step, "post", "send", {"to": "Ädä\0"}, Verdict.OK, reply, value, f"call_{step}", Effect.WRITE, 1.0)


def lease(place: Place, seconds: float) -> None:
    """Have every run be held on another machine, for so many seconds more."""
    with closing(place.open("state")) as connection:
        connection.run(
            f"UPDATE kept_runs SET holder = 'elsewhere/1/1', until = {connection.dialect.now} + ?", [seconds]
        )


async def test_what_was_noted_is_read_again_exactly(states: tuple[State, State]) -> None:
    first = Checkpoint("run_1", KeptRuns(states[0]))
    first.plan({"steps": [{"id": "a"}]})
    assert await first.sending(call("b"), [call("a", "é\ud800")]) == ""
    first.sent(call("b", [1.5, None]))
    assert await first.sending(call("c"), []) == ""
    lease(states[0].place, 0)
    plan, found = read(taken(KeptRuns(states[1]), "run_1"))
    assert plan == {"steps": [{"id": "a"}]}
    assert [found[step][0].verdict for step in "abc"] == [Verdict.OK, Verdict.OK, Verdict.UNKNOWN]
    assert (found["a"][0].value, found["b"][0].value) == ("é\ud800", [1.5, None])
    assert found["b"][0].arguments == {"to": "Ädä\0"}


async def test_a_run_that_was_taken_sends_no_effect_any_more(states: tuple[State, State]) -> None:
    first = Checkpoint("run_1", KeptRuns(states[0]))
    assert await first.sending(call("a"), []) == ""
    with pytest.raises(HeldError):
        KeptRuns(states[1]).take("run_1").result()
    lease(states[0].place, 0)
    second = Checkpoint("run_1", KeptRuns(states[1]), taken(KeptRuns(states[1]), "run_1").fence)
    assert "another process has gone on" in await first.sending(call("b"), [])
    first.sent(call("a", "too late"))
    assert await second.sending(call("b"), []) == ""
    first.end()
    lease(states[0].place, 0)
    _, found = read(taken(KeptRuns(states[0]), "run_1"))
    assert found.keys() == {"a", "b"}
    assert found["a"][0].verdict is Verdict.UNKNOWN


async def test_of_many_that_would_go_on_one_does(states: tuple[State, State]) -> None:
    await KeptRuns(states[0]).begin("run_1", ["{}"])
    lease(states[0].place, 0)
    outcomes = [KeptRuns(state).take("run_1") for state in states * 10]
    assert sorted(outcome.exception() is None for outcome in outcomes) == [False] * 19 + [True]


async def test_the_end_of_a_run_forgets_it(states: tuple[State, State]) -> None:
    first = Checkpoint("run_1", KeptRuns(states[0]))
    await first.sending(call("a"), [])
    first.end()
    assert await states[0].ask(lambda connection: connection.rows("SELECT * FROM kept_lines")) == []
    assert KeptRuns(states[1]).take("run_1").result() is None


async def test_a_note_moves_the_lease_on(states: tuple[State, State]) -> None:
    first = Checkpoint("run_1", KeptRuns(states[0]))
    await first.sending(call("a"), [])
    lease(states[0].place, 0)
    assert await first.sending(call("b"), []) == ""
    with pytest.raises(HeldError):
        KeptRuns(states[1]).take("run_1").result()


def test_what_a_dead_process_of_this_machine_held_is_free_at_once(
    empty_place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = (
        "import anyio, sys; from pathlib import Path; from proxy.store.sql import Place;"
        "from proxy.store.state import State; from proxy.store.kept import KeptRuns;"
        "state = State(Place(Path(sys.argv[1]), sys.argv[2]));"
        "anyio.run(KeptRuns(state).begin, 'run_1', ['{}']); print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", begin, str(empty_place.folder), empty_place.url]
    with (
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process,
        open_state(empty_place) as state,
    ):
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(HeldError):
            KeptRuns(state).take("run_1").result()
        process.kill()
        process.wait()
        with monkeypatch.context() as elsewhere:
            elsewhere.setattr(module, "_machine", lambda: "another")
            with pytest.raises(HeldError):
                KeptRuns(state).take("run_1").result()
        if os.name == "posix":
            assert KeptRuns(state).take("run_1").result() is not None


async def test_old_runs_are_forgotten(states: tuple[State, State]) -> None:
    kept = KeptRuns(states[0])
    await kept.begin("run_old", ["{}"])
    await states[0].ask(
        lambda connection: connection.run("UPDATE kept_runs SET at = ?", [time.time() - (module.DAYS + 1) * 86_400])
    )
    await kept.begin("run_new", ["{}"])
    rows = await states[0].ask(lambda connection: connection.rows("SELECT repair_id FROM kept_lines"))
    assert rows == [{"repair_id": "run_new"}]


async def test_a_process_of_this_machine_holds_its_run_as_long_as_it_lives(states: tuple[State, State]) -> None:
    await KeptRuns(states[0]).begin("run_1", ["{}"])
    await states[0].ask(lambda connection: connection.run("UPDATE kept_runs SET until = 0"))
    with pytest.raises(HeldError):
        KeptRuns(states[1]).take("run_1").result()
    machine, pid, _ = module._holder().split("/")  # the number is another process's now
    await states[0].ask(lambda connection: connection.run("UPDATE kept_runs SET holder = ?", [f"{machine}/{pid}/1"]))
    kept = KeptRuns(states[1]).take("run_1").result()
    assert kept is not None
    assert kept.fence == 2


async def test_what_a_shared_store_cannot_note_is_not_sent(tmp_path: Path) -> None:
    (tmp_path / "state.db").mkdir()
    for url, said in (("postgresql://nobody@127.0.0.1:1/none", "was not sent"), ("", "")):
        with open_state(Place(tmp_path, url)) as state:
            assert said in await Checkpoint("run_1", KeptRuns(state)).sending(call("a"), [])
            assert (await Checkpoint("run_2", KeptRuns(state)).sending(call("a"), []) == "") is (url == "")


async def test_a_reply_is_written_before_anything_follows_it(states: tuple[State, State]) -> None:
    first = Checkpoint("run_1", KeptRuns(states[0]))
    await first.sending(call("a"), [])
    states[0].submit(lambda connection: time.sleep(0.3))
    first.sent(call("a", "the reply"))
    await first.settled()
    lines = await states[1].ask(lambda connection: connection.rows("SELECT line FROM kept_lines"))
    assert "the reply" in lines[-1]["line"]
