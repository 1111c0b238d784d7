"""A file of a client as text with the place of every value, in whatever format it is written. Pure."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath

from proxy.settings import jsonc
from proxy.settings.errors import dotted
from proxy.settings.jsonc import Document, TextError


def document(name: str, text: str) -> Document:
    """Read the text of a file called `name`: TOML and YAML by their suffixes, else JSON with comments.

    An empty text has the value None. Raises `TextError`, also where a key is there twice: what would be changed then
    is not what a client reads.
    """
    found = _reader(name)(text)
    for path in found.repeated:
        line = found.lines.get(path, 1)
        raise TextError(f"{dotted(path)} is there twice; leave one of them and try again", line)
    return found


def _reader(name: str) -> Callable[[str], Document]:
    suffix = PurePath(name).suffix.lower()
    if suffix == ".toml":
        from proxy.settings.toml import parse

        return parse
    if suffix in {".yaml", ".yml"}:
        from proxy.settings.yaml import parse

        return parse
    return _json


def _json(text: str) -> Document:
    return jsonc.parse(text) if text.removeprefix("\ufeff").strip() else Document(text, None, {}, {}, {})
