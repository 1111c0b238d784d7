"""A label is sent where a description tabulates the code for it, in whatever language."""

# pyright: basic
from __future__ import annotations

from typing import Any

import pytest

from proxy.repair.view.notes import table
from tests.desks import Desk, done, repairs
from tests.fakes import INTEGER, NUMBER, TEXT, RefusedError, Server
from tests.promises import promise


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("0: none, 1: low", {"0": "none", "1": "low"}),
        ("Stufe: 0 – keine; 1 – niedrig; 2 – hoch. Vorgabe ist 1", {"0": "keine", "1": "niedrig", "2": "hoch"}),
        ('"A" for admin, "U" for user', {"A": "admin", "U": "user"}),
        ("優先度（０＝なし、１＝低、２＝高）", {"0": "なし", "1": "低", "2": "高"}),
        ("1 = عالية، 2 = منخفضة", {"1": "عالية", "2": "منخفضة"}),
        ("rien=0 | bas=1 | haut=2", {"0": "rien", "1": "bas", "2": "haut"}),
        ("- 1: à faire\n- 2: fait", {"1": "à faire", "2": "fait"}),
        ("1 (nizko), 2 (vysoko)", {"1": "nizko", "2": "vysoko"}),
        ("Уровень: низкий (1), высокий (2)", {"1": "низкий", "2": "высокий"}),
        ("M = male, F = female", {"M": "male", "F": "female"}),
        ("1:紧急 2:普通 3:低", {"1": "紧急", "2": "普通", "3": "低"}),
        ("0=нет 1=да", {"0": "нет", "1": "да"}),
        # no tables
        ("9:30 Uhr und 10:30 Uhr", {}),
        ("M - male, F - female", {}),
        ("Between 9:30 and 10:30, or 1:1", {}),
        ("ratio 16:9, 4:3", {}),
        ("ports 80-443, 1-5", {}),
        ("1 = urgent", {}),
        ("1 = urgent, 1 = high", {}),
        ("", {}),
    ],
)
def test_a_description_is_read_for_its_table(text: str, pairs: dict[str, str]) -> None:
    assert dict(table(text)) == pairs


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("M - male, F - female", {"M": "male", "F": "female"}),
        ("Пол: M — мужской, F — женский", {"M": "мужской", "F": "женский"}),
        ("M：男，F：女", {"M": "男", "F": "女"}),
        ("sexe : M = homme ; F = femme", {"M": "homme", "F": "femme"}),
        ("M – ذكر، F – أنثى", {"M": "ذكر", "F": "أنثى"}),
        # no tables
        ("M or F", {}),
        ("M - male", {}),
        ("size M - F, or from F - M", {}),
        ("the FM - radio, the AM - radio", {}),
    ],
)
def test_allowed_values_are_codes_however_they_are_told(text: str, pairs: dict[str, str]) -> None:
    assert dict(table(text, ("M", "F"))) == pairs


CASES: list[tuple[dict[str, Any], Any, Any]] = [
    ({**INTEGER, "description": "Dringlichkeit: 1 = sofort, 2 = heute, 3 = irgendwann"}, "Heute", 2),
    ({**NUMBER, "description": "状态：0＝停止、1＝运行"}, "运行", 1),
    ({"enum": ["R", "W"], "description": "'R' for reader, 'W' for writer"}, "writer", "W"),
    ({**INTEGER, "description": "Level (0 = None, 1 = Some)"}, "none", 0),
    ({"enum": ["M", "F"], "description": "Пол: M — мужской, F — женский"}, "женский", "F"),
    ({"enum": ["M", "F"], "description": "M - male, F - female"}, "Male", "M"),
    ({**INTEGER, "description": "优先级 1:紧急 2:普通 3:低"}, "普通", 2),
]


@promise("values-fit-their-schema")
@pytest.mark.parametrize(("schema", "label", "code"), CASES)
@pytest.mark.parametrize("effect", ["read", "write"])
async def test_the_code_of_a_label_is_sent(schema: dict[str, Any], label: str, code: Any, effect: str) -> None:
    desk = Desk(Server("amt").tool("melden", lambda **given: given, effect, optional=["stufe"], stufe=schema))
    result = await desk.result("melden", {"stufe": label})
    assert [(repair["rule"], repair["confidence"]) for repair in repairs(result)] == [("rewrite_value", "evident")]
    assert done(desk.world, "melden") == [{"stufe": code}]


@promise("values-fit-their-schema", "abstains")
@pytest.mark.parametrize("label", ["morgen", "sofort, heute", "heute", ""])
async def test_a_label_that_is_none_or_two_stays(label: str) -> None:
    about = "1 = sofort, 2 = heute, 3 = Heute, 4 = irgendwann"
    desk = Desk(Server("amt").tool("melden", lambda **given: given, stufe={**INTEGER, "description": about}))
    assert (await desk.result("melden", {"stufe": label}))["isError"]
    assert desk.world.done == []


@promise("refusals-are-read")
async def test_a_label_where_the_schema_takes_any_text_is_exchanged_once_it_is_refused() -> None:
    def paint(farbe: str) -> Any:
        if farbe not in ("r", "b"):
            raise RefusedError(f"farbe: '{farbe}' is no colour")
        return {"farbe": farbe}

    about = {**TEXT, "description": 'Farbe: "r" for rot, "b" for blau'}
    desk = Desk(Server("atelier").tool("zeige", paint, farbe=about))
    await desk.result("zeige", {"farbe": "Blau"})
    assert done(desk.world, "zeige") == [{"farbe": "b"}]


@promise("accepted-is-never-changed")
async def test_a_label_that_is_accepted_stays() -> None:
    about = {**TEXT, "description": 'Farbe: "r" for rot, "b" for blau'}
    desk = Desk(Server("atelier").tool("zeige", lambda farbe: {"farbe": farbe}, farbe=about))
    await desk.result("zeige", {"farbe": "blau"})
    assert done(desk.world, "zeige") == [{"farbe": "blau"}]
