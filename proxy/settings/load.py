"""Load the configuration: find the file, read it, expand variables, validate, apply what the environment overrides."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from proxy.settings import clients
from proxy.settings.errors import ConfigError, fault
from proxy.settings.expand import Expansion
from proxy.settings.find import find
from proxy.settings.jsonc import Path as KeyPath
from proxy.settings.jsonc import TextError
from proxy.settings.lines import Text, read_text
from proxy.settings.selfcall import ours
from proxy.settings.validate import validated
from schemas.catalog import as_object
from schemas.config import Config, Mode

_STRICTNESS: tuple[Mode, ...] = ("off", "suggest", "auto")


_RETIRED: Mapping[str, tuple[str, ...]] = {"evolution": ("niches", "explore", "tournament")}
"""Keys that mean nothing any more, by section: a file that has them still opens."""


@dataclass(frozen=True)
class Loaded:
    """A configuration and where it came from.

    `path` is None where no file was found. `ignored` names keys of a client's file that mean nothing here, `skipped`
    says which entries were passed over and why; both are worth a log line.
    """

    config: Config
    path: Path | None = None
    ignored: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()


def load(
    named: Path | None = None,
    *,
    local: bool = False,
    mode: str | None = None,
    upstreams: bool = True,
    env: Mapping[str, str] | None = None,
) -> Loaded:
    """Find and read the configuration; `mode` (from `--mode`) beats `$MCP_MEND_MODE`, which beats `repair.mode`.

    `upstreams=False` leaves the upstreams out before they are looked at. Raises `ConfigError`.
    """
    env = os.environ if env is None else env
    path = find(named, env, local=local)
    if path is None:
        loaded = Loaded(Config())
    else:
        loaded = load_text(str(path), _read(path), env, upstreams=upstreams, places=_places(path))
        loaded = replace(loaded, path=path)
    chosen = _mode(mode, env)
    return replace(loaded, config=_in_mode(loaded.config, chosen)) if chosen else loaded


def load_text(
    name: str,
    text: str,
    env: Mapping[str, str],
    *,
    upstreams: bool = True,
    places: Mapping[str, str] | None = None,
) -> Loaded:
    """Read the text of a configuration file named `name`; pure. Raises `ConfigError`."""
    try:
        source = read_text(name, text, toml=_is_toml(name, text))
    except TextError as error:
        raise ConfigError([f"{name}:{error.line}: {error}"]) from None
    where = clients.holder(source.data)
    if where is not None and "upstreams" not in source.data:
        return _client_file(source, where, Expansion(env, places or {}), upstreams=upstreams)
    data = dict(source.data)
    if not upstreams:
        data.pop("upstreams", None)
    data, retired = _without_retired(data)
    return Loaded(_checked(data, source, {}, Expansion(env, places or {}), own=True), skipped=retired)


def _without_retired(data: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The same settings without keys that mean nothing any more, and a sentence about each."""
    kept, told = dict(data), tuple[str, ...]()
    for section, keys in _RETIRED.items():
        written = as_object(data.get(section))
        if written is not None:
            kept[section] = {key: value for key, value in written.items() if key not in keys}
            told += tuple(f"{section}.{key} means nothing any more and can go" for key in keys if key in written)
    return kept, told


def _client_file(source: Text, where: KeyPath, expansion: Expansion, *, upstreams: bool) -> Loaded:
    """A client's file: its servers, and our own settings where it has a `mcp-mend` object."""
    found = clients.entries(source.data, where)
    own = as_object(source.data.get("mcp-mend", {}))
    if own is None:
        raise ConfigError([fault(source, ("mcp-mend",), "expected an object holding settings of mcp-mend")])
    own, retired = _without_retired(own)
    data = {**own, "upstreams": found.upstreams} if upstreams else own
    prefix: dict[str, KeyPath] = {key: ("mcp-mend", key) for key in own}
    config = _checked(data, source, {**prefix, "upstreams": where}, expansion)
    return Loaded(config, ignored=found.ignored, skipped=(*found.skipped, *retired))


def _checked(
    data: Mapping[str, Any], source: Text, prefix: Mapping[str, KeyPath], expansion: Expansion, *, own: bool = False
) -> Config:
    """Expand and validate; every fault is told at once, unset variables among them.

    A disabled upstream keeps its texts, so its variables need not be set. `own` refuses entries that start mcp-mend
    itself.
    """
    expanded: dict[str, Any] = {}
    for key, value in data.items():
        at = prefix.get(key, (key,))
        if key == "upstreams" and (entries := as_object(value)) is not None:
            expanded[key] = {
                name: entry if _disabled(entry) else expansion.value(entry, (*at, name))
                for name, entry in entries.items()
            }
        else:
            expanded[key] = expansion.value(value, at)
    faults = [fault(source, path, message) for path, message in expansion.missing]
    try:
        config = validated(expanded, source, prefix)
        faults += _ourselves(config, source) if own else ()
    except ConfigError as error:
        unset = tuple(fault(source, path, "") for path, _ in expansion.missing)
        faults += (found for found in error.faults if not (unset and found.startswith(unset)))
        config = Config()
    if faults:
        raise ConfigError(dict.fromkeys(faults))
    config = config.with_secrets(expansion.secrets)
    return config.with_variables(_used_by(expansion, prefix.get("upstreams", ("upstreams",))))


def _used_by(expansion: Expansion, upstreams: KeyPath) -> dict[str, frozenset[str]]:
    """The variables that each upstream is configured with, those of everything else under ""."""
    found: dict[str, set[str]] = {}
    for path, name in expansion.used:
        owner = str(path[len(upstreams)]) if path[: len(upstreams)] == upstreams else ""
        found.setdefault(owner, set()).add(name)
    return {owner: frozenset(names) for owner, names in found.items()}


def _disabled(entry: Any) -> bool:
    return (as_object(entry) or {}).get("enabled") is False


def _ourselves(config: Config, source: Text) -> list[str]:
    return [
        fault(source, ("upstreams", name, "command"), "this starts mcp-mend itself; name the server behind it instead")
        for name, upstream in config.upstreams.items()
        if upstream.command and upstream.enabled and ours(upstream.command, upstream.args)
    ]


def _mode(mode: str | None, env: Mapping[str, str]) -> Mode | None:
    for source, written in (("--mode", mode), ("MCP_MEND_MODE", env.get("MCP_MEND_MODE"))):
        if written:
            if written not in _STRICTNESS:
                raise ConfigError([f"{source}: write one of auto, suggest, off, not {written!r}"])
            return written
    return None


def _in_mode(config: Config, mode: Mode) -> Config:
    """The configuration with `repair.mode` overridden; an upstream that is set to less keeps its own setting."""
    kept = {
        name: upstream.model_copy(update={"repair": min(upstream.repair, mode, key=_STRICTNESS.index)})
        if upstream.repair
        else upstream
        for name, upstream in config.upstreams.items()
    }
    return config.model_copy(
        update={"repair": config.repair.model_copy(update={"mode": mode}), "upstreams": kept},
    )


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError([f"{path}: not UTF-8 text (byte {error.start}); save it as UTF-8"]) from None
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}"]) from None


def _is_toml(name: str, text: str) -> bool:
    suffix = Path(name).suffix.lower()
    if suffix in {".json", ".jsonc", ".json5"}:
        return False
    return suffix == ".toml" or not text.lstrip("\ufeff \t\r\n").startswith(("{", "//", "/*"))


def _places(path: Path) -> dict[str, str]:
    """Names that editors expand besides variables; a project's file stands one folder below the project."""
    folder = path.resolve().parent
    project = folder.parent if folder.name.startswith(".") else folder
    return {
        "userHome": str(Path.home()),
        "workspaceFolder": str(project),
        "workspaceFolderBasename": project.name,
        "pathSeparator": os.sep,
        "/": os.sep,
    }
