"""The configuration of `mcp-mend wrap`: one upstream given on the command line. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from pydantic import ValidationError

from proxy.settings.errors import ConfigError
from proxy.settings.expand import Expansion
from proxy.settings.selfcall import ours, program
from schemas.config import Config, Upstream

_LAUNCHERS = {"uvx", "npx", "bunx", "pnpm", "yarn", "uv", "node", "deno", "docker", "podman", "pipx", "env", "cmd"}
_PYTHON = re.compile(r"^(python|pypy)[0-9.]*$")
_VERBS = {"run", "exec", "dlx", "tool", "x", "/c"}
_TAKES_VALUE = {"--from", "--with", "--python", "-p", "--directory", "--project", "--package", "-e", "-v", "--env"}
_UNFIT = re.compile(r"[^A-Za-z0-9_-]+")


def wrapping(
    config: Config,
    *,
    name: str | None,
    command: Sequence[str] = (),
    url: str | None = None,
    headers: Mapping[str, str] | None = None,
    env: Mapping[str, str] | None = None,
) -> Config:
    """`config` with one upstream: this command or URL with default settings, else its own one called `name`."""
    if not command and url is None:
        return _chosen(config, name)
    if command and ours(command[0], command[1:]):
        raise ConfigError(["wrap: the command starts mcp-mend itself; name the server behind it instead"])
    expansion = Expansion(env or {})
    name = name or (upstream_name(command) if command else host_name(url or ""))
    data = {
        "command": command[0] if command else None,
        "args": list(command[1:]),
        "url": url,
        "headers": expansion.value(dict(headers or {}), ("--header",)),
    }
    if expansion.missing:
        raise ConfigError([f"wrap: --header: {message}" for _, message in expansion.missing])
    try:
        upstream = Upstream.model_validate(data).withholding(None)
    except ValidationError as error:
        raise ConfigError([f"wrap: {fault['msg'].removeprefix('Value error, ')}" for fault in error.errors()]) from None
    return config.model_copy(update={"upstreams": {name: upstream}}).with_secrets(expansion.secrets)


def _chosen(config: Config, name: str | None) -> Config:
    enabled = {key: upstream for key, upstream in config.upstreams.items() if upstream.enabled}
    if name is None:
        raise ConfigError(["wrap: say what to wrap: -- COMMAND ARGS..., --url URL, or --name of a configured upstream"])
    if name not in enabled:
        known = ", ".join(enabled) or "none"
        raise ConfigError([f"wrap: --name {name}: the configuration has no such upstream; it has: {known}"])
    return config.model_copy(update={"upstreams": {name: enabled[name].withholding(None)}})


def upstream_name(command: Sequence[str]) -> str:
    """A short name for a command line: `uvx mcp-server-time` is `mcp-server-time`, `python -m srv` is `srv`."""
    word = command[0]
    if program(word) in _LAUNCHERS or _PYTHON.match(program(word)):
        word = _operand(command[1:]) or word
    return _fit(program(word.rstrip("/\\")).removesuffix(".py").removesuffix(".js"))


def host_name(url: str) -> str:
    """A short name for a URL: its host."""
    return _fit(urlsplit(url).hostname or url)


def _operand(words: Sequence[str]) -> str | None:
    """The first word that is neither an option, an option's value nor a launcher's verb."""
    takes_value = False
    for word in words:
        if takes_value:
            takes_value = False
        elif word in _TAKES_VALUE:
            takes_value = True
        elif not word.startswith("-") and word not in _VERBS:
            return word.removeprefix("@").split("@")[0].split("==")[0].rsplit("/", 1)[-1]
    return None


def _fit(text: str) -> str:
    return _UNFIT.sub("-", text).strip("-") or "upstream"
