"""From files to what was found in them: the edge of the audit, which only reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from proxy.audit.catalogs import known
from proxy.audit.failures import settled
from proxy.audit.judge import Failure, judged
from proxy.audit.reading import read
from proxy.audit.report import Audited
from schemas.catalog import Catalog
from schemas.config import Config


async def audited(
    paths: Iterable[Path], config: Config, configured: Catalog, watch: Callable[[Path], None]
) -> list[Audited]:
    """Each file with its failures; `watch` is told of a file before it is read. Raises `OSError`."""
    config = dry(config)
    rules = {name: upstream.tools for name, upstream in config.upstreams.items()}
    found: list[Audited] = []
    for path in paths:
        watch(path)
        transcript = read(path)
        stated = known(transcript, configured, rules)
        transcript.calls = {key: settled(past, stated.catalog) for key, past in transcript.calls.items()}
        stated = known(transcript, configured, rules)
        failures: list[Failure] = []
        for calls in transcript.sessions:
            failures += await judged(config, stated.catalog, calls)
        found.append(Audited(transcript, stated, tuple(failures)))
    return found


def dry(config: Config) -> Config:
    """The configuration under which a past call is looked at: repair on, nothing asked, nothing remembered."""
    repair = config.repair.model_copy(update={"mode": "auto", "when": "failure", "suggest": "meta", "ask": False})
    evolution = config.evolution.model_copy(update={"memory": False})
    upstreams = {name: upstream.model_copy(update={"repair": None}) for name, upstream in config.upstreams.items()}
    return config.model_copy(update={"repair": repair, "evolution": evolution, "upstreams": upstreams})
