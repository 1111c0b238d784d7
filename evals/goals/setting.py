"""The world of the goals: files, a graph, a database, a workbook and a repository, all as new before every goal."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.cases.world import World, world

FILE = Path(__file__).with_name("goals.json")
_NOBODY = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    **{f"GIT_{who}_{what}": text for who in ("AUTHOR", "COMMITTER") for what, text in (
        ("NAME", "Ada Keller"), ("EMAIL", "ada@example.org"))},
}  # fmt: skip


@dataclass(frozen=True)
class Setting:
    """The servers and everything that they find."""

    world: World
    spec: Mapping[str, Any]

    @property
    def place(self) -> Path:
        """The folder that the servers run in."""
        return self.world.folder

    def lay_out(self) -> None:
        """Make everything as it was before any goal."""
        self.world.lay_out()
        _database(self.place / "shop.db", self.spec["database"])
        shutil.copy(FILE.with_name("budget.xlsx"), self.place)
        _repository(self.place / "repo", self.spec["repository"])


def load() -> dict[str, Any]:
    """The file of goals."""
    file: dict[str, Any] = json.loads(FILE.read_text())
    return file


def setting(file: Mapping[str, Any], home: Path) -> Setting:
    """The world of the goals below a folder."""
    return Setting(world(file, home), file["world"])


def git(repository: Path, *words: str, when: str = "2026-01-01T00:00:00Z") -> str:
    """Run git in a repository, at a fixed time and as nobody in particular."""
    env = {**os.environ, **_NOBODY, "GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when}
    line = ["git", "-C", str(repository), *words]
    return subprocess.run(line, env=env, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603


def _database(path: Path, tables: Mapping[str, Any]) -> None:
    with closing(sqlite3.connect(path)) as base, base:
        for name, table in tables.items():
            base.execute(f"CREATE TABLE {name} ({', '.join(table['columns'])})")
            marks = ", ".join("?" for _ in table["columns"])
            base.executemany(f"INSERT INTO {name} VALUES ({marks})", table["rows"])  # noqa: S608 our own words


def _repository(path: Path, spec: Mapping[str, Any]) -> None:
    path.mkdir()
    git(path, "init", "-q", "-b", "main")
    git(path, "config", "user.name", "Ada Keller")
    git(path, "config", "user.email", "ada@example.org")
    for day, commit in enumerate(spec["commits"], 1):
        _written(path, commit["files"])
        git(path, "add", "-A")
        git(path, "commit", "-q", "-m", commit["message"], when=f"2026-01-{day:02}T09:00:00Z")
    for branch in spec["branches"]:
        git(path, "branch", branch)
    _written(path, spec["uncommitted"])


def _written(path: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (path / name).write_text(text)
