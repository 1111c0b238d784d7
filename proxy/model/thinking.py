"""The worker's work on the language model: loaded at the first request, bounded in memory."""

from __future__ import annotations

import resource
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from proxy.model.constrain import BadSchema
from proxy.model.engine import Answer, Engine
from proxy.model.native import Aborted, AbortFlag, ModelError, NativeError, gpu_build
from proxy.model.prefix import TooLong
from proxy.model.requests import Faulty
from proxy.model.wire import Fault, Settings


class Thinking:
    """Answers `rank` and `generate`; `abort` stops it."""

    def __init__(self, settings: Settings, abort: AbortFlag) -> None:
        self._settings = settings
        self._abort = abort
        self._engine: Engine | None = None
        bound_memory(settings.memory_mb)

    def __call__(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Answer one request; raises Faulty."""
        try:
            return asdict(self._answer(body))
        except Aborted as error:
            raise Faulty(Fault.CANCELLED) from error
        except TooLong as error:
            raise Faulty(Fault.TOO_LONG, str(error)) from error
        except BadSchema as error:
            raise Faulty(Fault.SCHEMA, str(error)) from error
        except ModelError as error:
            raise Faulty(Fault.MODEL, str(error)) from error
        except (NativeError, MemoryError, ValueError) as error:
            raise Faulty(Fault.NATIVE, str(error) or type(error).__name__) from error

    def _answer(self, body: Mapping[str, Any]) -> Answer:
        if self._engine is None:
            self._engine = self._load()
        if body["do"] == "rank":
            return self._engine.rank(body["context"], body["options"])
        return self._engine.generate(body["context"], body["schema"], body["limit"])

    def _load(self) -> Engine:
        settings = self._settings
        return Engine(
            Path(settings.model),
            self._abort,
            context=settings.context,
            threads=settings.threads,
            gpu_layers=settings.gpu_layers,
        )


def bound_memory(megabytes: int) -> None:
    """Let allocations beyond the bound fail; not where a GPU driver maps far more addresses than it uses."""
    if not gpu_build():
        resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
