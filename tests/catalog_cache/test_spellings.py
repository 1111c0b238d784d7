"""Any spelling that identifies exactly one tool finds it, and no other does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog_cache.merge import merge
from catalog_cache.names import clean, resolve

LISTS = {
    "time": [{"name": "get_current_time"}, {"name": "convert_time"}],
    "github": [{"name": "create_issue"}, {"name": "github_search"}, {"name": "disassemble"}],
    "gitlab": [{"name": "create_issue"}, {"name": "decompile_function"}],
}
CATALOG = merge(LISTS)


def found(spelling: str) -> list[str]:
    return [tool.public for tool in resolve(CATALOG, spelling)]


@pytest.mark.parametrize(
    "spelling",
    [
        "time__get_current_time",
        "get_current_time",
        "time.get_current_time",
        "time:get_current_time",
        "time/get_current_time",
        "mcp__time__get_current_time",
        "mcp.time.get_current_time",
        "time__time__get_current_time",
        "mcp__time__time__get_current_time",
        "getCurrentTime",
        "get-current-time",
        "GET_CURRENT_TIME",
        "getcurrenttime",
        "timegetCurrentTime",
        "get_current_time<|channel|>commentary",
        "<|start|>functions.get_current_time<|message|>",
        "<tool_call>get_current_time",
        "<tool_call>get_current_time</tool_call>",
        '{"name": "get_current_time", "arguments": {}}',
        "<function=get_current_time>",
        "assistant to=functions.get_current_time",
        "get_current_time()",
        'get_current_time({"tz": "x"})',
        "functions.get_current_time",
        "functions.get_current_time:0",
        "default_api:get_current_time",
        "`get_current_time`",
        '"get_current_time"',
        " get_current_time \n",
        "**get_current_time**",
    ],
)
def test_a_spelling_that_means_one_tool_finds_it(spelling: str) -> None:
    assert found(spelling) == ["time__get_current_time"]


def test_a_name_that_several_servers_have_finds_all_of_them() -> None:
    assert found("create_issue") == ["github__create_issue", "gitlab__create_issue"]
    assert found("createIssue") == ["github__create_issue", "gitlab__create_issue"]
    assert found("gitlab.create_issue") == ["gitlab__create_issue"]


def test_a_server_name_within_the_tool_name_may_be_dropped() -> None:
    assert found("search") == ["github__github_search"]


@pytest.mark.parametrize("spelling", ["disassemble_", "Disassemble"])
def test_separators_and_case_alone_may_differ(spelling: str) -> None:
    assert found(spelling) == ["github__disassemble"]


@pytest.mark.parametrize(
    "spelling", ["get_time", "current_time", "get_current_tim", "create_issues", "", "<|channel|>", "()"]
)
def test_a_near_name_finds_nothing(spelling: str) -> None:
    assert found(spelling) == []


def test_the_strictest_level_wins() -> None:
    catalog = merge({"s": [{"name": "Run"}, {"name": "run"}, {"name": "r_un"}]})
    assert [tool.name for tool in resolve(catalog, "run")] == ["run"]
    assert [tool.name for tool in resolve(catalog, "RUN")] == ["Run", "run", "r_un"]


@given(st.text())
def test_cleaning_is_total_and_leaves_plain_names(text: str) -> None:
    assert isinstance(clean(text), str)
    resolve(CATALOG, text)


@given(st.from_regex(r"[a-z][a-z0-9_]{0,30}", fullmatch=True))
def test_a_plain_name_is_left_alone(name: str) -> None:
    assert clean(name) == name
