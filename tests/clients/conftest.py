"""Each client asked once: the server itself, and every way through the proxy to it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.desk import PROXY, Desk, http_server
from tests.acceptance.fetched import node_packages, python_packages

PROGRAMS = Path(__file__).with_name("programs")
GARDEN = Path(__file__).parents[1] / "servers" / "garden.py"
WAYS = ("wrap", "serve", "http")
BED = {"bed_number": 2}
QUESTIONS: dict[str, tuple[Any, ...]] = {
    "tools": ("tools",),
    "sound": ("call", "get_bed", BED),
    "misspelled argument": ("call", "get_bed", {"bedNumber": 2}),
    "text for a number": ("call", "get_bed", {"bed_number": "2"}),
    "misspelled tool": ("call", "mesure_growth", {}),
    "unknown tool": ("call", "fly", {}),
    "argument left out": ("call", "sow_seeds", {"bed_number": 2}),
    "refused": ("call", "get_bed", {"bed_number": 9}),
    "photo": ("call", "show_photo", {}),
    "resource": ("read", "garden://plan"),
    "prompt": ("prompt", "advise", {"plant": "peas"}),
    "together": ("together", [("get_bed", {"bed_number": number}) for number in range(1, 6)]),
    "progress": ("progress", "measure_growth", {}),
    "cancelled": ("cancel", "watch_grass", {}),
    "after it": ("call", "get_bed", BED),
}
"""What is asked, in this order; tools and prompts by their own names."""
NEVER_SENT = ("misspelled tool", "unknown tool")
"""Questions with the name of a tool that was not listed."""


@dataclass(frozen=True)
class Program:
    """A client: how its script is run in a folder, whether it shows `_meta`, and what cannot be asked of it."""

    script: str
    package: str
    shows_meta: bool = True
    not_asked: tuple[str, ...] = ()

    def line(self, cache: Callable[[str], Path]) -> list[str]:
        """The command line that runs it, with its package at hand."""
        if self.script.endswith(".py"):
            return [*python_packages(self.package), str(PROGRAMS / self.script)]
        folder = cache(self.package.replace("/", "-"))
        return [node_packages(folder, self.package), shutil.copy(PROGRAMS / self.script, folder)]


CLIENTS = {
    "fastmcp": Program("with_fastmcp.py", "fastmcp==4.1.6"),
    "pydantic-ai": Program("with_pydantic_ai.py", "pydantic-ai-slim[mcp]==2.68.0", shows_meta=False),
    "langchain": Program(
        "with_langchain.py", "langchain-mcp-adapters==0.3.2", shows_meta=False, not_asked=(*NEVER_SENT, "cancelled")
    ),
    "typescript": Program("with_typescript.mjs", "@modelcontextprotocol/sdk@1.32.2"),
    "inspector": Program(
        "with_inspector.mjs",
        "@modelcontextprotocol/inspector@2.12.0",
        not_asked=(
            *NEVER_SENT,
            "text for a number",
            "photo",
            "together",
            "progress",
            "cancelled",
            "after it",
        ),  # it makes a number of the text itself
    ),
}


@dataclass(frozen=True)
class Told:
    """What a client was told, by way and question; `ways` are all of them, `direct` the server without the proxy."""

    client: Program
    answers: Mapping[str, Mapping[str, Any]]
    desk: Desk

    def direct(self, question: str) -> Any:
        return self.through("direct", question)

    def through(self, way: str, question: str) -> Any:
        if question in self.client.not_asked:
            pytest.skip("this client has no way to ask that")
        return self.answers[way][question]


@pytest.fixture(scope="package", params=CLIENTS)
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Told:
    client = CLIENTS[request.param]
    line = client.line(request.config.cache.mkdir)
    desk = Desk(tmp_path_factory.mktemp(request.param))
    server = [sys.executable, str(GARDEN), str(desk.log)]
    entry = {"command": server[0], "args": server[1:]}
    desk.config.write_text(json.dumps({"mcpServers": {"garden": entry}}))
    asked = {name: question for name, question in QUESTIONS.items() if name not in client.not_asked}
    behind_a_name = [_named(question) for question in asked.values()]
    with http_server(desk) as url:
        places = {
            "direct": {"command": server, "questions": list(asked.values())},
            "wrap": {"command": [PROXY, "wrap", "--", *server], "questions": list(asked.values())},
            "serve": {"command": [PROXY, "serve", "--config", str(desk.config)], "questions": behind_a_name},
            "http": {"url": url, "questions": behind_a_name},
        }
        answers = _run(line, desk, list(places.values()))
    by_name = [dict(zip(asked, each, strict=True)) for each in answers]
    return Told(client, dict(zip(places, by_name, strict=True)), desk)


def _run(line: list[str], desk: Desk, places: list[dict[str, Any]]) -> list[list[Any]]:
    errors = desk.folder / "client.log"
    with errors.open("a") as stderr:
        done = subprocess.run(
            line,
            input=json.dumps(places),
            env={**desk.env, "WATCHED": str(desk.log)},
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            timeout=280,
            check=False,
        )
    assert done.returncode == 0, errors.read_text()[-4000:]
    return json.loads(done.stdout)


def _named(question: tuple[Any, ...]) -> tuple[Any, ...]:
    """A question to the aggregated endpoint, where tools and prompts carry their server's name."""
    what, *given = question
    if what == "together":
        return what, [(f"garden__{name}", arguments) for name, arguments in given[0]]
    return question if what in ("tools", "read") else (what, f"garden__{given[0]}", *given[1:])
