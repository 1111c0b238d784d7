"""Searching tools by words."""

from __future__ import annotations

import pytest

from catalog_cache.nearest import describe, index, nearest, words
from schemas.catalog import Tool


def tool(name: str, description: str = "", **arguments: str) -> Tool:
    properties = {key: {"type": kind} for key, kind in arguments.items()}
    raw = {"name": name, "description": description, "inputSchema": {"type": "object", "properties": properties}}
    return Tool("demo", name, f"demo__{name}", raw)


TOOLS = [
    tool("weather_forecast", "Forecast of the weather for the next days", city="string", days="integer"),
    tool("weather_history", "Past weather records", city="string", date="string"),
    tool("currencyExchange", "Convert an amount of money", base="string", target="string", amount="number"),
    tool("slack_post_message", "Post a message to a Slack channel", channel="string", text="string"),
    tool("read_file", "Read the content of a file", path="string"),
    tool("files_list", "List the entries of a directory", path="string"),
]
INDEX = index(TOOLS)


def first(query: str, name: str = "") -> str:
    return nearest(INDEX, query, name=name)[0].tool.name


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("what will the weather be like in the coming days", "weather_forecast"),
        ("converting currencies", "currencyExchange"),
        ("post messages", "slack_post_message"),
        ("which files are in this directory", "files_list"),
    ],
)
def test_a_question_finds_its_tool(query: str, wanted: str) -> None:
    assert first(query) == wanted


def test_the_arguments_of_a_call_speak_for_the_tool_that_has_them() -> None:
    assert first('{"channel": "#team", "text": "release done"}', name="email_send") == "slack_post_message"


def test_a_misspelled_name_is_near_by_its_letters() -> None:
    assert first("", name="get_wether_forcast") == "weather_forecast"


def test_nothing_in_common_is_nothing_found() -> None:
    assert nearest(INDEX, "zebra") == ()
    assert nearest(index([]), "weather") == ()


def test_scores_lie_between_none_and_one_and_fall() -> None:
    hits = nearest(INDEX, "weather in a city", 3)
    assert hits[0].score == 1.0
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert len(nearest(INDEX, "weather in a city", 1)) == 1


def test_meanings_find_what_shares_no_word_and_settle_what_words_leave_open() -> None:
    meanings = [0.0, 0.0, 0.0, 0.0, 0.9, 0.1]
    assert nearest(INDEX, "zebra", meanings=meanings)[0].tool.name == "read_file"
    assert nearest(INDEX, "path", meanings=meanings)[0].tool.name == "read_file"


def test_words_are_cut_out_of_names_and_to_their_stems() -> None:
    assert words("getHTTPResponses_v2 for the companies") == ["get", "http", "respons", "v", "2", "company"]


def test_a_tool_is_described_by_name_text_and_arguments() -> None:
    assert describe(TOOLS[4]) == "read file: Read the content of a file (path)"
