"""How the journal is kept, in sentences, for `doctor`, `log stats` and whatever else shows a journal.

Pure, but for a look at the file of losses.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from proxy.store.losses import losses, told
from schemas.config import Journal


class Writing(Protocol):
    """A journal that is being written by this process."""

    @property
    def lost(self) -> int:
        """Records that could not be kept so far."""
        ...

    @property
    def waiting(self) -> int:
        """Records that are not on disk yet."""
        ...

    @property
    def trouble(self) -> str:
        """Why records cannot be written now, "" where they can."""
        ...


PAYLOADS = {
    "full": "arguments, results and plans are kept whole, with secrets taken out",
    "hash": "of arguments, results and plans only digests are kept: what was sent cannot be read, shown or replayed",
    "none": "arguments, results and plans are not kept: only which tool was called, when, and how it ended",
}
"""What each value of `journal.payloads` means."""


def payloads(journal: Journal) -> str:
    """What is kept of each call, and where that is set."""
    others = " or ".join(f'"{name}"' for name in PAYLOADS if name != journal.payloads)
    return f'{PAYLOADS[journal.payloads]} (journal.payloads = "{journal.payloads}"; it may be {others})'


def bounds(journal: Journal) -> str:
    """How much is kept, for how long, and where that is set."""
    days = f"{journal.max_days} day{'' if journal.max_days == 1 else 's'}"
    age = f"and what is older than {days} (journal.max_days)" if journal.max_days else "whatever their age"
    return f"the oldest entries go beyond {journal.max_mb} MB (journal.max_mb) {age}"


def lost(path: Path) -> str:
    """What the journal misses because the disk was full, locked or broken; "" where nothing is missing."""
    return told(losses(path))


def missing(path: Path, writing: Writing | None) -> list[str]:
    """What the journal misses, and what it cannot take at this moment, a sentence each.

    `writing` is None where another process writes it: what that cannot take is not known before it is lost.
    """
    now = ""
    if writing is not None and writing.trouble:
        now = f"records cannot be written now ({writing.trouble}); {writing.waiting} wait in memory, and calls go on"
    gone = lost(path)
    if not gone and writing is not None and writing.lost:
        gone = f"records are not in the journal: {writing.lost}; no call failed for it"
    return [text for text in (now, gone) if text]


def health(journal: Journal, path: Path) -> list[str]:
    """Everything there is to say of a journal, a sentence each; what is missing comes first."""
    if not journal.enabled:
        return ["nothing is kept (journal.enabled = false)"]
    return [text for text in (lost(path), payloads(journal), bounds(journal)) if text]
