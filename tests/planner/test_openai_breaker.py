"""A planner's server that is slow, refuses or is gone: what it costs, and that it is asked again when it is back."""

from __future__ import annotations

from dataclasses import replace
from itertools import takewhile

import anyio
import pytest
from structlog.testing import capture_logs

from proxy.model import breaker
from proxy.model.openai import open_endpoint
from proxy.planner.advisor import PlannerAdvisor
from schemas.config import Planner
from schemas.plan import Ref
from tests.planner.engines import Engine, running
from tests.planner.tools import PLAN, QUESTION

NUMBER = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}


BY_ID = PLAN.with_step(replace(PLAN.steps[1], arguments={"customer_id": Ref("find", "id").json()}))


def beginning(texts: list[str]) -> str:
    """What all of them begin with."""
    return "".join(marks[0] for marks in takewhile(lambda marks: len(set(marks)) == 1, zip(*texts, strict=False)))


def wanted(engine: Engine, **more: float) -> Planner:
    return Planner.model_validate({"base_url": engine.url, "model": "m", "deadline": 10, **more})


async def test_a_gone_server_is_left_alone_and_asked_again_when_it_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breaker, "FIRST_PAUSE", 0.2)
    engine = Engine()
    async with running(engine), open_endpoint(wanted(engine)) as planner:
        assert await planner.generate("x", NUMBER) == {"n": 4}
    with capture_logs() as lines:
        async with open_endpoint(wanted(engine)) as planner:
            for _ in range(5):
                assert await planner.generate("x", NUMBER) is None
            assert not planner.available
            async with running(engine):
                with anyio.fail_after(10):
                    while not planner.available:
                        await planner.generate("x", NUMBER)
                        await anyio.sleep(0.05)
                assert await planner.generate("x", NUMBER) == {"n": 4}
    levels = [line["log_level"] for line in lines if line["log_level"] != "debug"]
    assert levels == ["info", "warning", "info"], "a failure, the opening, the closing"


async def test_a_hanging_server_costs_its_deadlines_and_no_more() -> None:
    engine = Engine()
    engine.hang()
    async with running(engine), open_endpoint(wanted(engine, deadline=0.2)) as planner:
        for _ in range(20):
            assert await planner.rank("Which?", ["a", "b"]) is None
        assert len(engine.asked) == 2
        assert not planner.available


async def test_the_trial_is_one_question_and_the_others_go_on_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(status=503, error={})
    async with running(engine), open_endpoint(wanted(engine, failures=1)) as planner:
        assert await planner.generate("x", NUMBER) is None
        engine.status = 200
        engine.hang()
        monkeypatch.setattr(planner.breaker, "_until", 0.0)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(planner.generate, "the trial", NUMBER)
            await engine.heard(2)
            assert await planner.generate("another", NUMBER) is None
            engine.free.set()
        assert planner.available
        assert await planner.generate("x", NUMBER) == {"n": 4}


async def test_so_many_questions_at_once_and_the_wait_counts() -> None:
    engine = Engine()
    engine.hang()
    async with running(engine), open_endpoint(wanted(engine, requests=2, deadline=0.5, failures=9)) as planner:
        async with anyio.create_task_group() as tasks:
            for _ in range(8):
                tasks.start_soon(planner.generate, "x", NUMBER)
        assert engine.most == 2
        assert len(engine.asked) == 2, "those that waited have no time left"
        assert planner.available, "who waited in vain says nothing of the server"
        engine.free.set()
        assert await planner.generate("x", NUMBER) == {"n": 4}


async def test_waiting_questions_end_when_it_opens() -> None:
    engine = Engine(status=503, error={})
    engine.hang()
    async with running(engine), open_endpoint(wanted(engine, requests=1, failures=1)) as planner:
        with anyio.fail_after(9):
            async with anyio.create_task_group() as tasks:
                for _ in range(3):
                    tasks.start_soon(planner.generate, "x", NUMBER)
                await engine.heard(1)
                engine.free.set()
        assert len(engine.asked) == 1


async def test_all_options_go_in_one_request() -> None:
    engine = Engine()
    async with running(engine), open_endpoint(wanted(engine)) as planner:
        assert await planner.rank("Which?", ["aaa", "b", "cc"]) == [-3, -1, -2]
        assert [body["prompt"] for body in engine.asked[1:]] == [["Which?\naaa", "Which?\nb", "Which?\ncc"]]


async def test_what_a_server_says_of_an_error_is_in_no_log_line() -> None:
    words = "sk-secret: no such key, asked http://u:p@model/?key=k: the goal was x"
    engine = Engine(status=401, error={"error": {"message": words, "code": "invalid_api_key", "type": words}})
    with capture_logs() as lines:
        async with running(engine), open_endpoint(wanted(engine)) as planner:
            for _ in range(3):
                assert await planner.generate("x", NUMBER) is None
    assert "status 401 invalid_api_key" in str(lines)
    assert "secret" not in str(lines)
    assert "goal" not in str(lines)


async def test_what_stays_the_same_stands_first_in_every_request() -> None:
    """So that a server which keeps prefixes reads tools and plan once."""
    engine = Engine(content='{"value": 1}')
    async with running(engine), open_endpoint(wanted(engine)) as planner:
        advisor, candidates = PlannerAdvisor(planner, 4096), [BY_ID, BY_ID.with_step(replace(BY_ID.steps[0], id="x"))]
        for goal in ("List the orders of Jane Roe.", "Which orders has Jane Roe?"):
            question = replace(QUESTION, plan=replace(PLAN, goal=goal))
            await advisor.rank(question, candidates, [0.5, 0.5])
            await advisor.value(question, ("customer_id",))
    ranked = [text for body in engine.asked[1:] for text in body.get("prompt", ())]
    written = [body["messages"][0]["content"] for body in engine.asked if "messages" in body]
    assert [len(ranked), len(written)] == [4, 2]
    for texts in (ranked, written):
        shared = beginning(texts)
        assert "List orders." in shared, "the last tool"
        assert "Input should be a valid integer" in shared, "the plan and its error"
        assert beginning([*ranked, *written]).count("\n- ") == 2, "both tools"
