"""What validators print about a call: each complaint with its place, and what of the text is none of their words.

Pure. A reader takes its validator's words out of a text wherever they stand; a text that is nothing but them leaves
nothing over. What a server's own checks say in the same form is read too, and left over.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from proxy.repair.view.values import segments
from schemas.catalog import Json, as_list, as_object
from schemas.plan import Location

Kind = Literal["missing", "unexpected", "value"]


@dataclass(frozen=True)
class Complaint:
    """One thing that a validator says: an argument is missing, is not known, or holds a value that does not fit.

    `where` is None where the text does not say which value.
    """

    kind: Kind
    where: Location | None
    message: str = field(default="", compare=False)


Heard = tuple[list[Complaint], str]
"""The complaints in a text, and what is left of it without them."""


def location(path: str) -> Location:
    """The place that a validator writes as `items[0].name` or `/items/0/name`."""
    return _location(segments(path.replace("/", ".").lstrip(".")))


def _location(parts: list[str]) -> Location:
    return tuple(int(part) if part.isdecimal() and len(part) < 10 else part for part in parts)


def _taken(form: re.Pattern[str], text: str, hear: Callable[[re.Match[str]], tuple[Complaint, bool]]) -> Heard:
    """What a form finds in a text; its words stay where `hear` says that more than the validator may have said them."""
    found: list[Complaint] = []

    def take(match: re.Match[str]) -> str:
        complaint, its_own = hear(match)
        found.append(complaint)
        return "" if its_own else match[0]

    return found, form.sub(take, text)


_PYDANTIC = re.compile(
    r"^(\S[^\n]{0,300}+)\n[ \t]{1,9}+(\S[^\n]{0,2000}?) \[type=([\w.]{1,80}+)"
    r"(, input_value=[^\n]{0,2000}, input_type=[\w.]+\](?:\n {4}For further information visit "
    r"https://errors\.pydantic\.dev/\S+)?$)?",
    re.MULTILINE,
)


def pydantic(text: str) -> Heard:
    """Pydantic's errors, place and message in two lines each; those of a server's own checks prove nothing."""

    def hear(match: re.Match[str]) -> tuple[Complaint, bool]:
        kind, own = match[3], match[3] in ("value_error", "assertion_error")
        known: Kind = "missing" if "missing" in kind else "value"
        known = "unexpected" if "extra_forbidden" in kind or "unexpected" in kind else known
        place = _location(match[1].strip().split("."))
        return Complaint(known, place, f"{match[2]} {kind}"), match[4] is not None and not own

    return _taken(_PYDANTIC, text, hear) if "validation error" in text else ([], text)


_ZOD_CODES = frozenset(
    """
    invalid_type unrecognized_keys invalid_enum_value invalid_literal invalid_union invalid_union_discriminator
    invalid_string invalid_format invalid_value too_small too_big not_multiple_of invalid_date invalid_key
    invalid_element
    """.split()
)


def zod(text: str) -> Heard:
    """Zod's list of issues as JSON; issues of a server's own checks (`custom`) prove nothing."""
    start = text.find("[")
    try:
        issues, end = json.JSONDecoder().raw_decode(text, max(start, 0))
    except (ValueError, RecursionError):
        return [], text
    entries = [as_object(entry) or {} for entry in as_list(issues) or []]
    if not any("code" in entry and "path" in entry for entry in entries):
        return [], text
    proven = all(entry.get("code") in _ZOD_CODES and as_list(entry.get("path")) is not None for entry in entries)
    found = [complaint for entry in entries for complaint in _of_zod(entry)]
    return found, text[:start] + text[end:] if proven else text


def _of_zod(issue: dict[str, Json]) -> list[Complaint]:
    where = tuple(part if isinstance(part, int) else str(part) for part in as_list(issue.get("path")) or [])
    if issue.get("code") == "unrecognized_keys":
        return [Complaint("unexpected", (*where, str(name))) for name in as_list(issue.get("keys")) or []]
    message, expected = str(issue.get("message", "")), issue.get("expected")
    absent = issue.get("received") == "undefined" or _absent(message)
    options = as_list(issue.get("options")) or as_list(issue.get("values"))
    if options:
        message = f"must be one of {', '.join(map(repr, options))}"
    elif expected:
        message = f"expected {expected}; {message}"
    return [Complaint("missing" if absent else "value", where, message)]


def _absent(message: str) -> bool:
    return message == "Required" or message.endswith("received undefined")


_ZOD_LINE = re.compile(
    r"(?:✖ )?((?:Required|Expected|Invalid (?:input|option|enum value)|Too (?:big|small)|Unrecognized key)\b"
    r"[^\n;]{0,300}?)(?:\n\s{1,9}→)? at \"?([A-Za-z_$][\w$-]{0,80}(?:\[\d{1,9}\]|\.[\w$-]{1,80}){0,20})\"?(?=[\n;]|$)"
)
_ZOD_SAYS = re.compile(
    r"Required|Expected \w+, received \w+|(?:Invalid (?:input|option|enum value)|Too (?:big|small))"
    r"(?:[:.] [Ee]xpected [\w\"'|<>= -]{1,160}(?:, received [\w'\"]+)?)?"
)


def zod_lines(text: str) -> Heard:
    """Zod's issues one to a line, `Invalid input: expected array, received string at edits[0].lines`."""

    def hear(match: re.Match[str]) -> tuple[Complaint, bool]:
        kind: Kind = "missing" if _absent(match[1]) else "value"
        return Complaint(kind, location(match[2]), match[1]), _ZOD_SAYS.fullmatch(match[1]) is not None

    return _taken(_ZOD_LINE, text, hear)


_PLACE = r"(?:(?:data|params|arguments|input|body|args)?((?:[/.][\w$-]+|\[\d+\])*))"
_KIND = r"(?:array|boolean|integer|null|number|object|string)"
_AJV = re.compile(
    rf"(?:^|(?<=, )|(?<=\n)){_PLACE} ?(?:must|should) (?:(have required property '([^']+)')|"
    rf"(NOT have (?:additional|unevaluated) properties)|be {_KIND}(?:,{_KIND})*|be (?:<|>|=|<=|>=) -?[\d.]+|"
    r"be multiple of [\d.]+|NOT have (?:fewer|more) than \d+ (?:characters|items|properties)|"
    r"match (?:pattern|format) \"[^\n]{1,200}\"|match (?:exactly one schema in oneOf|a schema in anyOf)|"
    r"be equal to (?:one of the allowed values|constant))(?=, |\n|$)"
)


def ajv(text: str) -> Heard:
    """Ajv's sentences, `data/amount must be integer`."""

    def hear(match: re.Match[str]) -> tuple[Complaint, bool]:
        where = location(match[1] or "")
        if match[4]:
            return Complaint("unexpected", None), True
        return Complaint("missing", (*where, match[3])) if match[2] else Complaint("value", where), True

    return _taken(_AJV, text, hear)


_NAME = r"['\"`]?[\w$.-]{1,200}+['\"`]?"
_LISTED = rf"({_NAME}(?:(?:,? and |, ){_NAME}){{0,50}})"
_ROOT = r"(?:validating \"arguments\": validating root: (?:required: )?)?"
_QUOTED = r"\[?(\"[\w$-]+\"(?:,? ?\"[\w$-]+\"){0,50})\]?"
_THING = r"(?:argument|parameter|field|property|input|key|param)"
_SENTENCES: Mapping[Kind, tuple[str, ...]] = {
    "missing": (
        rf"missing (?:\d+ )?(?:required )?(?:positional |keyword-only )?{_THING}(?:s|\(s\)|ies)?:? {_LISTED}",
        rf"required {_THING}s?:? {_LISTED} (?:is missing|not found|missing|was not provided|is required)",
        r"missing field (`[\w$-]+`)",
        rf"{_ROOT}missing properties: {_QUOTED}",
        r"(['\"`][\w$-]+['\"`]) is a required property",
    ),
    "unexpected": (
        r"got an unexpected keyword argument (['\"`][\w$-]+['\"`])",
        r"unknown field (`[\w$-]+`), expected [\w`, ]{1,400}",
        rf"(?:unexpected|unknown|unrecognized) (?:keyword )?{_THING}(?:s|\(s\)|ies)?:? {_LISTED}",
        rf"{_ROOT}unexpected additional properties {_QUOTED}",
        r"Unrecognized key(?:\(s\)|s)? in object: ('[\w$-]+'(?:, '[\w$-]+'){0,50})",
    ),
}


def sentence(text: str) -> list[Complaint] | None:
    """What one sentence of Python, Rust or Go, or of a hand-written check, says is missing or not known."""
    for kind, forms in _SENTENCES.items():
        match = next((found for form in forms if (found := re.fullmatch(form, text, re.IGNORECASE))), None)
        if match is not None:
            names = [name for name in re.split(r"[\s,'\"`]+", match[1]) if name not in ("", "and")]
            return [Complaint(kind, (name,)) for name in names]
    return None
