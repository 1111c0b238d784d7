"""A client in front of the calls of some servers, and short questions about what came of it."""

# pyright: basic
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import anyio

from proxy.calls.forward import Calls
from schemas.config import Config
from schemas.report import Report
from schemas.trial import Reply
from tests.fakes import Book, Person, Server, World, world

REPAIR, DIAGNOSIS = "mcp-mend/repair", "mcp-mend/diagnosis"


class Desk:
    """A client in front of the calls of some servers."""

    def __init__(self, *servers: Server, config: Config | None = None, one: str | None = None, **between: Any) -> None:
        self.world: World = world(*servers, **between)
        self.book = Book()
        self.calls = Calls(config or Config(), self.world, self.book, one)

    async def reply(self, name: str, arguments: Any = None, client: Person | None = None, **params: Any) -> Reply:
        written = {"name": name, **params} if arguments is None else {"name": name, "arguments": arguments, **params}
        with anyio.fail_after(10):
            return await self.calls.call(written, client or Person())

    async def result(self, name: str, arguments: Any = None, client: Person | None = None) -> dict[str, Any]:
        found = (await self.reply(name, arguments, client)).result
        assert found is not None
        return dict(found)


def repairs(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    return result["_meta"][REPAIR]["repairs"]


def texts(result: Mapping[str, Any]) -> list[str]:
    return [block.get("text", "") for block in result["content"]]


async def never() -> Reply:
    """An answer that does not come."""
    await anyio.sleep_forever()
    raise AssertionError


def kinds(report: Report) -> list[str]:
    """The kinds of what is still wrong."""
    return [problem.kind for problem in report.problems]


def ops(report: Report) -> list[str]:
    """The edits of a report."""
    return [repair.op for repair in report.repairs]


def sent_tools(where: World) -> list[str]:
    """The tools that were called, in order."""
    return [tool for _, tool, _ in where.sent]


def done(where: World, tool: str) -> list[Any]:
    """The arguments with which a tool was executed."""
    return [arguments for name, arguments in where.done if name == tool]
