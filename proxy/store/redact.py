"""Take secrets out of what is written down: by the name of their key, and by value for what came from variables.

Redacting changes copies only; whatever is handed in stays as it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, cast
from urllib.parse import quote

from proxy.store.tokens import MARKS, without_tokens
from schemas.catalog import DEEPEST, too_deep

REDACTED = "[redacted]"
TOO_DEEP = {"cut": True, "why": "nested too deep to be written down"}
"""What stands for a value that is not gone through, so that nobody knows what of it is secret."""

_WORDS = frozenset(
    {"password", "passwd", "passphrase", "passcode", "pwd", "secret", "secrets", "token", "credential", "credentials"}
    | {"authorization", "auth", "cookie", "cookies", "bearer", "apikey", "apitoken", "authtoken", "accesstoken"}
    | {"otp", "cvv", "cvc", "privatekey", "secretkey", "accesskey"}
)
_KEY_OWNERS = frozenset(
    {"api", "access", "private", "secret", "signing", "encryption", "ssh", "auth", "client", "account", "service"}
    | {"license", "master", "shared", "storage", "subscription", "app"}
)
"""Words that make a following `key` a secret: `api_key`, not `primary_key` or `sort_key`."""
_PUBLIC_TOKENS = frozenset({"max", "min", "num", "page", "next", "continuation", "sync", "progress", "stop", "cursor"})
"""Words that make a following `token` a number or a place in a list."""
_COUNTED = frozenset({"count", "limit", "budget", "usage", "type", "name", "expires", "expiry", "url", "endpoint"})
"""Words that make a preceding `token` or `secret` a description."""
_SPLIT = re.compile(r"[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")

_HINTS = (
    *("passw", "passph", "passc", "pwd", "secret", "token", "key", "credential", "auth", "cookie", "bearer"),
    *("otp", "cvv", "cvc", "basic "),
)
"""One of these stands in every text with a secret by name; looking for them first costs 10 ms per MB, parsing 160."""
_KEY_IN_TEXT = re.compile(r"""(?<![\w-])(?:([A-Za-z][\w-]{1,60})\\*["']?\s*[:=]|--?([A-Za-z][\w-]{1,60})[=\s])\s*""")
"""A key inside a text, up to its value: as JSON (also JSON within JSON), header, assignment, query string or option."""
_VALUE_IN_TEXT = re.compile(
    r"""(?P<quote>\\*["'])(?P<inside>(?:\\.|[^\\\n])*?)(?P=quote)"""
    r"""|(?P<bare>(?:Bearer|Basic|Token)\s++\S++|[^\s,;&"'{}\[\]\\]++)"""
)
_USER = re.compile(r"(?<=://)(?:[^\s/?#\"'<>@]*+@)+")
"""User name and password of an address."""
_SCHEME = re.compile(r"\b(Bearer|Basic)(\s+)([A-Za-z0-9._~+/=-]{8,})")
_PLAIN = frozenset({None, "", "null", "None", "true", "false", "True", "False", REDACTED})
"""Values that say nothing secret."""
_SHORT = 6
"""Secrets of fewer characters are only looked for as whole texts: `prod` inside words would blank the journal."""
_TINY = 4
"""Values of fewer characters are no secret worth the confusion: `1`, `on`, `yes`."""


class Redaction:
    """What counts as secret: the built-in key names, further ones, these values, and `more` that come up meanwhile."""

    def __init__(
        self, keys: Iterable[str] = (), values: Iterable[str] = (), more: Callable[[], Iterable[str]] = tuple
    ) -> None:
        self._keys: frozenset[tuple[str, ...]] = frozenset()
        self._names: frozenset[str] = frozenset()
        self._whole: frozenset[str] = frozenset()
        self._more = more
        self.learn(keys, values)

    def learn(self, keys: Iterable[str], values: Iterable[str]) -> None:
        """Take in further ones, for good: a secret that was replaced is still to be kept."""
        keys = [*keys]
        self._keys |= {segments for key in keys if (segments := _segments(key))}
        self._names |= {key.lower() for key in keys if not _segments(key)}
        self._hints = (*_HINTS, *(segments[0] for segments in self._keys), *self._names)
        self._whole |= {value for value in values if len(value) >= _TINY}
        inside = {form for value in self._whole if len(value) >= _SHORT for form in _forms(value)}
        self._inside = sorted(inside, key=len, reverse=True)
        self._traces = (*self._hints, *MARKS, "://", *(("\\u",) if self._names else ()))
        self._known = tuple({one for value in self._whole for form in _forms(value) for one in _written(form)})

    def value(self, value: Any) -> Any:
        """The same JSON value without its secrets; one that is nested too deep to be read is left out whole."""
        return TOO_DEEP if too_deep(value) else self._value(value)

    def _value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            fields = cast("dict[str, Any]", value)
            named = next((fields[key] for key in ("name", "key") if isinstance(fields.get(key), str)), "")
            return {key: self._under(named if key == "value" and named else str(key), fields[key]) for key in fields}
        if isinstance(value, list | tuple):
            items = cast("list[Any]", value)
            return [self._under(option(before), item) for before, item in zip((None, *items), items, strict=False)]
        return value

    def clean(self, written: str) -> bool:
        """Tell whether a value as JSON text surely holds nothing that `value` would take out: quick, and mostly so."""
        if written.count("[") + written.count("{") > DEEPEST or ("=" in written and ("?" in written or "&" in written)):
            return False
        lower = written.lower()
        for trace in self._traces:  # the body of every sound call: `any` would take twice as long
            if trace in lower:
                return False
        fresh = (one for secret in self._more() for one in _written(secret))
        return not any(secret in written for secret in (*self._known, *fresh))

    def under(self, key: str, value: Any) -> Any:
        """The value that stands under a key, without its secrets."""
        return TOO_DEEP if too_deep(value) else self._under(key, value)

    def _under(self, key: str, value: Any) -> Any:
        if value is None or isinstance(value, bool) or not self.secret_key(key):
            return self._value(value)
        return REDACTED if value not in ("", [], {}) else value

    def text(self, text: str) -> str:
        """The same text without its secrets, also where it holds JSON, headers or a query string."""
        if text in self._whole:
            return REDACTED
        for secret in (*self._inside, *self._more()):
            if secret in text:
                text = text.replace(secret, REDACTED)
        text = without_tokens(_USER.sub(f"{REDACTED}@", text) if "://" in text else text, REDACTED)
        lower = text.lower()
        if not any(hint in lower for hint in self._hints):
            return text
        return _SCHEME.sub(rf"\1\2{REDACTED}", self._without_pairs(text))

    def secret_key(self, key: str) -> bool:
        """Tell whether values under this key are secret."""
        return is_secret(key) or (bool(self._keys) and self._named(_segments(key))) or key.lower() in self._names

    def _named(self, segments: tuple[str, ...]) -> bool:
        return any(
            segments[at : at + len(key)] == key for key in self._keys for at in range(len(segments) - len(key) + 1)
        )

    def _without_pairs(self, text: str) -> str:
        kept: list[str] = []
        done = 0
        for key in _KEY_IN_TEXT.finditer(text):
            if key.start() < done or not self.secret_key(key[1] or key[2]):
                continue
            value = _VALUE_IN_TEXT.match(text, key.end())
            if value is None or (value["inside"] or value["bare"]) in _PLAIN:
                continue
            mark = value["quote"] or ""
            kept += [text[done : key.end()], mark, REDACTED, mark]
            done = value.end()
        return "".join([*kept, text[done:]])


def option(word: Any) -> str:
    """The name of a command line's option that takes the next word as its value: `--token`; "" for anything else."""
    name = word.lstrip("-") if isinstance(word, str) and word.startswith("-") else ""
    return name if "=" not in name else ""


@lru_cache(maxsize=4096)
def is_secret(key: str) -> bool:
    """Tell by its name whether a key holds a secret; words count whole: `max_tokens` and `author` do not."""
    words = _segments(key)
    for at, word in enumerate(words):
        before = words[at - 1] if at else ""
        after = words[at + 1] if at + 1 < len(words) else ""
        if word == "key" and before in _KEY_OWNERS:
            return True
        if word in _WORDS and before not in _PUBLIC_TOKENS and after not in _COUNTED:
            return True
    return False


def _segments(key: str) -> tuple[str, ...]:
    return tuple(word.lower() for word in _SPLIT.split(key) if word)


def _written(text: str) -> set[str]:
    """A text as it may stand inside a JSON text."""
    return {json.dumps(text, ensure_ascii=False)[1:-1], json.dumps(text)[1:-1]}


def _forms(secret: str) -> set[str]:
    """A secret as it stands in plain text, in JSON and in a URL."""
    return {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], quote(secret, safe="")}
