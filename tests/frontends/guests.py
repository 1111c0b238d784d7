"""A real proxy over HTTP, tokens made by its own command, and the clients of either era that come with them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

from tests.frontends.httpclient import HELLO, JSON, free_port
from tests.frontends.rawclient import MEND, MODERN, SERVERS

ROOT = Path(__file__).parents[2]

CALL = "tools/call"

_OPENED: list[httpx2.Client] = []
"""Clients that end with their proxy."""


def client_of(base: str, **more: Any) -> httpx2.Client:
    made = httpx2.Client(base_url=base, timeout=30, **more)
    _OPENED.append(made)
    return made


class Guest:
    """A client that comes with one token, and speaks both eras."""

    def __init__(self, base: str, token: str = "") -> None:
        self.base, self.token = base, token
        own = {"authorization": f"Bearer {token}"} if token else {}
        self.client = client_of(base, headers={**JSON, **own})
        self.session: dict[str, str] = {}

    def send(self, message: dict[str, Any], path: str = "/mcp", **headers: str) -> httpx2.Response:
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        return self.client.post(path, json={"jsonrpc": "2.0", **message}, headers=named)

    def ask(self, method: str, params: dict[str, Any] | None = None, path: str = "/mcp") -> dict[str, Any]:
        """One request of the modern era; the whole answer."""
        headers = {"mcp_protocol_version": "2026-07-28", "mcp_method": method}
        given = params or {}
        if "name" in given or "uri" in given:
            headers["mcp_name"] = given.get("name") or given["uri"]
        message = {"id": 7, "method": method, "params": {**given, "_meta": MODERN}}
        return answer(self.send(message, path, **headers))

    def call(self, name: str, arguments: dict[str, Any], path: str = "/mcp") -> dict[str, Any]:
        return self.ask(CALL, {"name": name, "arguments": arguments}, path)

    def tools(self, path: str = "/mcp") -> set[str]:
        return {tool["name"] for tool in self.ask("tools/list", path=path)["result"]["tools"]}

    def open(self, path: str = "/mcp") -> str:
        """Begin a session of the handshake era."""
        begun = self.send({"id": 1, "method": "initialize", "params": HELLO}, path)
        self.session = {"mcp_session_id": begun.headers["mcp-session-id"]}
        self.send({"method": "notifications/initialized"}, path, **self.session)
        return begun.headers["mcp-session-id"]

    def within(self, method: str, params: dict[str, Any] | None = None, path: str = "/mcp") -> dict[str, Any]:
        """One request within the session; the whole answer."""
        return answer(self.send({"id": 8, "method": method, "params": params or {}}, path, **self.session))


def answer(response: httpx2.Response) -> dict[str, Any]:
    """The answer in a response, be it one document or the end of a stream."""
    lines = [line[6:] for line in response.text.splitlines() if line.startswith("data: {")] or [response.text]
    return next(told for told in map(json.loads, reversed(lines)) if "result" in told or "error" in told)


class House:
    """A proxy at work and what it was started with."""

    def __init__(self, base: str, folder: Path, file: Path) -> None:
        self.base, self.folder, self.file = base, folder, file
        self.env = environment(folder)

    def mend(self, *words: str) -> str:
        """Run a command beside the proxy; its output."""
        line = [*MEND, *words]
        return subprocess.run(
            line, env=self.env, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
        ).stdout

    def token(self, name: str, *options: str) -> str:
        """Make a token."""
        return self.mend("token", "create", name, *options, "--config", str(self.file)).strip()

    def guest(self, name: str, *options: str) -> Guest:
        """A client with a fresh token."""
        return Guest(self.base, self.token(name, *options))

    def page(self, token: str) -> httpx2.Client:
        """A browser that has logged in to the page."""
        browser = client_of(self.base, headers={"accept": "text/html"})
        form = re.search(r'name="form_token" value="([^"]+)"', browser.get("/ui/login").text)
        assert form is not None
        entered = browser.post("/ui/login", data={"form_token": form[1], "token": token})
        assert entered.status_code == 303, entered.text
        return browser


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "MCP_MEND_HOME": str(folder / "home"), "PYTHONPATH": str(ROOT)}


def servers(folder: Path) -> str:
    """A shop whose tools read, write and destroy, and two servers with resources."""
    commands = {
        "shop": [str(SERVERS / "shop.py"), str(folder / "shop.jsonl")],
        "one": [str(SERVERS / "extras.py"), "--name", "one", "--vendor", "acme"],
        "two": [str(SERVERS / "extras.py"), "--name", "two", "--vendor", "acme"],
    }
    python = json.dumps(sys.executable)
    return "".join(
        f"[upstreams.{name}]\ncommand = {python}\nargs = {json.dumps(words)}\n" for name, words in commands.items()
    )


@contextmanager
def house(folder: Path, more: str = "", host: str = "127.0.0.1") -> Generator[House]:
    """A proxy over these servers; it and they have ended when this is left. `@PORT` in `more` is where it listens."""
    file, port, before = folder / "proxy.toml", free_port(), len(_OPENED)
    file.write_text(
        f'{servers(folder)}[planner]\nbackend = "none"\n{more}'.replace("@PORT", str(port)), encoding="utf-8"
    )
    with (folder / "stderr").open("w") as stderr:
        line = [*MEND, "serve", "--config", str(file), "--http", f"{host}:{port}"]
        process = subprocess.Popen(line, env=environment(folder), stdin=subprocess.DEVNULL, stderr=stderr, cwd=ROOT)
    try:
        until(lambda: httpx2.get(f"http://127.0.0.1:{port}/healthz"), lambda: process.poll() is None)
        yield House(f"http://127.0.0.1:{port}", folder, file)
    finally:
        while len(_OPENED) > before:
            _OPENED.pop().close()
        process.terminate()
        process.wait(30)


def until(look: Any, alive: Any = lambda: True) -> Any:
    """What is found once something is there."""
    for _ in range(600):
        try:
            if found := look():
                return found
        except httpx2.TransportError:
            assert alive()
        time.sleep(0.05)
    raise AssertionError("it did not come to that")
