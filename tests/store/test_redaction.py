"""Secrets are taken out of what is written down, and nothing else is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.store.book import secrets_of
from proxy.store.redact import REDACTED, Redaction, is_secret
from schemas.config import Config, Upstream


@pytest.mark.parametrize(
    "key",
    "token access_token accessToken GITHUB_TOKEN api_key apiKey API-KEY x-api-key apikey password Password passwd "
    "db_password user.password secret clientSecret client_secret authorization Authorization proxy-authorization auth "
    "cookie Set-Cookie private_key AWS_SECRET_ACCESS_KEY credentials bearer otp".split(),
)
def test_a_key_that_names_a_secret_is_one(key: str) -> None:
    assert is_secret(key)


@pytest.mark.parametrize(
    "key",
    "max_tokens tokens token_count tokenizer page_token nextPageToken primary_key sort_key key keys keyword author "
    "authors secretary cookiecutter auth_type token_type password_count monkey".split(),
)
def test_a_key_that_only_looks_like_one_is_none(key: str) -> None:
    assert not is_secret(key)


def test_values_under_secret_keys_go_at_any_depth_and_the_original_stays() -> None:
    value = {"a": [{"password": "hunter2", "n": 1}], "auth": {"user": "u"}, "has_token": True, "token": None}
    shown = Redaction().value(value)
    assert shown == {"a": [{"password": REDACTED, "n": 1}], "auth": REDACTED, "has_token": True, "token": None}
    assert value["a"] == [{"password": "hunter2", "n": 1}]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"api_key": "sk-1\\"2", "n": 3}', '{"api_key": "[redacted]", "n": 3}'),
        (json.dumps(json.dumps({"token": "abc", "b": 1})), r'"{\"token\": \"[redacted]\", \"b\": 1}"'),
        ("Authorization: Bearer abcdef123456\nHost: x", "Authorization: [redacted]\nHost: x"),
        ("curl -H 'Bearer abcdef123456'", "curl -H 'Bearer [redacted]'"),
        ("https://x/y?access_token=abc&page=2", "https://x/y?access_token=[redacted]&page=2"),
        ("PASSWORD=hunter2 make", "PASSWORD=[redacted] make"),
        ("password: 'a b'", "password: '[redacted]'"),
        ('{"max_tokens": 5, "token": null}', '{"max_tokens": 5, "token": null}'),
        ("Unexpected token < in JSON at position 0", "Unexpected token < in JSON at position 0"),
        ("the key = value store", "the key = value store"),
        ("run --token abc123 --page 2", "run --token [redacted] --page 2"),
        ("run --api-key=abc123 -v", "run --api-key=[redacted] -v"),
        ("git log --author token", "git log --author token"),
        ("https://example.com/path: fine", "https://example.com/path: fine"),
    ],
)
def test_texts_that_hold_secrets_by_name_lose_only_those(text: str, shown: str) -> None:
    assert Redaction().text(text) == shown


def test_values_of_variables_go_wherever_they_stand() -> None:
    redaction = Redaction(values=['p"w\\1/ä', "sésame-ouvre"])
    assert redaction.text('say p"w\\1/ä now') == f"say {REDACTED} now"
    assert redaction.value({"x": ["sésame-ouvre!", json.dumps({"q": 'p"w\\1/ä'})]}) == {
        "x": [f"{REDACTED}!", f'{{"q": "{REDACTED}"}}']
    }
    assert redaction.text("?q=s%C3%A9same-ouvre") == f"?q={REDACTED}"


def test_short_values_go_only_where_they_are_the_whole_text() -> None:
    redaction = Redaction(values=["prod", "1", "on"])
    assert redaction.value(["prod", "product", "1", "on"]) == [REDACTED, "product", "1", "on"]


def test_the_longer_of_two_overlapping_values_goes_whole() -> None:
    assert Redaction(values=["abcdef", "abcdefgh"]).text("abcdefgh") == REDACTED


def test_further_key_names_may_be_given() -> None:
    redaction = Redaction(keys=["patient_id", "ssn"])
    assert redaction.value({"patientId": "x", "main_patient_id": "y", "patient": "z", "SSN": 5}) == {
        "patientId": REDACTED,
        "main_patient_id": REDACTED,
        "patient": "z",
        "SSN": REDACTED,
    }
    assert redaction.text('{"ssn": "123"}') == '{"ssn": "[redacted]"}'


JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    "secret",
    [
        *(JWT, PEM, "-----BEGIN PRIVATE KEY-----\ncut off", "ghp_" + "a1B2" * 9, "github_pat_" + "a1_" * 20),
        *("sk-proj-" + "a1B2" * 6, "xoxb-1234567890-abcdefghij", "AKIA" + "IOSFODNN7EXAMPLE", "glpat-" + "x1" * 10),
        *("hf_" + "aB" * 17, "sk_live_" + "a1" * 12, "AIza" + "x" * 35, "SG." + "a" * 22 + "." + "b" * 43),
    ],
)
def test_a_secret_goes_by_its_own_form(secret: str) -> None:
    assert Redaction().text(f"it said: {secret}, then") == (
        f"it said: {REDACTED}" if secret.endswith("cut off") else f"it said: {REDACTED}, then"
    )
    assert Redaction().value({"note": secret}) == {"note": REDACTED}


@pytest.mark.parametrize(
    "text",
    ["sk-learn and ask-me", "eyJ is a prefix", "task-1234567890123456789", "a.b.c", "AKIAB", "ghp_short"],
)
def test_what_only_begins_like_a_token_stays(text: str) -> None:
    assert Redaction().text(text) == text


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://b.s3.x/f?X-Amz-Signature=abc&n=1", f"https://b.s3.x/f?X-Amz-Signature={REDACTED}&n=1"),
        ("https://x.blob/f?sv=1&sig=a%2Bb", f"https://x.blob/f?sv=1&sig={REDACTED}"),
        ("https://maps/api?key=AB12&q=x", f"https://maps/api?key={REDACTED}&q=x"),
    ],
)
def test_what_signs_an_address_goes(url: str, shown: str) -> None:
    assert Redaction().text(url) == shown


def test_a_value_beside_its_name_goes() -> None:
    city = {"name": "city", "value": "Oslo"}
    shown = Redaction().value([{"name": "password", "value": "hunter2"}, {"key": "API_KEY", "value": "k"}, city])
    assert shown == [{"name": "password", "value": REDACTED}, {"key": "API_KEY", "value": REDACTED}, city]
    assert Redaction().value(["--token", "abc", "--page", "2"]) == ["--token", REDACTED, "--page", "2"]


def test_secrets_of_a_command_line_and_an_address_are_known() -> None:
    config = Config(
        upstreams={
            "a": Upstream(
                command="x", args=["--token", "tok-in-args", "--api-key=key-in-args", "-e", "DB_PASSWORD=pw-in-args"]
            ),
            "b": Upstream(url="https://me:pw-in-url@host/mcp?apiKey=key-in-url&mode=readonly"),
        }
    )
    assert secrets_of(config) >= {"tok-in-args", "key-in-args", "pw-in-args", "pw-in-url", "key-in-url"}
    assert "readonly" not in secrets_of(config)


SECRETS = ("hunter2", 'p"w\\d', "schlüssel", "abcd")
KEYS = ("password", "api_key", "max_tokens", "name", "value", "--token", "Ключ", "patientId")
FORMS = ("https://u:p@h/?sig=abcdefgh", "Bearer abcdefghijk", "ghp_" + "a" * 30, '{"token": "x1"}', "late-one")
PIECES = st.sampled_from([*SECRETS, *KEYS, *FORMS, "a", "", "\ud800", "ü", "\n"])
TEXTS = st.lists(PIECES, max_size=3).map("".join)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


@given(VALUES)
@settings(max_examples=400)
def test_what_is_taken_to_be_clean_holds_nothing_to_take_out(value: Any) -> None:
    """The quick look at a payload's text may only spare what the thorough one would leave as it is."""
    redaction = Redaction(["Ключ", "patient_id"], SECRETS, lambda: ["late-one"])
    for form in (json.dumps(value, ensure_ascii=False), json.dumps(value)):
        if redaction.clean(form):
            assert redaction.value(value) == value


def test_a_further_key_in_another_script_is_secret_and_no_other() -> None:
    redaction = Redaction(["Ключ"])
    assert redaction.value({"ключ": "x", "city": "y"}) == {"ключ": REDACTED, "city": "y"}


def test_most_payloads_are_taken_to_be_clean() -> None:
    assert Redaction(["patient_id"], SECRETS).clean('{"city":"Zürich","days":[1,2],"text":"mild and \\"dry\\""}')
    assert not Redaction().clean("[" * 101 + "]" * 101)
