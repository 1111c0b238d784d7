"""Read the server entries of MCP clients' own configuration files as upstreams of ours.

Pure. Knows the keys that clients write, each under its own name for the same thing; keys that mean nothing to a proxy
are named in `Entries.ignored`, never refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from pydantic import ValidationError

from proxy.settings.edits import at
from proxy.settings.jsonc import Path
from proxy.settings.selfcall import ours
from schemas.catalog import as_list, as_object
from schemas.config import OAuth

_HOLDERS: tuple[Path, ...] = (
    ("mcpServers",),
    ("servers",),
    ("context_servers",),
    ("mcp_servers",),
    ("mcp", "servers"),
    ("amp.mcpServers",),
    ("mcp",),
)
"""Where clients keep their entries; the first one that is there is read."""

_STARTING = {"command", "args", "transport"}
_KEPT = {"command", "args", "env", "cwd", "url", "headers"}
_RENAMED = {
    "serverUrl": "url",
    "httpUrl": "url",
    "http_headers": "headers",
    "uri": "url",
    "cmd": "command",
    "environment": "env",
    "envs": "env",
    "startup_timeout_sec": "start_timeout",
    "tool_timeout_sec": "call_timeout",
}
_LOGIN = {
    "clientId": "client_id",
    "clientSecret": "client_secret",
    "redirectUri": "redirect_uri",
    "scopes": "scope",
    **{name: name for name in OAuth.model_fields},
}
"""What clients and we ourselves call the settings of a login."""
_HIDING = {"excludeTools", "disabled_tools", "disabledTools"}
_SHOWING = {"includeTools", "enabled_tools"}
_TRANSPORTS = {
    "stdio": "stdio",
    "local": "stdio",
    "sse": "sse",
    "http": "http",
    "streamable-http": "http",
    "streamableHttp": "http",
    "streamable_http": "http",
    "remote": None,
}
_LONGEST_IN_SECONDS = 3600
"""Clients disagree on the unit of `timeout`; none offers more seconds than this, so more are milliseconds."""


@dataclass(frozen=True)
class Entries:
    """What a client's file says: name to upstream data, path of each entry, and what was passed over and why."""

    upstreams: Mapping[str, Mapping[str, Any]]
    holder: Path
    ignored: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()


@dataclass
class _Reading:
    ignored: list[str] = field(default_factory=list[str])
    skipped: list[str] = field(default_factory=list[str])


def holder(data: Mapping[str, Any]) -> Path | None:
    """The path of the table of servers in a client's file, None where there is none."""
    for path in _HOLDERS:
        found: Any = data
        for key in path:
            found = (as_object(found) or {}).get(str(key))
        if as_object(found) is not None:
            return path
    return None


def entries(data: Mapping[str, Any], path: Path) -> Entries:
    """Read every entry of the table or list at `path`; an entry that starts mcp-mend itself is passed over."""
    table = at(data, path)
    named = {str((as_object(entry) or {}).get("name", key)): entry for key, entry in enumerate(as_list(table) or [])}
    reading = _Reading()
    found: dict[str, Mapping[str, Any]] = {}
    for name, entry in (as_object(table) or named).items():
        upstream = _entry(name, entry, reading)
        if upstream is not None:
            found[name] = upstream
    return Entries(found, path, tuple(reading.ignored), tuple(reading.skipped))


def _entry(name: str, entry: Any, reading: _Reading) -> Any:
    """One entry as upstream data, None for one to pass over; what is no object is left for validation to refuse."""
    if not isinstance(entry, Mapping):
        return entry
    upstream: dict[str, Any] = {}
    for key, value in cast("Mapping[str, Any]", entry).items():
        if not _take(upstream, key, value):
            reading.ignored.append(f"{name}.{key}")
    if "url" not in upstream or _authorized(upstream.get("headers")):
        upstream.pop("oauth", None)
    _split_command(upstream)
    if upstream.get("transport") == "stdio" and "url" in upstream and "command" in upstream:
        del upstream["url"]
    if not upstream.get("command") and not upstream.get("url"):
        reading.skipped.append(f"{name} has neither a command nor a url")
        return None
    return _without_us(name, upstream, reading)


def _take(upstream: dict[str, Any], key: str, value: Any) -> bool:
    """Put one key of an entry into the upstream; tell whether it meant something."""
    if value is None:
        return True
    if key in _KEPT or key in _RENAMED:
        upstream[_RENAMED.get(key, key)] = _texts(value)
    elif key in {"type", "transport", "transportType"} and isinstance(value, str) and value in _TRANSPORTS:
        if (transport := _TRANSPORTS[value]) is not None:
            upstream["transport"] = transport
    elif key in {"disabled", "enabled"} and isinstance(value, bool):
        upstream["enabled"] = value if key == "enabled" else not value
    elif key == "timeout" and isinstance(value, int | float) and value > 0:
        upstream["call_timeout"] = value / 1000 if value > _LONGEST_IN_SECONDS else value
    elif key in _SHOWING | _HIDING and isinstance(value, list):
        upstream.setdefault("tools", {})["include" if key in _SHOWING else "exclude"] = value
    elif key == "bearer_token_env_var" and isinstance(value, str):
        upstream["headers"] = {**upstream.get("headers", {}), "Authorization": f"Bearer ${{{value}}}"}
    elif key == "env_http_headers" and isinstance(value, Mapping):
        named = cast("Mapping[str, Any]", value).items()
        upstream["headers"] = {**upstream.get("headers", {}), **{header: f"${{{name}}}" for header, name in named}}
    elif key == "oauth" and isinstance(value, Mapping) and (login := _login(cast("Mapping[str, Any]", value))):
        upstream["oauth"] = login
    else:
        return False
    return True


def _authorized(headers: Any) -> bool:
    return any(key.lower() == "authorization" for key in as_object(headers) or {})


def _login(said: Mapping[str, Any]) -> dict[str, Any]:
    """What an entry says of logging in, as our own `oauth`; empty where a client says what we could not use."""
    known = {_LOGIN[key]: value for key, value in said.items() if key in _LOGIN and value}
    if (scopes := as_list(known.get("scope"))) is not None:
        known["scope"] = " ".join(map(str, scopes))
    if isinstance(port := said.get("callbackPort"), int):
        known["redirect_uri"] = f"http://localhost:{port}/callback"
    if not any("_" in key for key in said):
        try:
            OAuth.model_validate(known)
        except ValidationError:
            return {}
    return known


def _texts(value: Any) -> Any:
    """The value, numbers and truth values inside it as texts: clients take `"PORT": 8080` as well."""
    if (items := as_list(value)) is not None:
        return [_text(inner) for inner in items]
    fields = as_object(value)
    return value if fields is None else {key: _text(inner) for key, inner in fields.items()}


def _text(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def _split_command(upstream: dict[str, Any]) -> None:
    """Zed once wrote an object, opencode writes a list, where others write a program's name."""
    command = upstream.get("command")
    if (said := as_object(command)) is not None:
        upstream["command"] = said.get("path")
        upstream.update({key: said[key] for key in ("args", "env") if said.get(key) is not None})
    elif words := as_list(command):
        upstream["command"], *upstream["args"] = words


def _without_us(name: str, upstream: dict[str, Any], reading: _Reading) -> Mapping[str, Any] | None:
    """Pass over an entry that starts mcp-mend; one that wraps another server becomes that server."""
    command, args = upstream.get("command"), as_list(upstream.get("args") or [])
    us = ours(command, list(map(str, args))) if isinstance(command, str) and args is not None else None
    if us is None:
        return upstream
    if us.url:
        return {**{key: value for key, value in upstream.items() if key not in _STARTING}, "url": us.url}
    if us.wrapped:
        return {**upstream, "command": us.wrapped[0], "args": list(us.wrapped[1:])}
    reading.skipped.append(f"{name} starts mcp-mend itself")
    return None
