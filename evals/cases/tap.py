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


def main() -> None:
    """Run the server until it or the client ends."""
    server = subprocess.Popen(sys.argv[2:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603 asked for
    assert server.stdin is not None
    assert server.stdout is not None
    waiting: dict[Any, dict[str, Any]] = {}
    threading.Thread(target=_requests, args=(server.stdin, waiting), daemon=True).start()
    for line in server.stdout:
        message = _parsed(line) if waiting else {}
        if "method" not in message and message.get("id") in waiting:
            _note(Path(sys.argv[1]), waiting.pop(message["id"]), message.get("result"))
        sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()
    sys.exit(server.wait())


def _requests(sink: IO[bytes], waiting: dict[Any, dict[str, Any]]) -> None:
    for line in sys.stdin.buffer:
        message = _parsed(line) if b'"tools/call"' in line else {}
        if message.get("method") == "tools/call":
            waiting[message.get("id")] = message.get("params") or {}
        sink.write(line)
        sink.flush()
    sink.close()


def _note(log: Path, params: dict[str, Any], result: Any) -> None:
    ok = isinstance(result, dict) and not result.get("isError")
    noted = {"tool": params.get("name"), "arguments": params.get("arguments"), "ok": ok}
    with log.open("a") as file:
        file.write(json.dumps({**noted, "state": state_digest(os.environ.get("STATE_FILE"))}) + "\n")


if __name__ == "__main__":
    main()
