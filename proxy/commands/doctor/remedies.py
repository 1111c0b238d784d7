"""What to do about a server that cannot be reached, by what is known of the failure. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from proxy.upstreams.environment import withheld
from schemas.config import Upstream

_BRINGS = {
    "uvx": "uvx comes with uv (https://docs.astral.sh/uv/)",
    "uv": "install uv (https://docs.astral.sh/uv/)",
    "npx": "npx comes with Node.js (https://nodejs.org/)",
    "node": "install Node.js (https://nodejs.org/)",
    "docker": "install Docker, or Podman with its docker command",
}
_VARIABLE = re.compile(r"\b[A-Z][A-Z0-9]*_[A-Z0-9_]*[A-Z0-9]\b")
_LACKING = re.compile(r"not set|missing|required|undefined|must be|is unset|KeyError|environment", re.IGNORECASE)
_STATUS = re.compile(r"HTTP (\d{3})")


def remedy_for(name: str, upstream: Upstream, reason: str, stderr: Sequence[str], env: Mapping[str, str]) -> str:
    """The next thing to try."""
    if "was not found on PATH" in reason:
        brings = _BRINGS.get(upstream.command or "", "install it")
        return f"{brings}, or write its full path in upstreams.{name}.command: a client has another PATH than a shell"
    if "working directory" in reason:
        return f"make that folder, or mend upstreams.{name}.cwd"
    if "mcp-mend login" in reason:
        return f"mcp-mend login {name}"
    if (lacking := _lacking(name, upstream, stderr, env)) is not None:
        return lacking
    if "no handshake within" in reason or "still connecting" in reason:
        return (
            f"run it once by hand, since a first start may fetch it; else raise upstreams.{name}.start_timeout"
            if upstream.command is not None
            else f"see that it is running and speaks MCP there; else raise upstreams.{name}.start_timeout"
        )
    return _by_way(name, upstream, reason)


def _by_way(name: str, upstream: Upstream, reason: str) -> str:
    if upstream.command is not None:
        return f"run it by hand: its command and args stand in upstreams.{name}"
    status = _STATUS.search(reason)
    if status and status[1] in ("401", "403"):
        return f"its key was refused: mend upstreams.{name}.headers, or leave them out and run `mcp-mend login {name}`"
    if status and status[1] in ("404", "405"):
        return f"mend upstreams.{name}.url: there is no MCP server at that path (often it ends in /mcp or /sse)"
    return f"see that it is running and that upstreams.{name}.url is right"


def _lacking(name: str, upstream: Upstream, stderr: Sequence[str], env: Mapping[str, str]) -> str | None:
    """A variable that the server says it lacks: withheld from it, or set nowhere."""
    said = [line for line in stderr if _LACKING.search(line)]
    wanted = dict.fromkeys(variable for line in said for variable in _VARIABLE.findall(line))
    kept = set(withheld(upstream, env))
    for variable in wanted:
        if variable in kept:
            return f'{variable} is kept from it: write upstreams.{name}.env = {{ {variable} = "${{{variable}}}" }}'
        if variable not in env and variable not in upstream.env:
            return f"it wants {variable}: write it in upstreams.{name}.env"
    return None
