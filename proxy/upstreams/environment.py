"""The environment that a server on stdio is started with. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from schemas.config import Upstream

_OURS = "MCP_MEND_"
_COLLECTOR, _HEADERS = "OTEL_EXPORTER_OTLP_", "HEADERS"
"""What we log in to a collector with: `OTEL_EXPORTER_OTLP_HEADERS`, also of one signal."""

_PLAIN = frozenset(
    {"HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER"}
    | {"APPDATA", "HOMEDRIVE", "HOMEPATH", "LOCALAPPDATA", "PATHEXT", "PROCESSOR_ARCHITECTURE", "SYSTEMDRIVE"}
    | {"SYSTEMROOT", "TEMP", "USERNAME", "USERPROFILE"}
    | {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "LANG", "LANGUAGE", "TZ"}
)
"""What the official SDKs hand on to a server (POSIX and Windows), and what network and language need."""


def environment(config: Upstream, ours: Mapping[str, str]) -> dict[str, str]:
    """What a server gets of our own environment, with its configured variables on top."""
    return {**{name: value for name, value in ours.items() if _inherits(config, name)}, **config.env}


def withheld(config: Upstream, ours: Mapping[str, str]) -> list[str]:
    """The names of our variables that a server does not get."""
    return sorted(name for name in ours if not _inherits(config, name) and name not in config.env)


def _inherits(config: Upstream, name: str) -> bool:
    if not config.inherit_env:
        return name.upper() in _PLAIN or name.startswith("LC_")
    if config.withheld is None:
        return True
    of_the_collector = name.startswith(_COLLECTOR) and name.endswith(_HEADERS)
    return not (name in config.withheld or name.startswith(_OURS) or of_the_collector)
