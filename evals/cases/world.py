"""What a file of chains runs on: how its servers are started, and the files that they find.

Server commands, steps and goals may name `${DATA}`, the folder of those files, and `${PYTHON312}`, an interpreter.
Knows nothing of plans or grades.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.cases.workspace import Server

_OLD_SDK = ("--with", "mcp<2")
CALCULATORS: Mapping[str, Any] = {
    "Unit Converter": {"command": ["uvx", "--from", "unit-converter-mcp==0.1.2", *_OLD_SDK, "unit-converter-mcp"]},
    "Medical Calculator": {
        "command": ["uvx", "--python", "${PYTHON312}", "--from", "medcalc==0.4.0", *_OLD_SDK, "medcalc"]
    },
    "Time MCP": {
        "command": ["uvx", "--from", "mcp-server-time==2026.10.19", "mcp-server-time", "--local-timezone", "UTC"]
    },
}
"""The servers of a file that names none."""


@dataclass(frozen=True)
class World:
    """The servers of a file of chains, and its data files (relative path to text) in one folder."""

    folder: Path
    specs: Mapping[str, Any]
    data: Mapping[str, str]

    def servers(self) -> dict[str, Server]:
        """How each server is started."""
        specs = self.filled(self.specs)
        return {name: Server(spec["command"], spec.get("env", {})) for name, spec in specs.items()}

    def filled(self, written: Any) -> Any:
        """The same value with the names of places filled in."""
        text = json.dumps(written).replace("${DATA}", str(self.folder))
        return json.loads(text.replace("${PYTHON312}", _python312()))

    def lay_out(self) -> None:
        """Give every data file its first text again, and remove all others."""
        self.folder.mkdir(exist_ok=True)
        for entry in self.folder.iterdir():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        for name, text in self.data.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)


def world(file: Mapping[str, Any], home: Path) -> World:
    """The world of a file of chains, below a folder."""
    return World(home / "data", file.get("servers", CALCULATORS), file.get("data", {}))


def _python312() -> str:
    """An interpreter that uv may not find by itself: pyenv's, where there is one."""
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = sorted(versions.glob("3.12*/bin/python3.12"))
    return str(found[-1]) if found else "3.12"
