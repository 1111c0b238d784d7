"""The record of what was done: every call, problem, repair and report, in a database, and as log lines.

Writing costs its caller an append; a disk that fails costs records, which are counted, and never a call.
"""

from __future__ import annotations

from proxy.store.book import StoredJournal, open_journal, redaction_of
from proxy.store.logs import configure

__all__ = ["StoredJournal", "configure", "open_journal", "redaction_of"]
