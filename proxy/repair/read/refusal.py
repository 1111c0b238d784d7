"""An upstream's error text, read for what it says about the arguments.

Pure. Reads what validators print (see `validators`), and the common phrases of jsonschema, Python's own TypeError and
hand-written checks; a text it cannot read yields an empty reading, never a guess.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from proxy.repair.read import phrases
from proxy.repair.read.validators import Complaint, location, pydantic, zod, zod_lines
from proxy.repair.view.values import MISSING, as_text, inside, text_of, value_of
from proxy.repair.view.words import mentions, plain, words
from schemas.catalog import Json, as_object, too_deep
from schemas.plan import Location, walk
from schemas.trial import Reply

READ_LIMIT = 8_000
"""Characters of a foreign text that are read: a validator names what it refuses at the beginning."""


@dataclass(frozen=True)
class Reading:
    """What an error text says about the call that caused it.

    `wanted` maps an argument's location to the JSON type asked for; `allowed` to the values accepted; `named` are
    arguments that it names; `quoted` are locations whose sent value stands in the text.
    """

    text: str = ""
    unknown_tool: bool = False
    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    wanted: Mapping[Location, str] = field(default_factory=dict[Location, str])
    allowed: Mapping[Location, tuple[str, ...]] = field(default_factory=dict[Location, tuple[str, ...]])
    named: tuple[str, ...] = ()
    quoted: tuple[Location, ...] = ()
    choices: tuple[str, ...] = ()

    @property
    def speaks_of_arguments(self) -> bool:
        """Tell whether the text names an argument, quotes a sent value or lists what would be accepted."""
        places = self.wanted or self.allowed or self.quoted
        return bool(self.missing or self.unexpected or self.named or self.choices or places)


def error_text(reply: Reply) -> str:
    """The words of a failed reply: the JSON-RPC message with its data, or the text of an error result."""
    if reply.error is not None:
        data = reply.error.get("data")
        extra = "" if data in (None, "") else "\n" + as_text(data)
        return f"{reply.error.get('message', '')}{extra}"
    if reply.result is not None:
        text = text_of(reply.result)
        return text or as_text(value_of(reply.result))
    return reply.message


def read(text: str, arguments: Json, names: Iterable[str] = ()) -> Reading:
    """Read an error text about a call with these arguments; `names` are the arguments that the tool declares."""
    return _read(text[:READ_LIMIT], _kept(arguments), tuple(names))


def _kept(arguments: Json) -> str:
    return "{}" if too_deep(arguments) else json.dumps(as_object(arguments) or {}, default=str)


@lru_cache(maxsize=256)
def _read(text: str, written: str, names: tuple[str, ...]) -> Reading:
    """The same text is asked about several times while one repair is sought."""
    sent: dict[str, Any] = json.loads(written)
    known = {*sent, *names}
    missed, refused = _names(text, phrases.MISSING, known), _names(text, phrases.UNEXPECTED, set(sent))
    if "" in sent and phrases.NAMELESS.search(text):
        refused.append("")
    wanted: dict[Location, str] = {}
    allowed: dict[Location, tuple[str, ...]] = {}
    complaints = list(_complaints(text, sent))
    for one in complaints:
        match one.kind:
            case "missing":
                missed += _head(one)
            case "unexpected":
                refused += _head(one)
            case "value":
                _about(one, wanted, allowed)
    quoted = tuple(_quoted(text, sent))
    named = tuple(sorted({*(name for name in known if _names_argument(text, name)), *missed, *refused} & known))
    choices = _choices(text)
    if not complaints:
        _about_the_only_subject(text, sent, named, quoted, choices, wanted, allowed)
    return Reading(
        text=text,
        unknown_tool=phrases.UNKNOWN_TOOL.search(text) is not None,
        missing=tuple(dict.fromkeys(name for name in missed if name not in sent)),
        unexpected=tuple(dict.fromkeys(name for name in refused if name in sent)),
        wanted=wanted,
        allowed=allowed,
        named=named,
        quoted=quoted,
        choices=choices,
    )


def _complaints(text: str, sent: Mapping[str, Any]) -> Iterator[Complaint]:
    """Everything that a validator complains of at a place; a model's name before the place is left out."""
    for read in (pydantic, zod, zod_lines):
        for one in read(text)[0]:
            where = one.where or ()
            while len(where) > 1 and where[0] not in sent and where[1] in sent:
                where = where[1:]
            yield replace(one, where=where)
    for match in phrases.PLACE.finditer(text):
        where = location(match[1])
        if inside(dict(sent), where) is not MISSING:
            yield Complaint("value", where, text[match.end() : match.end() + 200].split("\n")[0])


def _head(one: Complaint) -> list[str]:
    return [str(one.where[0])] if one.where else []


def _about_the_only_subject(
    text: str, sent: Mapping[str, Any], named: tuple[str, ...], quoted: tuple[Location, ...],
    choices: tuple[str, ...], wanted: dict[Location, str], allowed: dict[Location, tuple[str, ...]],
) -> None:  # fmt: skip
    """Lay what a free text says at the door of the one sent argument that it names or quotes."""
    subjects = {(name,) for name in named if name in sent} or {where for where in quoted if where}
    if len(subjects) != 1 or wanted or allowed:
        return
    where = next(iter(subjects))
    if choices:
        allowed[where] = choices
    else:
        _about(Complaint("value", where, text), wanted, allowed)


def _names(text: str, patterns: Iterable[re.Pattern[str]], known: set[str]) -> list[str]:
    matches = (match[1] for pattern in patterns for match in pattern.finditer(text))
    return [name for said in matches for name in re.findall(r"[\w$.-]+", said) if name in known]


_HANDLES = frozenset({"id", "ids", "name", "key", "code", "number", "path", "uuid", "slug"})
"""Words by which an argument points at a thing: `booking_id` is named by "booking not found"."""


def _names_argument(text: str, name: str) -> bool:
    parts, lower = words(name), text.lower()
    if name.lower() not in lower and not (parts and any(part in lower for part in (parts[0], parts[-1]))):
        return False
    if len(parts) > 1 and (mentions(text, " ".join(parts)) or mentions(text, name)):
        return True
    if len(name) > 5 and mentions(text, name):
        return True
    thing = " ".join(parts[:-1]) if len(parts) > 1 and parts[-1] in _HANDLES else ""
    if thing and mentions(text, thing) and phrases.NOT_THERE.search(text):
        return True
    malformed = phrases.MALFORMED.search(text)
    if malformed is not None and parts and parts[-1] == (malformed[1] or malformed[2]).lower():
        return True
    if name.lower() not in lower:
        return False
    quoted = rf"['\"`]{re.escape(name)}['\"`]|(?:argument|parameter|field|property|key):? {re.escape(name)}\b"
    subject = rf"(?<![\w.]){re.escape(name)} (?:must|should|has to|needs to|cannot|may not|expects?)\b"
    return (
        re.search(
            rf"{quoted}|^\W{{0,20}}{re.escape(name)}\s{{0,9}}(?::|$)|\b{re.escape(name)}:|{subject}", text, re.I | re.M
        )
        is not None
    )


def _about(one: Complaint, wanted: dict[Location, str], allowed: dict[Location, tuple[str, ...]]) -> None:
    where = one.where or ()
    kind = next((kind for pattern, kind in phrases.WANTED if pattern.search(one.message)), None)
    if kind is not None:
        wanted.setdefault(where, kind)
    elif choices := _choices(one.message):
        allowed.setdefault(where, choices)


def _choices(text: str) -> tuple[str, ...]:
    for pattern in phrases.CHOICES:
        match = pattern.search(text)
        if match is None:
            continue
        quoted = re.findall(r"['\"`]([^'\"`]+)['\"`]", match[1])
        parts = quoted or [part.strip() for part in re.split(r",|\||\bor\b|\band\b", match[1])]
        parts = [part.strip(" .;") for part in parts if part.strip(" .;")]
        if len(parts) > 1 or quoted:
            return tuple(dict.fromkeys(parts))
    meant = phrases.DID_YOU_MEAN.search(text)
    return (meant[1].strip(),) if meant else ()


def _quoted(text: str, sent: Mapping[str, Any]) -> Iterator[Location]:
    """Locations whose value the text repeats; short values count only inside quotes, the empty text as `""`."""
    bare = text.replace("\\n", "\n").replace("\\t", "\t").replace("\\", "")
    for where, value in walk(dict(sent)):
        if isinstance(value, str):
            said = value.replace("\\", "")
            marked = f"'{said}'" in bare or f'"{said}"' in bare or f"`{said}`" in bare
            if marked or (len(said) > 2 and mentions(bare, said)):
                yield where
        elif value is None or isinstance(value, list | dict | bool):
            if where and any(said in bare for said in _written(value)):
                yield where
        elif isinstance(value, int | float):
            if str(value) not in text:
                continue
            there = re.search(rf"(?<![\w.]){re.escape(str(value))}(?![\w.]\w)", text) is not None
            blamed = (
                re.search(rf"(?<![\w.]){re.escape(str(value))} (?:is|does|must|should|cannot|was) ", text) is not None
            )
            if blamed or (there and (abs(value) > 9 or value % 1)):
                yield where


def _written(value: Json) -> tuple[str, ...]:
    """How a validator repeats a value that is no text: as Python or as JSON writes it, with a verb behind it."""
    if value is None or isinstance(value, bool):
        return tuple(f"{word} is not" for word in (str(value), json.dumps(value)))
    return tuple(text.replace("\\", "") for text in (repr(value), json.dumps(value)) if len(text) > 2)


def silent_failure(value: Json, *, has_output_schema: bool) -> str | None:
    """The error inside a result that claims success, None where there is none.

    An object that holds nothing but an error (and a status beside it), or a text that opens with an error marker.
    Honest empty results (`[]`, `{"results": []}`, "no matches") are no failures, and an object in which anything else
    is said, be it false or 0, is an answer about the world.
    """
    keys = as_object(value)
    if keys is not None:
        if set(keys) == {"result"} and not has_output_schema:
            return silent_failure(keys["result"], has_output_schema=True)
        return _error_object(keys)
    if isinstance(value, str) and phrases.ERROR_TEXT.match(value):
        return value.strip()[:500]
    return None


_BESIDE_ERROR = frozenset(
    "error errors status code message success ok detail details statuscode errorcode type traceback hint requestid "
    "timestamp path".split()
)


def admitted_error(value: Json) -> str | None:
    """The error that a result names beside nothing but denials: an answer about the world, but no success to claim.

    `{"booked": false, "error": "no such date"}`; None where anything else is said.
    """
    keys = as_object(value) or {}
    said = next((keys[name] for name in ("error", "errors", "Error") if keys.get(name)), None)
    denied = all(plain(name) in _BESIDE_ERROR or not inner for name, inner in keys.items())
    return as_text(said)[:300] if said is not None and denied else None


def _error_object(keys: Mapping[str, Json]) -> str | None:
    failed = str(keys.get("status", "")).lower() in ("error", "failed", "failure")
    flagged = keys.get("success") is False or keys.get("ok") is False or failed
    speaks = any(keys.get(name) for name in ("error", "errors", "Error"))
    said = next((keys[name] for name in ("error", "errors", "Error", "message", "detail") if keys.get(name)), None)
    hollow = all(plain(name) in _BESIDE_ERROR or value in (None, "", [], {}) for name, value in keys.items())
    if said is None or not (speaks or flagged) or not hollow:
        return None
    return as_text(said)
