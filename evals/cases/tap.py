"""A transparent pump around a stdio MCP server that logs every `tools/call` it answers.

Usage: python -m evals.cases.tap LOG.jsonl COMMAND ARGS... A line is `{tool, arguments, ok, state}`, written when
the reply passes; `state` is a digest of `$STATE_FILE` at that moment, null without one. Bytes pass unchanged.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Any


def state_digest(path: str | None) -> str | None:
    """Digest the state that a server wrote, None where there is none yet."""
    try:
        written = json.loads(Path(path).read_text()) if path else None
    except (OSError, ValueError):
        return None
    return None if written is None else digest(written["state"])


def digest(state: Any) -> str:
    """Digest a state so that equal states give equal text."""
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()[:16]


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        message = json.loads(line)
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}


class Tap:
    """Both directions of the pump and the calls that wait for their reply."""

    def __init__(self, log: Path, server: subprocess.Popen[bytes]) -> None:
        self._log = log
        self._server = server
        self._waiting: dict[Any, dict[str, Any]] = {}

    def requests(self, source: IO[bytes]) -> None:
        """Pump from the client until it closes."""
        assert self._server.stdin is not None
        for line in source:
            if b'"tools/call"' in line:
                message = _parsed(line)
                if message.get("method") == "tools/call":
                    self._waiting[message.get("id")] = message.get("params") or {}
            self._server.stdin.write(line)
            self._server.stdin.flush()
        self._server.stdin.close()

    def replies(self, sink: IO[bytes]) -> None:
        """Pump from the server until it ends."""
        assert self._server.stdout is not None
        for line in self._server.stdout:
            if self._waiting:
                self._note(_parsed(line))
            sink.write(line)
            sink.flush()

    def _note(self, message: dict[str, Any]) -> None:
        if "method" in message or message.get("id") not in self._waiting:
            return
        params = self._waiting.pop(message["id"])
        result = message.get("result")
        noted = {
            "tool": params.get("name"),
            "arguments": params.get("arguments"),
            "ok": isinstance(result, dict) and not result.get("isError"),
            "state": state_digest(os.environ.get("STATE_FILE")),
        }
        with self._log.open("a") as log:
            log.write(json.dumps(noted) + "\n")


def main() -> None:
    """Run the server until it or the client ends."""
    server = subprocess.Popen(sys.argv[2:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603 asked for
    tap = Tap(Path(sys.argv[1]), server)
    threading.Thread(target=tap.requests, args=(sys.stdin.buffer,), daemon=True).start()
    tap.replies(sys.stdout.buffer)
    sys.exit(server.wait())


if __name__ == "__main__":
    main()
