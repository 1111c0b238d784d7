"""Task ids where several upstreams stand behind one endpoint: there they begin with the name of their upstream.

Two servers may count their tasks alike, so a bare id would lead to the wrong one. Pure; changes copies only, and only
ids of tasks that an upstream made: those a client made for an upstream's question stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

from proxy.wire import rpc
from proxy.wire.protocol import BY_TASK_ID, RELATED_TASK_KEY, RELATED_TASKS_KEY, TASK_NEWS, TASKS_LIST

SEPARATOR = "__"


Rename = Callable[[str], str]


def public_id(server: str, ident: str) -> str:
    """A task's id as the aggregated endpoint shows it."""
    return f"{server}{SEPARATOR}{ident}"


def home(public: str, servers: Iterable[str]) -> tuple[str, str] | None:
    """The upstream that made a task, and the id it gave it; None where no upstream of this name is there."""
    fitting = [server for server in servers if public.startswith(server + SEPARATOR)]
    server = max(fitting, key=len, default=None)
    return None if server is None else (server, public.removeprefix(server + SEPARATOR))


def shown_result(server: str, method: str, result: Mapping[str, Any]) -> Mapping[str, Any]:
    """A result with the ids of its upstream's tasks as clients know them; the same object where it has none."""

    def rename(ident: str) -> str:
        return public_id(server, ident)

    if method in BY_TASK_ID or result.get("resultType") == "task":
        result = _renamed(result, "taskId", rename)
    if method == TASKS_LIST and isinstance(result.get("tasks"), list):
        tasks = [_renamed(rpc.fields(task), "taskId", rename) for task in cast("list[Any]", result["tasks"])]
        result = {**result, "tasks": tasks}
    task = rpc.fields(result.get("task"))
    if "status" in task and "taskId" in task and "content" not in result:
        result = {**result, "task": _renamed(task, "taskId", rename)}
    return cast("Mapping[str, Any]", _related(result, rename))


def shown_message(server: str, method: str, params: Any) -> Any:
    """The parameters of an upstream's notification or question, with ids as clients know them."""

    def rename(ident: str) -> str:
        return public_id(server, ident)

    if method in TASK_NEWS and isinstance(params, Mapping):
        params = _renamed(cast("Mapping[str, Any]", params), "taskId", rename)
    return _related(params, rename)


def theirs(server: str, value: Any) -> Any:
    """What a client says to an upstream (parameters, or an answer), related tasks under the upstream's own ids."""
    return _related(value, lambda ident: ident.removeprefix(server + SEPARATOR))


def _related(value: Any, rename: Rename) -> Any:
    """Rename what `_meta` says of related tasks."""
    if not isinstance(value, Mapping):
        return value
    body = cast("Mapping[str, Any]", value)
    meta = rpc.fields(body.get("_meta"))
    changed: dict[str, Any] = {}
    if isinstance(meta.get(RELATED_TASK_KEY), Mapping):
        changed[RELATED_TASK_KEY] = _renamed(meta[RELATED_TASK_KEY], "taskId", rename)
    if isinstance(meta.get(RELATED_TASKS_KEY), list):
        changed[RELATED_TASKS_KEY] = [
            rename(each) if isinstance(each, str) else each for each in meta[RELATED_TASKS_KEY]
        ]
    return {**body, "_meta": {**meta, **changed}} if changed else body


def _renamed(body: Mapping[str, Any], key: str, rename: Rename) -> Mapping[str, Any]:
    ident = body.get(key)
    return {**body, key: rename(ident)} if isinstance(ident, str) else body
