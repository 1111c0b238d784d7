"""What `doctor` looks at on this machine: the configuration, the state folder, the journal, the planner's model."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from catalog_cache.home import private_folder, state_folder
from proxy.commands.doctor.findings import Finding
from proxy.model import models
from proxy.planner.opening import open_planner
from proxy.settings import ConfigError, Loaded
from proxy.settings.find import config_folder
from proxy.store import health
from proxy.store.sql import NewerError, Place, StoreError
from proxy.store.tables import TABLES
from schemas.config import Config, Journal

_NEXT = "`mcp-mend import CLIENT` takes a client's servers over, `mcp-mend install CLIENT` puts mcp-mend before them"
_LOOK = "make it writable, or name another folder in MCP_MEND_HOME"


def broken(error: ConfigError) -> Finding:
    """A configuration that cannot be used, with every fault in it."""
    return Finding(
        "configuration", ok=False, said="cannot be used; no server was asked", lines=error.faults,
        remedy="mend each of these, then run `mcp-mend doctor` again",
    )  # fmt: skip


def configuration(loaded: Loaded) -> Finding:
    """Where the configuration is, and what of it was left aside."""
    ignored = (f"not used here: {', '.join(loaded.ignored)}",) if loaded.ignored else ()
    passed_over = tuple(f"passed over: {one}" for one in loaded.skipped)
    if loaded.path is None:
        said = f"none; it would be {config_folder() / 'proxy.toml'}"
        return Finding("configuration", ok=True, said=said, remedy=_NEXT)
    count = sum(one.enabled for one in loaded.config.upstreams.values())
    said = f"{loaded.path}, {count} servers, repair {loaded.config.repair.mode}"
    remedy = "" if count else _NEXT
    return Finding("configuration", ok=True, said=said, lines=(*passed_over, *ignored), remedy=remedy)


def state() -> Finding:
    """Whether the state folder can be written."""
    home = state_folder()
    try:
        private_folder(home)
        probe = home / f".doctor-{os.getpid()}"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        return Finding("state folder", ok=False, said=f"{home} cannot be written: {error.strerror}", remedy=_LOOK)
    return Finding("state folder", ok=True, said=str(home))


def journal(settings: Journal, place: Place) -> Finding:
    """Whether the journal opens and can be written, what it misses, and how it is kept."""
    where = place.named("journal")
    if not settings.enabled:
        return Finding("journal", ok=None, said="journal.enabled is false; nothing is kept")
    missing = health.lost(place.path("journal"))
    lines = (*((missing,) if missing else ()), health.payloads(settings), health.bounds(settings))
    try:
        with closing(place.open("journal")) as connection:
            size = connection.size(TABLES)
    except NewerError as error:
        remedy = f"update mcp-mend, or {'name another database in store.url' if place.url else f'move {where} away'}"
        return Finding("journal", ok=False, said=f"{where}: {error}", remedy=remedy)
    except StoreError as error:
        said = f"{where} cannot be written: {error}"
        return Finding("journal", ok=False, said=said, lines=lines, remedy=_mend(place, str(error)))
    remedy = "make room on its disk, or end what locks it; records come again by themselves" if missing else ""
    return Finding("journal", ok=True, said=f"{where}, {size / 1_048_576:.1f} MB", lines=lines, remedy=remedy)


def _mend(place: Place, error: str) -> str:
    """What to do about a journal that cannot be written."""
    if place.url:
        return "look at store.url, and whether that server runs and lets us in; calls go on without it"
    if "full" in error:
        return "make room on its disk; calls go on without it"
    return f"make it writable; a damaged one can be moved away: rm {place.path('journal')}* begins a new one"


async def planner(config: Config, lines: Sequence[Mapping[str, Any]]) -> Finding:
    """Whether the planner answers: its model file is opened, and it is asked one question."""
    wanted = config.planner
    if wanted.backend == "none":
        said = "switched off; repairs by rules only"
        return Finding("planner", ok=None, said=said, remedy='planner.backend = "auto" switches it on')
    if wanted.backend == "client":
        said = "the client's own model, where a client offers sampling; with any other, repairs by rules only"
        return Finding("planner", ok=True, said=said)
    if wanted.backend == "openai":
        if not wanted.base_url:
            return Finding("planner", ok=False, said="planner.base_url is empty", remedy="write its address, to /v1")
        return await _asked(config, wanted.base_url, lines, "start that server, or check base_url, api_key and model")
    if (missing := _missing(wanted.model)) is not None:
        said, remedy = missing
        needed = wanted.backend == "local" or bool(wanted.model)
        return Finding("planner", ok=False if needed else None, said=said, remedy=remedy)
    file = models.resolve(wanted.model)
    if (fault := _unreadable(file)) is not None:
        remedy = "fetch it again with `mcp-mend model pull NAME`, or name another in planner.model"
        return Finding("planner", ok=False, said=fault, remedy=remedy)
    size = file.stat().st_size / 1_000_000
    return await _asked(config, f"{file}, {size:.0f} MB", lines, "raise planner.deadline, or name a smaller model")


def _missing(model: str) -> tuple[str, str] | None:
    """What the local planner lacks, and how to get it."""
    if sys.platform == "win32":
        return "no local planner on Windows; repairs by rules only", 'run a model server: planner.backend = "openai"'
    if not models.library():
        return "off: its library is not installed; repairs by rules only", "install mcp-mend[planner]"
    try:
        models.resolve(model)
    except models.ModelProblem as problem:
        said, _, remedy = str(problem).partition(": ")
        return f"off: {said}; repairs by rules only", remedy
    return None


def _unreadable(file: Path) -> str | None:
    """Why a model's file is none, None where it is one."""
    try:
        with file.open("rb") as opened:
            magic = opened.read(4)
    except OSError as error:
        return f"{file} cannot be read: {error.strerror}"
    return None if magic == b"GGUF" else f"{file} is no GGUF file"


async def _asked(config: Config, which: str, lines: Sequence[Mapping[str, Any]], remedy: str) -> Finding:
    began = time.perf_counter()
    async with open_planner(config.planner, state_folder()) as opened:
        scores = await opened.planner.rank("Is water wet? Answer:", [" yes", " no"])
    took = time.perf_counter() - began
    if scores:
        return Finding("planner", ok=True, said=f"{which}, answered in {took:.1f} s")
    reason = next((str(line["reason"]) for line in lines if line.get("logger") == "planner" and "reason" in line), "")
    reason = reason or next((str(line["reason"]) for line in lines if "planner" in str(line.get("event"))), "")
    said = f"{which}, no answer within {took:.1f} s"
    return Finding("planner", ok=False, said=said, lines=(reason,) if reason else (), remedy=remedy)
