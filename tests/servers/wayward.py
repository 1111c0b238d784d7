"""A real MCP server that answers in ways no server should; what it does is said by the text of the call.

`base64 DATA` writes that line with `%d` for the id; `shut stdin` and `shut stdout` close that pipe and live on; `later
SECONDS` answers after that; `restless` makes it announce a change after every list; `lists` returns how often it was
listed; `flood COUNT SIZE` sends that many log messages of that size before it answers; `pid`
returns its process id; anything else comes back.
"""

import base64
import json
import os
import sys
import time
from typing import Any


def send(message: dict[str, Any]) -> None:
    write(json.dumps({"jsonrpc": "2.0", **message}).encode())


def write(line: bytes) -> None:
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()


def answer(ident: Any, text: str) -> None:
    send({"id": ident, "result": {"content": [{"type": "text", "text": text}]}})


def call(ident: Any, order: str) -> None:
    word, _, rest = order.partition(" ")
    if word == "base64":
        write(base64.b64decode(rest).replace(b"%d", str(ident).encode()))
    elif word == "shut":
        os.close(0 if rest == "stdin" else 1)
        time.sleep(600)
    elif word == "later":
        time.sleep(float(rest))
        answer(ident, "late")
    elif word == "flood":
        count, size = map(int, rest.split())
        for number in range(count):
            said = {"level": "info", "data": str(number) + "x" * size}
            send({"method": "notifications/message", "params": said})
        answer(ident, "flooded")
    elif word == "restless":
        TOLD["restless"] = 1
        send({"method": "notifications/tools/list_changed"})
        answer(ident, "restless")
    elif word == "lists":
        answer(ident, str(TOLD["lists"]))
    else:
        answer(ident, str(os.getpid()) if word == "pid" else order)


TOLD = {"lists": 0, "restless": 0}


def main() -> None:
    name = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
    for line in sys.stdin:
        message = json.loads(line)
        ident, method = message.get("id"), message.get("method")
        if method == "initialize":
            can = {"tools": {}, "logging": {}}
            info = {"name": "wayward", "version": "1"}
            version = message["params"]["protocolVersion"]
            send({"id": ident, "result": {"protocolVersion": version, "capabilities": can, "serverInfo": info}})
        elif method == "tools/list":
            TOLD["lists"] += 1
            send({"id": ident, "result": {"tools": [{"name": "echo", "inputSchema": name}]}})
            if TOLD["restless"]:
                send({"method": "notifications/tools/list_changed"})
        elif method == "tools/call":
            call(ident, str(message["params"]["arguments"]["text"]))
        elif ident is not None and method is not None:
            send({"id": ident, "result": {}})


if __name__ == "__main__":
    main()
