"""The page: what was called, what was changed and why, for a browser; rendered here, over the journal."""

from __future__ import annotations
