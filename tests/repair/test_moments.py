"""Dates and times are written in the layout that is asked for, or left alone."""

# pyright: basic
from __future__ import annotations

import pytest

from proxy.repair.view.coerce import Target, coerce
from proxy.repair.view.moments import in_layout, told_layout, wanted_layout
from tests.desks import Desk, done, texts
from tests.fakes import RefusedError, Server
from tests.promises import promise


@pytest.mark.parametrize(
    ("schema", "layout"),
    [
        ({"format": "date"}, "%Y-%m-%d"),
        ({"description": "Day as YYYY-MM-DD."}, "%Y-%m-%d"),
        ({"description": "start (dd/mm/yyyy)"}, "%d/%m/%Y"),
        ({"description": "DD.MM.YYYY, e.g. 24.12.2026"}, "%d.%m.%Y"),
        ({"description": "when, YYYYMMDD"}, "%Y%m%d"),
        ({"description": "UTC, YYYY-MM-DDTHH:MM:SSZ"}, "%Y-%m-%dT%H:%M:%SZ"),
        ({"description": "YYYY-MM-DD HH:MM"}, "%Y-%m-%d %H:%M"),
        ({"description": "24-hour HH:MM"}, "%H:%M"),
        ({"description": "strftime %d-%m-%Y"}, "%d-%m-%Y"),
        ({"pattern": r"^\d{4}-\d{2}-\d{2}$"}, "%Y-%m-%d"),
        ({"pattern": r"^([01]\d|2[0-3]):[0-5]\d$"}, "%H:%M"),
        ({"pattern": r"^(0[1-9]|1[0-2])/\d{2}/\d{4}$"}, "%m/%d/%Y"),
        ({"pattern": r"^\d{2}/\d{2}/\d{4}$"}, None),
        ({"pattern": r"^.+$"}, None),
        ({"pattern": "("}, None),
        ({"description": "a comma-separated list; MM is the unit"}, None),
        ({"description": "Length in mm or SS"}, None),
        ({}, None),
    ],
)
def test_a_schema_says_its_layout(schema: dict[str, str], layout: str | None) -> None:
    assert wanted_layout(schema) == layout


def test_a_refusal_says_it_too() -> None:
    assert told_layout("time data '5.3.26' does not match format '%Y-%m-%d'") == "%Y-%m-%d"
    assert told_layout("Use MM/DD/YYYY") == "%m/%d/%Y"


@pytest.mark.parametrize(
    ("text", "layout", "written", "sure"),
    [
        ("March 5, 2026", "%Y-%m-%d", "2026-03-05", "evident"),
        ("2026-03-05T00:00:00Z", "%Y-%m-%d", "2026-03-05", "evident"),
        ("2026-03-05T09:30:00Z", "%Y-%m-%d", "2026-03-05", "guess"),
        ("5 Mar 2026", "%d.%m.%Y", "05.03.2026", "evident"),
        ("2026/03/05", "%m/%d/%Y", "03/05/2026", "evident"),
        ("9:30 pm", "%H:%M", "21:30", "evident"),
        ("2026-03-05 9:30", "%Y-%m-%dT%H:%M:%SZ", "2026-03-05T09:30:00Z", "guess"),
        ("2026-03-05T09:30:00+02:00", "%Y-%m-%dT%H:%M:%SZ", "2026-03-05T07:30:00Z", "evident"),
        ("2026-03-05 9:30", "%Y-%m-%dT%H:%M:%S", "2026-03-05T09:30:00", "evident"),
    ],
)
def test_a_moment_is_rewritten(text: str, layout: str, written: str, sure: str) -> None:
    reading = in_layout(text, layout)
    assert reading is not None
    assert (reading.value, reading.confidence.value) == (written, sure)


@pytest.mark.parametrize(
    ("text", "layout"),
    [
        ("03/05/2026", "%Y-%m-%d"),
        ("March 2026", "%Y-%m-%d"),
        ("March 5", "%Y-%m-%d"),
        ("tomorrow", "%Y-%m-%d"),
        ("2026-03-05", "%H:%M"),
        ("2026-03-05", "%Y-%m-%dT%H:%M:%S"),
        ("", "%Y-%m-%d"),
        ("EC-135 of 7", "%Y-%m-%d"),
    ],
)
def test_what_is_unclear_or_incomplete_is_left(text: str, layout: str) -> None:
    assert in_layout(text, layout) is None


UNIX_MS = {"type": "integer", "description": "Start, Unix-Zeit in Millisekunden"}
UNIX_S = {"type": "number", "description": "Unix timestamp (seconds)"}
NANOS = {"type": "integer", "description": "nanoseconds since the Unix epoch"}
JAPANESE = {"type": "integer", "description": "開始（Unix 時刻、ミリ秒）"}
MOMENT = {"type": "string", "format": "date-time"}
RFC3339 = {"type": "string", "description": "the instant (RFC3339)"}


@pytest.mark.parametrize(
    ("value", "schema", "wanted", "sure"),
    [
        ("2026-03-01T00:00:00Z", UNIX_MS, 1772323200000, "evident"),
        ("2026-03-23T14:30:00+01:00", UNIX_S, 1774272600, "evident"),
        ("2026-03-01T00:00:00.250Z", UNIX_MS, 1772323200250, "evident"),
        ("2026-03-01T00:00:00.000001Z", NANOS, 1772323200000001000, "evident"),
        ("2026-03-01T09:00:00+09:00", JAPANESE, 1772323200000, "evident"),
        ("2026-03-01 00:00", UNIX_S, 1772323200, "guess"),
        ("2026-03-01", UNIX_S, 1772323200, "guess"),
        ("1772323200", UNIX_S, 1772323200, "lossless"),
        (1772323200, MOMENT, "2026-03-01T00:00:00Z", "evident"),
        (1772323200000, MOMENT, "2026-03-01T00:00:00Z", "evident"),
        ("1772323200", MOMENT, "2026-03-01T00:00:00Z", "evident"),
        ("1512010800", MOMENT, "2017-11-30T03:00:00Z", "evident"),
        (1772323200250, MOMENT, "2026-03-01T00:00:00.250000Z", "evident"),
        (1772323200, RFC3339, "2026-03-01T00:00:00Z", "evident"),
        ("2026-03-01", MOMENT, "2026-03-01T00:00:00Z", "guess"),
        ("1 March 2026, 9:30", MOMENT, "2026-03-01T09:30:00Z", "guess"),
        ("2026-03-01 09:30 +02:00", MOMENT, "2026-03-01T09:30:00+02:00", "evident"),
        # what does not say enough, or would not be exact
        ("2026-03-01T00:00:00.250Z", UNIX_S, None, ""),
        ("2026-03-01T00:00:00Z", {"type": "integer", "description": "start in milliseconds"}, None, ""),
        ("2026-03-01T00:00:00Z", {"type": "integer", "description": "Unix time in seconds or milliseconds"}, None, ""),
        ("2026-03-01T00:00:00Z", {"type": "integer", "description": "Unix timestamp"}, None, ""),
        ("03/04/2026", UNIX_S, None, ""),
        ("tomorrow", UNIX_MS, None, ""),
        (12, MOMENT, None, ""),
        (True, MOMENT, None, ""),
        (20260301, MOMENT, None, ""),
    ],
)
def test_a_moment_is_counted_and_a_count_is_a_moment(
    value: object, schema: dict[str, str], wanted: object, sure: str
) -> None:
    found = coerce(value, Target(schema, schema, "zeit"))
    assert (found[0].value if found else None) == wanted
    assert (found[0].confidence.value if found else "") == sure


def ticking(**times: object) -> Server:
    def chart(**given: str) -> object:
        if any("T" not in value for value in given.values()):
            raise RefusedError("quand: no instant")
        return given

    return Server("horloge").tool("graphe", chart, **times)


@promise("guess-only-where-nothing-changes")
async def test_a_date_alone_is_its_midnight_where_nothing_else_can_be_meant() -> None:
    desk = Desk(ticking(quand=MOMENT))
    await desk.result("graphe", {"quand": "2026-03-01"})
    assert done(desk.world, "graphe") == [{"quand": "2026-03-01T00:00:00Z"}]


@promise("own-error-plus-diagnosis", "abstains")
async def test_of_a_range_of_dates_the_moments_are_only_suggested() -> None:
    desk = Desk(ticking(start=MOMENT, end=MOMENT))
    result = await desk.result("graphe", {"start": "2026-03-01", "end": "2026-03-02"})
    assert desk.world.done == []
    assert "2026-03-02T00:00:00Z" in texts(result)[-1]
