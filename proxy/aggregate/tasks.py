"""Tasks of all upstreams as one server's: each request goes to the upstream whose name the task's id begins with."""

from __future__ import annotations

from typing import Any

from proxy.aggregate.gather import capabilities, listed
from proxy.aggregate.strict import TASK
from proxy.upstreams.fleet import Fleet
from proxy.wire import rpc, task_ids
from proxy.wire.caller import Caller
from proxy.wire.protocol import BY_TASK_ID, TASKS_KEY, TASKS_LIST, TASKS_RESULT
from schemas.trial import Reply

GONE = frozenset({TASKS_LIST, TASKS_RESULT})
"""What the tasks of the modern era no longer have."""
METHODS = BY_TASK_ID | {TASKS_LIST}


class Tasks:
    """Answers `tasks/*` for all upstreams together."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    async def answer(self, method: str, params: Any, caller: Caller) -> Reply:
        """Answer one request."""
        servers = self._offering()
        if not servers:
            await self._fleet.connected_once()
            servers = self._offering()
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
        """Every task of every upstream that can list them."""
        able = [server for server in servers if "list" in rpc.fields(capabilities(self._fleet, server).get("tasks"))]
        if not able:
            return Reply(error=rpc.error(rpc.METHOD_NOT_FOUND, "Method not found: tasks/list"))
        found = await listed(self._fleet, able, TASKS_LIST, "tasks", TASK, caller)
        return Reply(result={"tasks": [task for _, task in found]})

    def _offering(self) -> list[str]:
        return [server for server in self._fleet.names if self._offers(server)]

    def _offers(self, server: str) -> bool:
        said = capabilities(self._fleet, server)
        return "tasks" in said or TASKS_KEY in rpc.fields(said.get("extensions"))
