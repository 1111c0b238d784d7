"""The client's own model as the planner, asked through real sessions of the official client in both eras."""

# pyright: basic
from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import mcp_types as types
import pytest
from mcp.client.client import Client
from mcp.shared.exceptions import MCPError
from mcp.shared.message import SessionMessage

from catalog_cache.cache import Cache
from catalog_cache.store import Store
from proxy.aggregate.router import Router
from proxy.calls.forward import Calls
from proxy.eras.request import ClientRequest
from proxy.frontends.stdio import Session
from proxy.model.sampling import QUESTIONS, ClientModel
from proxy.planner.opening import open_planner
from proxy.ports import Written
from proxy.upstreams.fleet import running
from proxy.wire.caller import Profile
from proxy.wire.peer import NotConnected
from schemas.catalog import Effect
from schemas.trial import Reply
from tests.fakes import TEXT, Book, Person, Server, configured, step, world

Says = Callable[[str], str | None]
"""What a client's model answers to a prompt; None: its person refuses."""

BOTH = pytest.mark.parametrize("mode", ["legacy", "auto"])
GOAL = "Tell me whether in the hall it is the oaken one, or the iron one, that sticks."
DOOR = {"type": "string", "description": "Which of the doors of the house"}
COLOUR = {"type": "string", "enum": ["red", "green", "blue"]}
LOOK = {"goal": GOAL, "steps": [step("a", "look_at", room="hall")]}
PAINT = {"goal": "Paint it red, or green at worst.", "steps": [step("a", "preview", old="blue")]}


@pytest.fixture(autouse=True)
def _words_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.model.models.embedding", lambda: None)


class Transport:
    """Carries what the proxy says to the client in memory."""

    def __init__(self, out: Any) -> None:
        self._out = out

    def send(self, message: Any) -> None:
        self._out.send_nowait(SessionMessage(types.jsonrpc_message_adapter.validate_python(message)))

    async def drained(self) -> None:
        """Nothing waits."""

    def abandon(self, ident: Any) -> bool:
        return False


class Talk:
    """A client whose model answers by `says` (None: it has no sampling), in front of some servers."""

    def __init__(self, home: Path, mode: str, says: Says | None, hidden: str = "\0") -> None:
        house = Server("house").tool("look_at", lambda **given: given, "read", door=DOOR, room=TEXT)
        self.world = world(house.tool("preview", lambda **given: given, "read", old=TEXT, shade=COLOUR))
        self.prompts: list[str] = []
        self._home, self._mode, self._says, self._hidden = home, mode, says, hidden

    async def _sample(self, context: Any, params: types.CreateMessageRequestParams) -> Any:
        self.prompts.append(params.messages[0].content.text)  # type: ignore[union-attr]
        said = self._says(self.prompts[-1]) if self._says else None
        if said is None:
            return types.ErrorData(code=-1, message="User rejected sampling request")
        content = types.TextContent(type="text", text=said)
        return types.CreateMessageResult(role="assistant", content=content, model="clever-1")

    @asynccontextmanager
    async def _pipes(self) -> AsyncGenerator[Any]:
        config = configured(planner={"backend": "client", "deadline": 2})
        to_client, from_proxy = anyio.create_memory_object_stream[Any](100)
        to_proxy, from_client = anyio.create_memory_object_stream[Any](100)
        async with (
            open_planner(config.planner, self._home, lambda text: text.replace(self._hidden, "***")) as planner,
            running({}, Cache({}, Store(self._home / "catalog"))) as fleet,
            anyio.create_task_group() as tasks,
        ):
            face = Router(fleet, Calls(config, self.world, Book(), None, planner))
            session = Session(face, lambda _: None)
            session.peer.transport = Transport(to_client)

            async def feed() -> None:
                async for message in from_client:
                    session.peer.receive(message.message.model_dump(by_alias=True, exclude_none=True))

            tasks.start_soon(feed)
            try:
                yield from_proxy, to_proxy
            finally:
                session.peer.close("the client has gone")
                await session.peer.finish()
                await face.close()
                tasks.cancel_scope.cancel()
                for stream in (to_client, from_proxy, to_proxy, from_client):
                    stream.close()

    async def report(self, plan: Any) -> dict[str, Any]:
        sampling = self._sample if self._says else None
        with anyio.fail_after(20):
            async with Client(self._pipes(), mode=self._mode, sampling_callback=sampling) as client:
                result = await client.call_tool("run_workflow", plan)
        assert result.structured_content is not None
        return result.structured_content


def door(name: str) -> Says:
    return lambda prompt: f'```json\n"{name}"\n```' if "JSON Schema" in prompt else "0"


def red(prompt: str) -> str:
    return next(line[0] for line in prompt.splitlines() if line[1:2] == ")" and "red" in line)


@BOTH
async def test_the_clients_model_writes_a_value(tmp_path: Path, mode: str) -> None:
    talk = Talk(tmp_path, mode, door("oaken"))
    report = await talk.report(LOOK)
    assert report["status"] == "repaired", report["problems"]
    assert report["output"] == {"room": "hall", "door": "oaken"}
    assert report["search"]["planner"] == "the client's clever-1"
    assert report["search"]["planner_calls"] == len(talk.prompts)
    assert GOAL in talk.prompts[0]


@BOTH
async def test_the_clients_model_chooses_by_number(tmp_path: Path, mode: str) -> None:
    talk = Talk(tmp_path, mode, red)
    report = await talk.report(PAINT)
    assert report["output"] == {"old": "blue", "shade": "red"}
    assert len(talk.prompts) == 1


@BOTH
@pytest.mark.parametrize("said", ["", "the first one, of course", "1 or 2", "99", '{"door": 7}', "[" * 5000, '"back"'])
async def test_nonsense_is_no_advice(tmp_path: Path, mode: str, said: str) -> None:
    for plan in (LOOK, PAINT):
        talk = Talk(tmp_path, mode, lambda _: said)
        assert (await talk.report(plan))["status"] == "failed"
        assert talk.world.sent == []
        assert 0 < len(talk.prompts) <= QUESTIONS


async def test_a_refusal_is_no_advice_and_nobody_is_asked_again(tmp_path: Path) -> None:
    talk = Talk(tmp_path, "legacy", lambda _: None)
    report = await talk.report({"goal": GOAL, "steps": [*LOOK["steps"], step("b", "preview", old="blue")]})
    assert (report["status"], report["search"]["planner"]) == ("failed", "")
    assert len(talk.prompts) == 1


async def test_a_modern_client_that_refuses_gives_its_call_up(tmp_path: Path) -> None:
    talk = Talk(tmp_path, "auto", lambda _: None)
    with pytest.RaisesGroup(pytest.RaisesExc(MCPError, match="rejected"), flatten_subgroups=True):
        await talk.report(LOOK)
    assert talk.world.sent == []


@BOTH
async def test_without_sampling_rules_go_on_alone(tmp_path: Path, mode: str) -> None:
    talk = Talk(tmp_path, mode, None)
    assert (await talk.report(LOOK))["search"]["planner_calls"] == 0
    sound = await talk.report({"steps": [step("a", "look_at", room="hall", Admission="iron")]})
    assert sound["status"] == "repaired"
    assert "mcp-mend doctor" in (await talk.report({"goal": GOAL}))["problems"][0]["message"]


async def test_secrets_are_not_told(tmp_path: Path) -> None:
    talk = Talk(tmp_path, "legacy", door("oaken"), hidden="iron")
    await talk.report(LOOK)
    assert talk.prompts
    assert not any("iron" in prompt for prompt in talk.prompts)


class Slow(Person):
    """A client whose person looks at every question for long."""

    async def sample(self, prompt: str, max_tokens: int) -> Written | None:
        self.told.append(prompt)
        await anyio.sleep_forever()


async def test_an_answer_that_is_late_is_no_advice() -> None:
    slow = Slow()
    model = ClientModel(0.01, str, slow)
    assert await model.rank("Which?", ["this", "that"]) is None
    assert await model.generate("What?", {"type": "string"}) is None
    assert len(slow.told) == 1


async def test_the_questions_of_a_run_are_bounded() -> None:
    class Quick(Person):
        async def sample(self, prompt: str, max_tokens: int) -> Written | None:
            return Written("1", "quick")

    model = ClientModel(1, str, Quick())
    answers = [await model.rank("Which?", ["this", "that"]) for _ in range(QUESTIONS + 1)]
    assert answers == [[0.0, -1.0]] * QUESTIONS + [None]
    assert await model.rank("Which?", ["this"]) == [0.0]
    assert model.usage.calls == QUESTIONS


async def test_a_schema_for_many_tools_is_shown_once(tmp_path: Path) -> None:
    shown: list[str] = []

    class Reader(Person):
        async def sample(self, prompt: str, max_tokens: int) -> Written | None:
            shown.append(prompt)
            return Written("{}", "reader")

    position = {"type": "object", "required": ["tool"], "properties": {"tool": {"const": "a" * 9000}}}
    steps = {"type": "array", "prefixItems": [position] * 6, "items": False, "minItems": 1}
    schema = {"type": "object", "properties": {"steps": steps}, "required": ["steps"]}
    model = ClientModel(1, str, Reader())
    assert await model.generate("Plan.", schema) is None
    assert await model.generate("Plan.", {"const": "a" * 30_000}) is None
    assert [len(prompt) < 10_000 for prompt in shown] == [True]


@pytest.mark.parametrize("effect", [Effect.READ, Effect.UNKNOWN])
async def test_a_modern_client_is_not_asked_once_something_may_have_changed(tmp_path: Path, effect: Effect) -> None:
    """It can refuse only by giving up the call, and would then send the whole plan again."""
    talk = Talk(tmp_path, "auto", red)
    asked: list[str] = []

    async def hold(method: str, params: object) -> Reply:
        asked.append(method)
        return Reply(result={"content": {"type": "text", "text": "1"}, "model": "m"})

    request = ClientRequest(NotConnected(), "s", Profile(capabilities={"sampling": {}}), {}, modern=True)
    request.hold = hold
    async with running({}, Cache({}, Store(tmp_path))) as fleet:
        tool = replace(talk.world.catalog.tools[0], override=effect)
        await fleet.call(tool, {}, request)
    wrote = await request.sample("Which?", 8)
    assert (wrote, asked) == ((Written("1", "m"), ["sampling/createMessage"]) if effect is Effect.READ else (None, []))
