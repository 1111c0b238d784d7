"""Names are compared by one function in every script, and a form of which nothing is left equals nothing."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.repair.view.words import likeness, mentions, plain, same, typed_likeness
from tests.promises import promise

TEXT = st.text(max_size=12) | st.text("aAßıİςΣжЖשׁאกำหन्दी用户がガ한１1٣²_-. /+#́", max_size=12)


@promise("names-are-letters")
@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("userName", "user_name"),
        ("ИмяПользователя", "имя_пользователя"),
        ("ΟΔΟΣ", "οδος"),
        ("straße", "STRASSE"),
        ("ｎａｍｅ", "name"),
        ("用户ID", "用户_id"),
        ("שם-משתמש", "שם_משתמש"),
        ("ชื่อ ผู้ใช้", "ชื่อ_ผู้ใช้"),
        ("उपयोगकर्ता-नाम", "उपयोगकर्ता_नाम"),
        ("اسم_المستخدم", "اسم المستخدم"),
        ("한국・이름", "한국_이름"),
    ],
)
def test_case_separators_and_width_alone_make_no_other_name(left: str, right: str) -> None:
    assert same(left, right)
    assert likeness(left, right) == 1.0


@promise("names-are-letters")
@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("όνομα", "ποσό"),
        ("получатель", "отправитель"),
        ("ชื่อ", "ราคา"),
        ("שם", "סכום"),
        ("اسم", "مبلغ"),
        ("收款人", "付款人"),
        ("नाम", "राशि"),
        ("이름", "금액"),
        ("___", "..."),
        ("", ""),
        ("paypal", "pаypal"),
        ("ısı", "isi"),
        ("กา", "กี"),
        ("1.5", "15"),
        ("-1", "1"),
        ("C++", "C"),
    ],
)
def test_other_names_are_never_equal(left: str, right: str) -> None:
    assert not same(left, right)
    assert likeness(left, right) < 0.78


@promise("names-are-letters")
@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("收款人银行账户", "付款人银行账户"),
        ("включить_свет", "выключить_свет"),
        ("payer_account", "payee_account"),
        ("account_number_1", "account_number_2"),
        ("unauthenticated", "authenticated"),
        ("дом", "документ"),
        ("aссount_holder", "account_holder"),
    ],
)
def test_what_says_something_else_is_no_typing_error(left: str, right: str) -> None:
    assert likeness(left, right) < 0.78


@promise("names-are-letters")
@pytest.mark.parametrize(
    ("text", "word", "held"),
    [
        ("лети в Москву завтра", "москву", True),
        ("подмосковье", "москов", False),
        ("在北京市停留", "北京", False),
        ("在Berlin停留", "berlin", True),
        ("Größe", "Gr", False),
        ("user_id", "id", True),
        ("שלום עולם", "עולם", True),
    ],
)
def test_a_word_is_held_as_a_whole_or_not_at_all(text: str, word: str, held: bool) -> None:
    assert mentions(text, word) is held


def _letters(text: str) -> str:
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return unicodedata.normalize("NFKC", "".join(c for c in folded if unicodedata.category(c)[0] in "LMN"))


@promise("names-are-letters")
@given(TEXT)
def test_the_form_of_a_form_is_itself(text: str) -> None:
    assert plain(plain(text)) == plain(text)


@promise("names-are-letters")
@given(TEXT, TEXT)
def test_equal_names_have_equal_letters_and_likeness_is_symmetric(left: str, right: str) -> None:
    if same(left, right):
        assert _letters(left) == _letters(right)
    assert likeness(left, right) == likeness(right, left)
    assert typed_likeness(left, right) == typed_likeness(right, left)
    assert (likeness(left, right) == 1.0) is same(left, right)
