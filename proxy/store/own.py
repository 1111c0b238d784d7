"""A journal whose entries are one tenant's."""

from __future__ import annotations

from dataclasses import replace

from proxy.ports import Journal
from schemas.record import CallRecord, RunRecord


class TenantJournal(Journal):
    """Hands every record on to a journal, as this tenant's."""

    def __init__(self, whole: Journal, tenant: str) -> None:
        self._whole = whole
        self._tenant = tenant

    def new_id(self, kind: str, /) -> str:
        """A fresh identifier."""
        return self._whole.new_id(kind)

    def call(self, record: CallRecord) -> None:
        """Hand over one call."""
        self._whole.call(replace(record, tenant=self._tenant))

    def run(self, record: RunRecord) -> None:
        """Hand over one repair or workflow run."""
        self._whole.run(replace(record, tenant=self._tenant))

    async def flush(self) -> bool:
        """Wait, not for long, until everything handed over is on disk."""
        return await self._whole.flush()
