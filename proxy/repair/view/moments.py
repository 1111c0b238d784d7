"""Dates and times in text: the layout that a schema asks for, and a value rewritten in it. Pure.

A value in which day and month could be exchanged, or that lacks a part the layout needs, is not rewritten.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from dateutil import parser as dates

from proxy.repair.view.inert import matches
from proxy.repair.view.scalars import Coercion
from schemas.catalog import Json
from schemas.edit import Confidence

ISO = {"date": "%Y-%m-%d", "time": "%H:%M", "date-time": "%Y-%m-%dT%H:%M:%S"}
"""`format` of JSON Schema to the layout written for it (RFC 3339, the offset as far as the value has one)."""

_MASK = re.compile(
    r"(?<![A-Za-z%])(?:(?:YYYY|MM|DD|HH|SS)(?:[-/.:_]|[T ](?=HH)|(?=YYYY|MM|DD|HH|SS|Z)|(?![A-Za-z])))+Z?", re.I
)
_PERCENT = re.compile(r"%[YmdHMS](?:[-/.:_T ]?%[YmdHMS])+Z?")
_PARTS = {"yyyy": "%Y", "dd": "%d", "hh": "%H", "ss": "%S"}
_USUAL = (
    *("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%Y%m%d", "%d-%m-%Y", "%m-%d-%Y"),
    *("%H:%M", "%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"),
)
"""Layouts that a `pattern` is held against."""
_SAMPLES = (datetime(2031, 12, 28, 23, 58, 57), datetime(1999, 1, 5, 4, 6, 8), datetime(2026, 10, 31, 0, 0, 0))
_NO_DATES = ("abc", "x", "", "7", "a-b-c", "abc1234567")
_DEFAULTS = (datetime(2001, 2, 3, 4, 5, 6), datetime(2002, 3, 4, 5, 6, 7))
"""What fills the parts that a text lacks: those that differ between the two readings were not there."""


def wanted_layout(schema: Mapping[str, Any]) -> str | None:
    """The layout that a text schema asks for by `format`, description or `pattern`, as strftime writes it."""
    named = ISO.get(str(schema.get("format")))
    described = named or told_layout(str(schema.get("description", "")))
    pattern = schema.get("pattern")
    return described or (_by_pattern(pattern) if isinstance(pattern, str) else None)


def told_layout(text: str) -> str | None:
    """The layout that a text spells out: `YYYY-MM-DD`, `dd/mm/yyyy`, `HH:MM`, `%Y%m%d`."""
    text = text[:MASKED]
    percent = _PERCENT.search(text)
    if percent is not None:
        return percent[0]
    return next((form for match in _MASK.finditer(text) if (form := _form(match[0])).count("%") > 1), None)


MASKED = 2000
"""Characters of a description that are searched for a layout."""
WRITTEN = 100
"""Characters of the longest text that is read as a date or time."""


def _form(mask: str) -> str:
    """A mask as strftime writes it; MM is the month, but behind hours the minutes."""
    form, hours = "", False
    for match in re.finditer(r"YYYY|MM|DD|HH|SS|.", mask, re.IGNORECASE):
        part = match[0].lower()
        hours = hours or part == "hh"
        form += ("%M" if hours else "%m") if part == "mm" else _PARTS.get(part, match[0])
    return form.rstrip("-/.:_ ")


@lru_cache(maxsize=256)
def _by_pattern(pattern: str) -> str | None:
    """The one usual layout that a pattern admits; None for patterns that admit other texts too, or several layouts."""
    if any(matches(pattern, text) for text in _NO_DATES):
        return None
    found = [form for form in _USUAL if all(matches(pattern, sample.strftime(form)) for sample in _SAMPLES)]
    return found[0] if len(found) == 1 else None


@lru_cache(maxsize=1024)
def in_layout(text: str, layout: str) -> Coercion | None:
    """A date or time rewritten in a layout; a guess where that leaves out a time or supposes an offset."""
    bare = text.strip()
    if len(bare) > WRITTEN:
        return None
    first, filled = (_parsed(bare, default) for default in _DEFAULTS)
    if first is None or filled is None or not re.search(r"\d", bare) or _ambiguous(bare, first):
        return None
    dated, timed = "%d" in layout, "%H" in layout
    undated = first.date() != filled.date()
    untimed = (first.hour, first.minute) != (filled.hour, filled.minute)
    if (dated and undated) or (timed and untimed):
        return None
    if first.second != filled.second:
        first = first.replace(second=0)
    named = {value: name for name, value in ISO.items()}.get(layout, "date" if dated else "time")
    sure = Confidence.EVIDENT
    if layout.endswith("Z"):
        sure = Confidence.GUESS if first.tzinfo is None else sure
        first = first if first.tzinfo is None else first.astimezone(UTC)
    elif not (timed or untimed) and (first.hour, first.minute) != (0, 0):
        sure = Confidence.GUESS
    written = first.isoformat() if layout == ISO["date-time"] else first.strftime(layout)
    return Coercion(written, f"{named.replace('-', '_')}_layout", sure)


_RFC = re.compile(r"\bRFC[ -]?3339\b", re.IGNORECASE)


def wants_moment(schema: Mapping[str, Any]) -> bool:
    """Tell whether a text schema asks for a moment with its offset, as RFC 3339 writes it."""
    named = schema.get("format")
    said = str(schema.get("description", ""))[:MASKED]
    return named == "date-time" or (named is None and told_layout(said) is None and _RFC.search(said) is not None)


def as_moment(value: Json) -> Coercion | None:
    """A date, a date with a time, or a count of ticks since 1970 as RFC 3339 writes it."""
    counted = int(value) if isinstance(value, str) and re.fullmatch(r"\s*\d{9,20}\s*", value) else value
    return from_ticks(counted) if not isinstance(counted, str) else in_full(counted)


@lru_cache(maxsize=1024)
def in_full(text: str) -> Coercion | None:
    """A date, or a date with a time, as RFC 3339 wants it; midnight and UTC where they are not said are guesses."""
    for layout in (ISO["date-time"], ISO["date"]):
        reading = in_layout(text, layout)
        if reading is None:
            continue
        if layout == ISO["date"]:
            bare = reading.confidence is Confidence.EVIDENT and not _TIMED.search(text)
            return Coercion(f"{reading.value}T00:00:00Z", "midnight_utc", Confidence.GUESS) if bare else None
        moment = datetime.fromisoformat(str(reading.value))
        if moment.tzinfo is not None:
            return Coercion(moment.isoformat(), "date_time_layout", Confidence.EVIDENT)
        return Coercion(f"{moment.isoformat()}Z", "supposed_utc", Confidence.GUESS)
    return None


_TIMED = re.compile(r"\d:\d|\dT\d")
_COUNTED = re.compile(r"\b(?:unix|posix|epoch|1970)", re.IGNORECASE)
_PER_SECOND = {
    1000: re.compile(r"(?:\b|_)(?:mill?i\w{0,12}|ms)(?:\b|_)|毫秒|ミリ秒|밀리초|милли", re.IGNORECASE),
    1_000_000: re.compile(r"(?:\b|_)(?:micro\w{0,12}|µs|us)(?:\b|_)|微秒|микро", re.IGNORECASE),
    1_000_000_000: re.compile(r"(?:\b|_)(?:nano\w{0,12}|ns)(?:\b|_)|纳秒|нано", re.IGNORECASE),
    1: re.compile(r"(?:\b|_)(?:se[ck](?:s|[ou]nd\w{0,2})?|segundos?|s)(?:\b|_)|(?<![毫微纳リ])秒|(?<!리)초|секунд"),
}
"""Ticks of a second to how a description names them."""


def ticks(text: str) -> int | None:
    """How many a second of the clock that a text describes, `Unix time in milliseconds`; None for no or two answers."""
    text = text[:MASKED]
    if _COUNTED.search(text) is None:
        return None
    found = [each for each, name in _PER_SECOND.items() if name.search(text)]
    return found[0] if len(found) == 1 else None


def as_ticks(text: str, each: int) -> Coercion | None:
    """A moment with its offset as so many ticks since 1970, exactly; None for other texts."""
    reading = in_full(text)
    if reading is None or text.strip().isdecimal():
        return None
    moment = datetime.fromisoformat(str(reading.value))
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    exact = since // timedelta(microseconds=1) * each
    if exact % 1_000_000:
        return None
    rule = "moment_as_ticks" if reading.confidence is Confidence.EVIDENT else reading.rule
    return Coercion(exact // 1_000_000, rule, reading.confidence)


def from_ticks(number: Json) -> Coercion | None:
    """A count of seconds or finer ticks since 1970 as RFC 3339 writes it; its size tells which, 2001 to 2096."""
    if isinstance(number, bool) or not isinstance(number, int):
        return None
    each = next((each for each in _PER_SECOND if 1_000_000_000 * each <= number < 4_000_000_000 * each), None)
    if each is None or number * 1_000_000 % each:
        return None
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=number * 1_000_000 // each)
    return Coercion(moment.isoformat().replace("+00:00", "Z"), "ticks_as_moment", Confidence.EVIDENT)


def _ambiguous(text: str, read: datetime) -> bool:
    """Tell whether day and month could be exchanged."""
    if re.match(r"\d{4}([-/.])\d\d?\1\d\d?", text):
        return False
    return _parsed(text, _DEFAULTS[0], dayfirst=True) != read


def _parsed(text: str, default: datetime, *, dayfirst: bool = False) -> datetime | None:
    try:
        return dates.parse(text, default=default, dayfirst=dayfirst)
    except (ValueError, OverflowError, TypeError):
        return None
