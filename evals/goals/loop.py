"""The plain loop: a model calls one tool after the other on the servers themselves, until it answers."""

from __future__ import annotations

import json
import re
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from anyio import to_thread

from evals.cases.client import Answer, Connection, connect
from evals.cases.workspace import folder
from evals.goals import checks
from evals.goals.model import Model, call, obj
from evals.goals.setting import Setting, setting
from evals.goals.shelf import Shelf
from evals.goals.told import Book, Told

TURNS = 8
TOKENS = 240
_RESULT = 600
_REFUSAL = re.compile(
    r"\b(cannot|can't|could not|couldn't|unable|sorry|not possible|no tool|impossible)\b", re.IGNORECASE
)
_RULES = """\
Reach the goal by calling tools, one at a time. Answer with JSON: {"tool": name, "arguments": {...}} for the next \
call, or, when the goal is reached, {"answer": "..."} with what was asked for, as the tools gave it. \
Where the tools cannot reach the goal: {"answer": null}."""


@dataclass(frozen=True)
class _Turn:
    """A call and what came back."""

    tool: str
    arguments: Mapping[str, Any]
    text: str
    failed: bool

    def told(self) -> str:
        """The turn as the model reads it."""
        called = json.dumps({"tool": self.tool, "arguments": self.arguments}, ensure_ascii=False)
        return f"{called}\n{'Error' if self.failed else 'Result'}: {self.text[:_RESULT]}"


def prompt(goal: Mapping[str, Any], shelf: Shelf, turns: Sequence[_Turn]) -> str:
    """Ask for the next call or the answer; what was asked before stays as it is and is read once."""
    names = ", ".join(shelf.shown[goal["id"]])
    asked = f"Now choose among these tools: {names}\nThe goal: {goal['goal']}"
    return "\n\n".join([f"Tools:\n{shelf.text()}", _RULES, asked, *(turn.told() for turn in turns)])


def schema(tools: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """One call of one of these tools, or an answer."""
    text = {"anyOf": [{"type": "string", "maxLength": 600}, {"type": "null"}]}
    return {"anyOf": [*(call(name, tool) for name, tool in tools.items()), obj({"answer": text})]}


async def run(
    name: str,
    model: Callable[[], Model],
    file: Mapping[str, Any],
    goals: Sequence[Mapping[str, Any]],
    shelf: Shelf,
    book: Book,
) -> None:
    """Run what is still missing of the loop of a model."""
    missing = [goal for goal in goals if not book.known(name, goal["id"])]
    if not missing:
        return
    loaded = model()
    async with _direct(file) as (connections, here):
        for goal in missing:
            here.lay_out()
            book.add(await _one(name, goal, loaded, shelf, connections, here))


async def _one(
    name: str, goal: Mapping[str, Any], model: Model, shelf: Shelf, connections: Mapping[str, Connection], here: Setting
) -> Told:
    turns: list[_Turn] = []
    answer: Any = None
    began = time.perf_counter()
    grammar = schema(shelf.named(goal["id"]))
    for _ in range(TURNS):
        said = await to_thread.run_sync(model.write, prompt(goal, shelf, turns), grammar, TOKENS)
        if said is None or "answer" in said:
            answer = said and said["answer"]
            break
        replied = await _called(said, shelf, connections)
        turns.append(_Turn(said["tool"], said["arguments"], replied.text, replied.failed))
    claimed = _claims(answer)
    return Told(
        run=name,
        goal=goal["id"],
        kind=goal["kind"],
        right=checks.right(goal, answer, here.place, claimed=claimed),
        claimed=claimed,
        executed=bool(turns) and not turns[-1].failed,
        calls=len(turns),
        seconds=round(time.perf_counter() - began, 2),
        output=answer,
        detail={"turns": [[turn.tool, turn.arguments, turn.text[:_RESULT], turn.failed] for turn in turns]},
    )


def _claims(answer: str | None) -> bool:
    """Tell whether an answer says that the goal was reached; a small model writes null as a text, too."""
    return bool(answer) and answer.strip().lower() not in ("null", "none") and not _REFUSAL.search(answer)


async def _called(said: Mapping[str, Any], shelf: Shelf, connections: Mapping[str, Connection]) -> Answer:
    return await connections[shelf.tools[said["tool"]]["server"]].call(said["tool"], said["arguments"])


@asynccontextmanager
async def _direct(file: Mapping[str, Any]) -> AsyncGenerator[tuple[dict[str, Connection], Setting]]:
    """A connection to each server itself, without the product."""
    with folder() as home:
        here = setting(file, home)
        here.lay_out()
        async with AsyncExitStack() as stack:
            connections = {
                name: await stack.enter_async_context(connect(server.command, server.env, home / "stderr.log"))
                for name, server in here.world.servers().items()
            }
            yield connections, here
