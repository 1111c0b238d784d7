"""What is wrong with a configuration, as sentences that name file, line, key and remedy."""

from __future__ import annotations

from collections.abc import Iterable

from proxy.settings.jsonc import Path
from proxy.settings.lines import Text


class ConfigError(Exception):
    """A configuration that cannot be used; the person who wrote it can mend it. `faults` holds one sentence each."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))


def dotted(path: Path) -> str:
    """Write a key path as a person would: `upstreams.time.args[0]`."""
    written = ""
    for part in path:
        if isinstance(part, int):
            written += f"[{part}]"
        else:
            written += ("." if written else "") + (part if part and not set(part) & set(' ."') else f'"{part}"')
    return written


def fault(text: Text, path: Path, message: str) -> str:
    """One sentence on one key."""
    line = text.line(path)
    place = f"{text.name}:{line}" if line else text.name
    return f"{place}: {dotted(path)}: {message}" if path else f"{place}: {message}"
