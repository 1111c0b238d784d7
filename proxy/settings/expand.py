"""Put environment variables into texts: `${VAR}`, `${VAR:-default}`, `${env:VAR}`.

Pure: the environment comes in as an argument. `$${` is a literal `${`; braces that hold no variable stay as written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from proxy.settings.jsonc import Path
from schemas.catalog import as_list, as_object

_EXPRESSION = re.compile(r"\$(\$)?\{([^{}]*)\}")
_VARIABLE = re.compile(r"^(env:)?([A-Za-z_][A-Za-z0-9_]*|[A-Za-z_][A-Za-z0-9_()]*)(?::-(.*))?\Z", re.DOTALL)
_ASKED = re.compile(r"^(input|command|config):(.+)$")

_NOT_SECRET = frozenset(
    {"HOME", "USER", "LOGNAME", "PATH", "PWD", "SHELL", "LANG", "TZ", "TMPDIR", "TEMP", "TMP", "HOSTNAME"}
    | {"USERPROFILE", "USERNAME", "APPDATA", "LOCALAPPDATA", "HOMEDRIVE", "HOMEPATH", "COMPUTERNAME"}
    | {"PROGRAMFILES", "SYSTEMROOT", "SYSTEMDRIVE", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"}
)
"""Variables whose values appear in ordinary paths and names: hiding those would blank the journal."""


@dataclass
class Expansion:
    """The environment, and what was found while expanding.

    `places` are further names such as VS Code's `workspaceFolder`. `used` are the variables, each with the path of its
    text, but for those that say nothing secret; `secrets` are their values, `missing` the sentences on variables that
    are not set, each with the path of its text.
    """

    env: Mapping[str, str]
    places: Mapping[str, str] = field(default_factory=dict[str, str])
    secrets: set[str] = field(default_factory=set[str])
    used: list[tuple[Path, str]] = field(default_factory=list[tuple[Path, str]])
    missing: list[tuple[Path, str]] = field(default_factory=list[tuple[Path, str]])

    def value(self, value: Any, path: Path = ()) -> Any:
        """Expand every text inside a value; keys of objects stay as they are."""
        if isinstance(value, str):
            return self.text(value, path)
        if (fields := as_object(value)) is not None:
            return {key: self.value(inner, (*path, key)) for key, inner in fields.items()}
        items = as_list(value)
        return value if items is None else [self.value(inner, (*path, at)) for at, inner in enumerate(items)]

    def text(self, text: str, path: Path = ()) -> str:
        """Expand one text."""
        return _EXPRESSION.sub(lambda match: self._one(match, path), text)

    def _one(self, match: re.Match[str], path: Path) -> str:
        if match[1]:
            return match[0][1:]
        inner = match[2]
        if inner in self.places:
            return self.places[inner]
        if asked := _ASKED.match(inner):
            self.missing.append((path, _ask(asked[1], asked[2])))
            return match[0]
        variable = _VARIABLE.match(inner)
        return self._variable(variable[2], variable[3], path) if variable else match[0]

    def _variable(self, name: str, default: str | None, path: Path) -> str:
        value = self.env.get(name)
        if value is None or (value == "" and default is not None):
            if default is None:
                remedy = f"set it, or write a default: ${{{name}:-value}}"
                self.missing.append((path, f"the environment variable {name} is not set; {remedy}"))
                return ""
            return default
        if name.upper() not in _NOT_SECRET:
            self.secrets.add(value)
            self.used.append((path, name))
        return value


def _ask(kind: str, name: str) -> str:
    if kind == "input":
        return (
            f"${{input:{name}}} is asked for by the editor and unknown here; "
            "put it into an environment variable and write ${env:NAME}"
        )
    return f"${{{kind}:{name}}} is known to the editor only; write the value, or ${{env:NAME}}"
