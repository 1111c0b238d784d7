"""Which names are typing errors of one tool's, and which say something else."""

# pyright: basic
from __future__ import annotations

import pytest

from catalog_cache.merge import merge
from proxy.calls.names import mistyped
from proxy.repair.view.step import Evidence

TEXT = {"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]}


def corrected(said: str, *names: str) -> str | None:
    tools = [{"name": name, "inputSchema": TEXT} for name in names]
    known = Evidence(merge({"s": tools}), single=True)
    swap = mistyped(said, {"q": "x"}, known)
    return None if swap is None else swap.edits[0].tool


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("get_wether", "get_weather"),
        ("serach_pages", "search_pages"),
        ("getForcast", "getForecast"),
        ("list_respositories", "list_repositories"),
        ("fetch_documnet_titel", "fetch_document_title"),
    ],
)
def test_typing_errors(said: str, meant: str) -> None:
    assert corrected(said, meant, "ping", "convert_time") == meant


@pytest.mark.parametrize(
    ("said", "there"),
    [
        ("decrease_volume", "increase_volume"),
        ("unload_file", "upload_file"),
        ("lock_door", "block_door"),
        ("unmute_call", "mute_call"),
        ("get_users", "get_user"),
        ("disassemble_function", "decompile_function"),
        ("open_tap", "open_tab"),
        ("get_v1", "get_v2"),
        ("sort_list", "post_list"),
        ("get_weather_now", "get_weather"),
    ],
)
def test_names_that_say_something_else(said: str, there: str) -> None:
    assert corrected(said, there, "ping") is None


def test_a_word_that_the_catalog_knows_is_no_error() -> None:
    assert corrected("read_massage", "read_message") == "read_message"
    assert corrected("read_massage", "read_message", "book_massage") is None


def test_of_two_tools_equally_near_neither_is_taken() -> None:
    assert corrected("get_wetter", "get_letter", "get_wetted", "get_weter") is None


def test_arguments_that_do_not_fit_speak_against_it() -> None:
    known = Evidence(merge({"s": [{"name": "get_weather", "inputSchema": TEXT}]}), single=True)
    assert mistyped("get_wether", {"path": "/etc", "mode": 7}, known) is None


def test_a_letter_less_may_make_another_word_so_no_effect_follows_it() -> None:
    assert corrected("archive_contract", "archive_contact") is None
    assert corrected("archive_contcat", "archive_contact") is None
    assert corrected("create_calender_event", "create_calendar_event") is None
    assert corrected("get_contct", "get_contact") == "get_contact"
