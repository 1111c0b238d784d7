"""Recognise an entry that starts mcp-mend itself, so that the proxy never stands behind itself.

Pure: looks at the command line only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePosixPath, PureWindowsPath

_OURS = "mcp-mend"
_MODULES = {"proxy.cli", "proxy"}
_WRAP_VALUES = {"--name", "--mode", "--config", "--url", "--header", "--transport"}


@dataclass(frozen=True)
class Ours:
    """A command line of ours; `wrapped` is what follows `wrap --`, `url` what follows `wrap --url`, if that is it."""

    wrapped: tuple[str, ...] = ()
    url: str | None = None


def program(command: str) -> str:
    """The bare name of a program, on any platform."""
    name = PureWindowsPath(PurePosixPath(command).name).name.lower()
    for suffix in (".exe", ".cmd", ".bat"):
        name = name.removesuffix(suffix)
    return name


def ours(command: str, args: Sequence[str]) -> Ours | None:
    """Tell whether a command line starts mcp-mend, directly or through a launcher such as uvx or python -m."""
    words = [command, *args]
    start = _start(words)
    if start is None:
        return None
    rest = words[start + 1 :]
    if rest[:1] != ["wrap"]:
        return Ours()
    found = _wrapped(rest[1:])
    return Ours(found, next((url for flag, url in pairwise(rest) if flag == "--url"), None) if not found else None)


def _start(words: Sequence[str]) -> int | None:
    """Index of the word that names mcp-mend as the program to run."""
    for at, word in enumerate(words):
        if word == "wrap" or word == "--":
            return None
        if program(word.split("@")[0].split("==")[0]) == _OURS and not _is_value(words, at):
            return at
        if at and words[at - 1] == "-m" and word in _MODULES:
            return at
    return None


def _is_value(words: Sequence[str], at: int) -> bool:
    """Tell whether a word only says where to find a program: `--from mcp-mend`, `--with`, `--directory`."""
    return at > 0 and words[at - 1] in {"--from", "--with", "--directory", "--project", "-p", "--package"}


def _wrapped(args: Sequence[str]) -> tuple[str, ...]:
    """The command line behind `wrap`, with our own options taken off."""
    at = 0
    while at < len(args):
        word = args[at]
        if word == "--":
            return tuple(args[at + 1 :])
        if not word.startswith("-"):
            return tuple(args[at:])
        at += 2 if word in _WRAP_VALUES else 1
    return ()
