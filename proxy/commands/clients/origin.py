"""The command line that starts this mcp-mend again, wherever it was started from. Pure: what is known comes in."""

from __future__ import annotations

import json
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from schemas.catalog import as_object

NAME = "mcp-mend"
_TAG = "CACHEDIR.TAG"
"""A file that marks a folder as a cache, whose contents may go at any time."""


@dataclass(frozen=True)
class Origin:
    """Where the running program came from.

    `prefix` is the environment it runs in, `scripts` are folders that may hold its program, `direct` is what its
    installer noted of a package that came from no index (`direct_url.json`).
    """

    prefix: Path
    scripts: tuple[Path, ...]
    python: str
    direct: Mapping[str, Any] | None = None

    @property
    def line(self) -> list[str]:
        """The command line: the program of an environment that stays, else uv told again what it was told."""
        if any((folder / _TAG).is_file() for folder in self.prefix.parents):
            return self._by_uv()
        for program in (folder / file for folder in self.scripts for file in (NAME, f"{NAME}.exe")):
            if program.is_file():
                return [str(program)]
        return [self.python, "-P", "-m", "proxy.cli"]

    def _by_uv(self) -> list[str]:
        if self.direct is None:
            return ["uvx", NAME]
        source = _source(self.direct)
        if (as_object(self.direct.get("dir_info")) or {}).get("editable"):
            return ["uv", "run", "--project", source, NAME]
        return ["uvx", "--from", source, NAME]


def here() -> Origin:
    """Where this process came from."""
    user = sysconfig.get_path("scripts", sysconfig.get_preferred_scheme("user"))
    scripts = (Path(sysconfig.get_path("scripts")), Path(user))
    return Origin(Path(sys.prefix), scripts, sys.executable, _direct())


def _direct() -> Mapping[str, Any] | None:
    try:
        return as_object(json.loads(distribution(NAME).read_text("direct_url.json") or "null"))
    except (PackageNotFoundError, ValueError):
        return None


def _source(direct: Mapping[str, Any]) -> str:
    """What `--from` takes: a path, or an address with the revision that was asked for and the folder in it."""
    url = str(direct.get("url", ""))
    folder = direct.get("subdirectory")
    behind = f"#subdirectory={folder}" if folder else ""
    if (vcs := as_object(direct.get("vcs_info"))) is not None:
        asked = vcs.get("requested_revision")
        return f"{vcs.get('vcs', 'git')}+{url}" + (f"@{asked}" if asked else "") + behind
    parts = urlsplit(url)
    return url2pathname(parts.path) if parts.scheme == "file" and not folder else url + behind
