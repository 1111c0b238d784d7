"""Write what the models of the settings say into docs/configuration.md and proxy.toml: `python -m proxy.settings`.

What a person wrote in these files, before and after the marks, stays.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from proxy.settings.described import as_markdown, as_toml

ROOT = Path(__file__).parents[2]
FILES: dict[str, tuple[str, str, Callable[[], str]]] = {
    "docs/configuration.md": ("<!-- from here: python -m proxy.settings -->\n", "<!-- to here -->\n", as_markdown),
    "proxy.toml": ("# From here: python -m proxy.settings\n", "# To here\n", as_toml),
}
"""File to the line before what is written, the line after it, and what is written."""


def text(name: str) -> str:
    """A file as it should be. Raises `ValueError` where it has not both marks."""
    first, last, write = FILES[name]
    before, begun, rest = (ROOT / name).read_text(encoding="utf-8").partition(first)
    _, ended, after = rest.partition(last)
    if not (begun and ended):
        raise ValueError(f"{name}: the lines {first.strip()} and {last.strip()} are not both there")
    return f"{before}{first}\n{write()}\n{last}{after}"


if __name__ == "__main__":
    for name in FILES:
        (ROOT / name).write_text(text(name), encoding="utf-8")
