"""JSON as editors write it and TOML, with the line of every key."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.settings.jsonc import TextError, parse
from proxy.settings.lines import read_text

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(JSON, st.sampled_from([None, 2]))
def test_plain_json_reads_as_the_standard_library_reads_it(value: object, indent: int | None) -> None:
    document = parse(json.dumps(value, indent=indent))
    assert document.value == value
    start, end = document.spans[()]
    assert json.loads(document.text[start:end]) == value


def test_comments_trailing_commas_and_a_byte_order_mark_are_tolerated() -> None:
    text = """\ufeff// top
{ /* one
  two */ "a": [1, 2,], // "b": 3
  "url": "https://x//y /* no comment */",
}
"""
    assert parse(text).value == {"a": [1, 2], "url": "https://x//y /* no comment */"}


def test_each_key_knows_its_line() -> None:
    lines = parse('{\n "a": {\n\n  "b": [\n   1,\n   {"c": 2}]}}').lines
    assert lines["a", "b"] == 4
    assert lines["a", "b", 1, "c"] == 6


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ('{\n"a": 1\n"b": 2}', 3, 'expected "," or "}"'),
        ('{\n"a" 1}', 2, 'expected ":"'),
        ("{\n'a': 1}", 2, "double quotes"),
        ('{"a": [1, 2', 1, 'before the closing "]"'),
        ('{"a": nope}', 1, "expected a value, found 'nope}'"),
        ("{} {}", 1, "nothing may follow"),
        ("", 1, "found the end"),
        ("[" * 1000, 1, "nested too deeply"),
    ],
)
def test_broken_json_is_refused_with_its_line(text: str, line: int, said: str) -> None:
    with pytest.raises(TextError) as refused:
        parse(text)
    assert refused.value.line == line
    assert said in str(refused.value)


def test_toml_keys_know_their_lines_also_when_dotted_or_quoted() -> None:
    text = read_text("x.toml", '[a."b.c"]\nk = 1\n\n[[list]]\nz = 2\n[q]\nx.y = {inner = 1}\n', toml=True)
    assert text.line(("a", "b.c")) == 1
    assert text.line(("a", "b.c", "k")) == 2
    assert text.line(("list", "z")) == 5
    assert text.line(("q", "x", "y", "inner")) == 7
    assert text.line(("unknown",)) is None


def test_broken_toml_is_refused_with_its_line() -> None:
    with pytest.raises(TextError) as refused:
        read_text("x.toml", "a = 1\nb = = 2\n", toml=True)
    assert refused.value.line == 2
    assert "line" not in str(refused.value)


def test_json_that_is_no_object_is_refused() -> None:
    with pytest.raises(TextError, match="expected an object"):
        read_text("x.json", "[]", toml=False)
