"""Dates and times are written in the layout that is asked for, or left alone."""

# pyright: basic
from __future__ import annotations

import pytest

from proxy.repair.view.moments import in_layout, told_layout, wanted_layout


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
