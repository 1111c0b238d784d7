"""Log lines: one JSON object each, on stderr or in a file, never on stdout; other libraries' lines take the same way.

Some clients look for the word "error" on a server's stderr: what an upstream answered is in the journal, not here.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Generator, Mapping, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import structlog

from proxy.repair.view.shown import json_text
from proxy.store.redact import Redaction
from schemas.config import Log
from schemas.record import CallRecord, RunRecord

_CHATTY = ("httpx", "httpx2", "httpcore", "httpcore2", "uvicorn", "mcp", "asyncio", "anyio")
"""Libraries whose lines below a warning are for their own authors."""

_in_use = [Redaction()]
_further: list[logging.Handler] = []

_log: structlog.stdlib.BoundLogger = structlog.get_logger("mcp-mend")


def current() -> Redaction:
    """What is taken out of log lines."""
    return _in_use[0]


def configure(log: Log, redaction: Redaction | None = None) -> None:
    """Send every line of this process to stderr, or to `log.file`; raises `OSError` where that cannot be opened.

    `redaction` None keeps the one of before.
    """
    level = logging.getLevelNamesMapping()[log.level.upper()]
    handler = _handler(log.file)
    if redaction is not None:
        _in_use[:] = [redaction]
    shared = _shared(current())
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(json_text, default=str),
            ],
        )
    )
    root = logging.getLogger()
    for old in [each for each in root.handlers if each not in _further]:
        root.removeHandler(old)
        old.close()
    root.addHandler(handler)
    for each in _further:
        each.setFormatter(handler.formatter)
    root.setLevel(level)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(level if log.level == "debug" else max(level, logging.WARNING))
    logging.captureWarnings(capture=True)


@contextmanager
def also(handler: logging.Handler | None) -> Generator[None]:
    """Give every line of this process to a further handler within the block, in the same words."""
    if handler is None:
        yield
        return
    root = logging.getLogger()
    handler.setFormatter(next((each.formatter for each in root.handlers), None))
    root.addHandler(handler)
    _further.append(handler)
    try:
        yield
    finally:
        _further.remove(handler)
        root.removeHandler(handler)


def _handler(file: str) -> logging.Handler:
    if not file:
        return logging.StreamHandler(sys.stderr)
    path = Path(file).expanduser()
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600))
    return logging.FileHandler(path, encoding="utf-8")


def _shared(redaction: Redaction) -> list[structlog.typing.Processor]:
    def redact(_: Any, __: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
        return {key: value if key.startswith("_") else redaction.under(key, value) for key, value in event.items()}

    def order(_: Any, __: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
        first = {key: event.pop(key) for key in ("at", "level", "event") if key in event}
        return {**first, **event}

    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        structlog.processors.UnicodeDecoder(),
        redact,
        order,
    ]


def note(record: CallRecord | RunRecord) -> None:
    """Write the one line of a call or a run; a call about to leave is for debugging only."""
    if isinstance(record, CallRecord):
        line = _log.debug if record.outcome == "sent" else _log.info
        told = {key: getattr(record, key) for key in _OF_A_CALL}
        line("call", **_present({**told, "ms": round(record.ms, 1)}))
    else:
        _log.info("repair" if record.kind == "call" else "workflow", **_present(_run_line(record)))


_OF_A_CALL = ("call_id", "server", "tool", "outcome", "ms", "session", "repair_id", "step")


def _run_line(record: RunRecord) -> dict[str, Any]:
    changes = [f"{one.get('op')} by {one.get('rule')} ({one.get('confidence')})" for one in record.repairs]
    return {
        "repair_id": record.repair_id,
        "status": record.status,
        "changes": changes,
        "problems": [one.get("kind") for one in record.problems],
        "calls": record.calls,
        "seconds": round(record.seconds, 3),
        "session": record.session,
    }


def _present(line: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in line.items() if value not in (None, "", [])}
