"""Tasks of all upstreams as one server's: each request goes to the upstream whose name the task's id begins with."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import structlog

from catalog_cache.pages import every_page
from proxy.upstreams.fleet import Fleet
from proxy.wire import rpc, task_ids
from proxy.wire.caller import Caller
from proxy.wire.protocol import BY_TASK_ID, TASKS_KEY, TASKS_LIST, TASKS_RESULT
from schemas.trial import Reply

log = structlog.get_logger("server")

GONE = frozenset({TASKS_LIST, TASKS_RESULT})
"""What the tasks of the modern era no longer have."""
METHODS = BY_TASK_ID | {TASKS_LIST}


class Tasks:
    """Answers `tasks/*` for all upstreams together."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    async def answer(self, method: str, params: Any, caller: Caller) -> Reply:
        """Answer one request."""
        servers = [server for server in self._fleet.names if self._offers(server)]
        if not servers or (caller.modern and method in GONE):
            return Reply(error=rpc.error(rpc.METHOD_NOT_FOUND, f"Method not found: {method}"))
        if method == TASKS_LIST:
            return await self._list(servers, caller)
        given = rpc.fields(params)
        found = task_ids.home(str(given.get("taskId")), servers)
        if found is None:
            return Reply(error=rpc.error(rpc.INVALID_PARAMS, f"Task not found: {given.get('taskId')}"))
        return await self._fleet.request(found[0], method, {**given, "taskId": found[1]}, caller)

    async def _list(self, servers: list[str], caller: Caller) -> Reply:
        """Every task of every upstream that can list them; one that fails is logged and left out."""
        listing = [server for server in servers if "list" in self._capability(server)]

        async def ask(server: str) -> tuple[Mapping[str, Any], ...]:
            found = await every_page(lambda page: self._fleet.request(server, TASKS_LIST, page, caller), "tasks")
            if found.failure is not None:
                log.warning("list failed", upstream=server, method=TASKS_LIST, reason=found.failure)
            return found.items

        if not listing:
            return Reply(error=rpc.error(rpc.METHOD_NOT_FOUND, "Method not found: tasks/list"))
        gathered = await asyncio.gather(*(ask(server) for server in listing))
        return Reply(result={"tasks": [task for tasks in gathered for task in tasks]})

    def _offers(self, server: str) -> bool:
        said = rpc.fields(self._fleet.hello(server).get("capabilities"))
        return "tasks" in said or TASKS_KEY in rpc.fields(said.get("extensions"))

    def _capability(self, server: str) -> Mapping[str, Any]:
        return rpc.fields(rpc.fields(self._fleet.hello(server).get("capabilities")).get("tasks"))
