"""Find the configuration file: named, by environment, in the user's folder, and only where allowed in `./`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from platformdirs import user_config_path

from proxy.settings.errors import ConfigError

NAMES = ("proxy.toml", "mcp.json")


def config_folder() -> Path:
    """The user's configuration folder of mcp-mend, which need not exist."""
    return user_config_path("mcp-mend", appauthor=False)


def find(named: Path | None, env: Mapping[str, str], *, local: bool) -> Path | None:
    """The file to read; None where there is none, which is a valid configuration.

    A file that was named and is not there is an error. `local` also takes `./proxy.toml`, for commands that a person
    starts by hand: a client may start the others inside a project that came from elsewhere.
    """
    for source, written in (("--config", named), ("MCP_MEND_CONFIG", env.get("MCP_MEND_CONFIG"))):
        if written:
            path = Path(written).expanduser()
            if not path.is_file():
                raise ConfigError([f"{source}: there is no file {path}"])
            return path
    folders = [config_folder(), *([Path()] if local else [])]
    places = [folder / name for folder in folders for name in (NAMES if folder != Path() else NAMES[:1])]
    return next((place for place in places if place.is_file()), None)
