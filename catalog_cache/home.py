"""Where state lives between runs: catalog snapshots, the journal, models. Several processes share the folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from platformdirs import user_state_path


def state_folder(env: Mapping[str, str] | None = None) -> Path:
    """`$MCP_MEND_HOME`, else the platform's folder for a user's state; not created here."""
    named = (os.environ if env is None else env).get("MCP_MEND_HOME")
    return Path(named).expanduser() if named else user_state_path("mcp-mend", appauthor=False)


def private_folder(folder: Path) -> Path:
    """Create a folder that only its user may enter; one that exists keeps its rights."""
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def exchange(path: Path, text: str, *, rights_stay: bool = False) -> None:
    """Swap in another content of a file: whoever reads it meanwhile reads the one or the other, whole.

    It is for its user alone, unless the rights of the file that was there stay. Raises `OSError`.
    """
    beside = path.with_name(f".{path.name}.mcp-mend-{os.getpid()}")
    beside.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(text.encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        if rights_stay and path.exists():
            shutil.copymode(path, beside)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
