"""Log lines by OTLP: the very lines that go to stderr or the log file, without secrets as there."""

from __future__ import annotations

import json
import logging
from typing import Any

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider

from proxy.telemetry.otlp import SCOPE
from schemas.catalog import as_object

_SEVERITIES = {
    logging.DEBUG: ("DEBUG", SeverityNumber.DEBUG),
    logging.INFO: ("INFO", SeverityNumber.INFO),
    logging.WARNING: ("WARN", SeverityNumber.WARN),
    logging.ERROR: ("ERROR", SeverityNumber.ERROR),
    logging.CRITICAL: ("FATAL", SeverityNumber.FATAL),
}
_OF_EXPORTING = ("opentelemetry", "urllib3", "requests")
"""Who speaks while lines are delivered: to deliver that too would never end."""


class Lines(logging.Handler):
    """Sends each line, read from the formatter that all of this process's lines go through."""

    def __init__(self, provider: LoggerProvider) -> None:
        super().__init__()
        self._logger = provider.get_logger(SCOPE)

    def emit(self, record: logging.LogRecord) -> None:
        """Send one line."""
        if record.name.split(".")[0] in _OF_EXPORTING:
            return
        try:
            said = as_object(json.loads(self.format(record))) or {}
            body = str(said.pop("event", ""))
            attributes = {key: _plain(value) for key, value in said.items() if key not in ("at", "level")}
            text, number = _SEVERITIES.get(record.levelno, (record.levelname, SeverityNumber.UNSPECIFIED))
            self._logger.emit(
                LogRecord(
                    timestamp=int(record.created * 1e9),
                    observed_timestamp=int(record.created * 1e9),
                    severity_text=text,
                    severity_number=number,
                    body=body,
                    attributes=attributes,
                )
            )
        except Exception:  # noqa: BLE001  a line that cannot be delivered is on stderr all the same
            self.handleError(record)


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | bool | int | float) else json.dumps(value, ensure_ascii=False)
