"""Which of several upstreams an address leads to: by what they listed, what their results linked to, their templates.

Pure state; nobody is asked here.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, TypeVar

from proxy.wire import rpc
from schemas.catalog import as_list

T = TypeVar("T")

REMEMBERED = 50_000
"""Entries that are kept of each kind."""

TEMPLATES = 500
"""Templates of one upstream that addresses are held against."""

_PLACE = re.compile(r"(\{[^}]*\})")


class Addresses:
    """What is known of the addresses of all upstreams; `names` are those that are configured now, in order."""

    def __init__(self) -> None:
        self._listed: dict[str, str] = {}
        self._linked: dict[str, str] = {}
        self._templates: dict[str, dict[str, _Template]] = {}

    def listed(self, uri: str, server: str, names: Collection[str]) -> None:
        """Note who listed an address: the first one keeps it while it is there."""
        if self._listed.get(uri) not in names:
            keep(self._listed, uri, server)

    def linked(self, server: str, result: Mapping[str, Any] | None) -> None:
        """Note the addresses that a tool's result links to."""
        for block in as_list((result or {}).get("content")) or []:
            said = rpc.fields(block)
            uri = rpc.fields(said.get("resource")).get("uri") if said.get("type") == "resource" else said.get("uri")
            if isinstance(uri, str):
                keep(self._linked, uri, server)

    def take_templates(self, found: Iterable[tuple[str, str]]) -> None:
        """Take the templates that upstreams list now."""
        fresh: dict[str, dict[str, _Template]] = {}
        for server, written in found:
            templates = fresh.setdefault(server, {})
            if len(templates) < TEMPLATES:
                templates[written] = self._templates.get(server, {}).get(written) or _Template(written)
        self._templates |= fresh

    def home(self, uri: str, names: Collection[str]) -> str | None:
        """Who listed an address or template, else who has the template that says most of it.

        One that says nothing, as `{+all}`, takes no address that another's result linked to.
        """
        listed = self._listed.get(uri)
        if listed in names:
            return listed
        best = self._linked.get(uri)
        most = -1 if best is None else 0
        for server in names:
            for written, template in self._templates.get(server, {}).items():
                said = len(uri) if written == uri else template.said
                if said > most and (written == uri or template.fits(uri)):
                    best, most = server, said
        return best if best in names else None

    def unlike(self, uri: str, server: str) -> bool:
        """Tell whether nothing that an upstream listed is of an address's scheme."""
        scheme = uri.partition(":")[0] + ":"
        listed = (address for address, whose in self._listed.items() if whose == server)
        return not any(each.startswith(scheme) for each in (*listed, *self._templates.get(server, ())))


class _Template:
    """A URI template: what it can become, and how many characters it says of that itself."""

    def __init__(self, written: str) -> None:
        self.said = len(_PLACE.sub("", written))
        self.fits = pattern_of(written).fullmatch


def pattern_of(template: str) -> re.Pattern[str]:
    """What a URI template can become, loosely: a place holder is one segment, or the rest for `{+x}` and `{/x*}`.

    The SDK's matcher is as quick, but takes a second to import, and refuses templates of level 4 that servers list and
    addresses that a client left unencoded. Here every place holder but the last ends for good where what follows it
    first stands, so that no address takes longer than a few looks at each of its characters.
    """
    parts = _PLACE.split(template)
    loose = ["." if part[1:2] in "+/#?&;" or part.endswith("*}") else "[^/]" for part in parts if part.startswith("{")]
    first, *fixed = [re.escape(part) for part in parts if not part.startswith("{")]
    ended = [f"(?>{hole}*?{rest})" for hole, rest in zip(loose[:-1], fixed[:-1], strict=True)]
    last = [f"{hole}*{rest}" for hole, rest in zip(loose[-1:], fixed[-1:], strict=True)]
    return re.compile("".join((first, *ended, *last)), re.DOTALL)


def keep(known: dict[str, T], key: str, whose: T) -> None:
    """Note whose something is, and forget the oldest of too many."""
    known.pop(key, None)
    known[key] = whose
    while len(known) > REMEMBERED:
        del known[next(iter(known))]
