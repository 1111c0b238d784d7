"""Environment variables inside texts."""

from __future__ import annotations

import pytest

from proxy.settings.expand import Expansion

ENV = {"TOKEN": "abc123", "EMPTY": "", "WIN": r"C:\Users\me", "HOME": "/home/me", "ProgramFiles(x86)": r"C:\x86"}


@pytest.mark.parametrize(
    ("written", "expanded"),
    [
        ("Bearer ${TOKEN}", "Bearer abc123"),
        ("${env:TOKEN}!", "abc123!"),
        ("${TOKEN:-other}", "abc123"),
        ("${NOT_SET:-https://x:8/y}", "https://x:8/y"),
        ("${NOT_SET:-}", ""),
        ("${EMPTY}", ""),
        ("${EMPTY:-full}", "full"),
        (r"${WIN}\AppData\${TOKEN}", r"C:\Users\me\AppData\abc123"),
        (r"${NOT_SET:-C:\new\table}", r"C:\new\table"),
        ("${ProgramFiles(x86)}", r"C:\x86"),
        ("$${TOKEN}", "${TOKEN}"),
        ("$TOKEN costs $5", "$TOKEN costs $5"),
        ("${not a name}", "${not a name}"),
        ("${}", "${}"),
    ],
)
def test_variables_expand(written: str, expanded: str) -> None:
    expansion = Expansion(ENV)
    assert expansion.text(written) == expanded
    assert expansion.missing == []


def test_expansion_reaches_every_text_and_no_key() -> None:
    value = {"${TOKEN}": ["${TOKEN}", {"a": "${TOKEN}"}, 5, None]}
    assert Expansion(ENV).value(value) == {"${TOKEN}": ["abc123", {"a": "abc123"}, 5, None]}


def test_a_value_is_expanded_once_only() -> None:
    assert Expansion({"A": "${B}", "B": "no"}).text("${A}") == "${B}"


def test_values_of_variables_are_remembered_as_secrets_but_places_and_defaults_are_not() -> None:
    expansion = Expansion(ENV)
    expansion.value(["${TOKEN}", "${HOME}/x", "${NOT_SET:-default}"])
    assert expansion.secrets == {"abc123"}


def test_a_variable_that_is_not_set_is_named_with_its_place() -> None:
    expansion = Expansion(ENV)
    expansion.value({"a": ["x", "${NOPE}"]})
    ((path, message),) = expansion.missing
    assert path == ("a", 1)
    assert "NOPE is not set" in message
    assert "${NOPE:-value}" in message


def test_what_only_an_editor_knows_is_refused_with_a_remedy() -> None:
    expansion = Expansion(ENV, {"workspaceFolder": "/project"})
    assert expansion.text("${workspaceFolder}/a") == "/project/a"
    expansion.value(["${input:api-key}", "${command:pick}"])
    assert [message.split(";")[1].strip()[:10] for _, message in expansion.missing] == ["put it int", "write the "]
