"""A real MCP server with resources, tasks and methods of its own, in either era; see `echo.py` for the rest.

Further orders: `touch URI` announces an updated resource to those who subscribed, `subscribed` returns what is
subscribed to, `level` the log level that was set, `heard` the notifications of the client, `tell METHOD` sends a
notification, `put METHOD` a request whose answer is returned, `later TEXT` makes a task where the client wants one.
"""

import argparse
import json
import sys
import time
from typing import Any

from echo import MODERN, VERSION, Echo, text

EXTENSION = "io.modelcontextprotocol/tasks"
RELATED = "io.modelcontextprotocol/related-task"
SUBSCRIPTION = "io.modelcontextprotocol/subscriptionId"
TIME = "2026-01-01T00:00:00Z"


class Extras(Echo):
    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__(options)
        self.uri = f"mem://{options.name}/1"
        self.subscribed: set[str] = set()
        self.listening: dict[Any, dict[str, Any]] = {}
        self.level: Any = None
        self.heard: list[dict[str, Any]] = []
        self.tasks: dict[str, dict[str, Any]] = {}
        self.texts: dict[str, str] = {}

    def can(self) -> dict[str, Any]:
        more: dict[str, Any] = {"experimental": {self.options.vendor: {}}} if self.options.vendor else {}
        if self.options.modern:
            more["extensions"] = {EXTENSION: {}}
        else:
            more["tasks"] = {"list": {}, "cancel": {}, "requests": {"tools": {"call": {}}}}
        return {"tools": {"listChanged": True}, "resources": {"subscribe": True}, "logging": {}, **more}

    def take(self, message: dict[str, Any]) -> None:
        if "id" not in message:
            self.heard.append({"method": message["method"], "params": message.get("params")})
            if message["method"] == "notifications/cancelled":
                self.listening.pop(message["params"]["requestId"], None)
        super().take(message)

    def answer(self, method: str, params: dict[str, Any], ident: Any) -> None:
        own = getattr(self, "on_" + method.replace("/", "_"), None)
        if self.options.modern and VERSION not in (params.get("_meta") or {}):
            super().answer(method, params, ident)
        elif own is not None:
            result = own(params, ident)
            if result is not None:
                self.send({"id": ident, **result})
        elif self.options.vendor and method.startswith(self.options.vendor + "/"):
            self.send({"id": ident, "result": {"by": self.options.name, "given": params}})
        else:
            super().answer(method, params, ident)

    def on_initialize(self, params: dict[str, Any], ident: Any) -> dict[str, Any]:
        return {"result": {**self.hello(params), "capabilities": self.can()}}

    def on_server_discover(self, params: dict[str, Any], ident: Any) -> dict[str, Any]:
        return {"result": {"supportedVersions": [MODERN], "capabilities": self.can()}}

    def on_vendor_params(self, params: dict[str, Any], ident: Any) -> dict[str, Any]:
        return {"error": {"code": -32601, "message": "Method not found"}}

    def on_logging_setLevel(self, params: dict[str, Any], ident: Any) -> dict[str, Any]:  # noqa: N802
        self.level = params["level"]
        return {"result": {}}

    def on_resources_list(self, params: dict[str, Any], ident: Any) -> dict[str, Any]:
        return {"result": {"resources": [{"uri": self.uri, "name": self.options.name}]}}

    def on_resources_subscribe(self, params: dict[str, Any], ident: Any) -> dict[str, Any]:
        if self.options.modern:
            return {"error": {"code": -32601, "message": "Method not found"}}
        self.subscribed.add(params["uri"])
        return {"result": {}}

    def on_resources_unsubscribe(self, params: dict[str, Any], ident: Any) -> dict[str, Any]:
        self.subscribed.discard(params["uri"])
        return {"result": {}}

    def on_subscriptions_listen(self, params: dict[str, Any], ident: Any) -> dict[str, Any] | None:
        self.listening[ident] = wish = params["notifications"]
        honoured = {key: value for key, value in wish.items() if value != ["mem://refused"]}
        acknowledged = {"notifications": honoured, "_meta": {SUBSCRIPTION: ident}}
        self.send({"method": "notifications/subscriptions/acknowledged", "params": acknowledged})
        return None

    def on_tasks_get(self, params: dict[str, Any], ident: Any) -> dict[str, Any]:
        task = self.tasks.get(params["taskId"])
        if task is None:
            return {"error": {"code": -32602, "message": "no such task", "data": {"x": None}}}
        return {"result": {**task, "resultType": "complete"} if self.options.modern else task}

    def on_tasks_list(self, params: dict[str, Any], ident: Any) -> dict[str, Any]:
        start = int(params.get("cursor", 0))
        rest = list(self.tasks.values())[start:]
        return {"result": {"tasks": rest[:1], **({"nextCursor": str(start + 1)} if len(rest) > 1 else {})}}

    def on_tasks_result(self, params: dict[str, Any], ident: Any) -> dict[str, Any]:
        meta = {"_meta": {RELATED: {"taskId": params["taskId"]}}}
        self.send({"method": "notifications/message", "params": {"level": "info", "data": "nearly", **meta}})
        return {"result": {**text(self.texts[params["taskId"]]), **meta}}

    def on_tasks_cancel(self, params: dict[str, Any], ident: Any) -> dict[str, Any]:
        self.tasks[params["taskId"]]["status"] = "cancelled"
        return {"result": {"resultType": "complete"} if self.options.modern else self.tasks[params["taskId"]]}

    def on_tasks_update(self, params: dict[str, Any], ident: Any) -> dict[str, Any]:
        task = self.tasks[params["taskId"]]
        task |= {"status": "completed", "result": text(json.dumps(params["inputResponses"]))}
        for listener, wish in self.listening.items():
            if task["taskId"] in wish.get("taskIds", ()):
                params = {**task, "_meta": {SUBSCRIPTION: listener}}
                self.send({"method": "notifications/tasks", "params": params})
        return {"result": {"resultType": "complete"}}

    def call(self, order: str, params: dict[str, Any], ident: Any) -> None:
        word, _, rest = order.partition(" ")
        if word == "touch":
            self.touch(rest)
        elif word in ("later", "wrong"):
            self.later(word, rest, params, ident)
            return
        elif word == "tell":
            self.send({"method": rest, "params": {"from": self.options.name, "x": None}})
        elif word == "put":
            self.asked[f"q{ident}"] = ident
            self.send({"id": f"q{ident}", "method": rest, "params": {"_meta": {"progressToken": "theirs"}}})
            return
        elif word in ("subscribed", "level", "heard"):
            known = {
                "subscribed": [*sorted(self.subscribed), *self.listening.values()],
                "level": self.level,
                "heard": self.heard,
            }
            order = json.dumps(known[word])
        super().call(order, params, ident)

    def touch(self, uri: str) -> None:
        updated = "notifications/resources/updated"
        if uri in self.subscribed:
            self.send({"method": updated, "params": {"uri": uri, "x-vendor": None}})
        for ident, wish in self.listening.items():
            if uri in wish.get("resourceSubscriptions", ()):
                params = {"uri": uri, "x-vendor": None, "_meta": {SUBSCRIPTION: ident}}
                self.send({"method": updated, "params": params})

    def later(self, word: str, rest: str, params: dict[str, Any], ident: Any) -> None:
        if word == "wrong":
            self.send({"id": ident, "result": {**text("'text' must be one of: right"), "isError": True}})
            return
        capabilities = (params.get("_meta") or {}).get("io.modelcontextprotocol/clientCapabilities", {})
        wanted = EXTENSION in capabilities.get("extensions", {}) if self.options.modern else "task" in params
        if not wanted:
            super().call(rest, params, ident)
            return
        task = {"taskId": f"task-{len(self.tasks) + 1}", "status": "working", "createdAt": TIME, "lastUpdatedAt": TIME}
        self.tasks[task["taskId"]] = task
        self.texts[task["taskId"]] = rest
        if self.options.modern:
            task["ttlMs"] = None  # type: ignore[assignment]
            self.send({"id": ident, "result": {**task, "resultType": "task"}})
        else:
            task["ttl"] = None  # type: ignore[assignment]
            self.send({"id": ident, "result": {"task": task, "x-vendor": None}})
            self.send({"method": "notifications/tasks/status", "params": task})


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--name", default="extras")
    parser.add_argument("--vendor", default="", help="answers methods that begin with this word")
    parser.add_argument("--modern", action="store_true", help="speak without sessions alone")
    parser.add_argument("--slow", type=float, default=0, help="seconds before it reads anything")
    parser.set_defaults(tools=1, page=0, size=0, noise=False, version=None)
    extras = Extras(parser.parse_args())
    time.sleep(extras.options.slow)
    for line in sys.stdin:
        extras.take(json.loads(line))


if __name__ == "__main__":
    main()
