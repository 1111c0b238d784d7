"""What servers say when a call fails: before anything was done, and after it was done.

Only the standard library. Each saying is a function of what it may speak of, and gives the members of a reply. `EXACT`
are refusals before the effect in the form of a validator, so that together with the published schema they prove that
nothing was done; `PROSE` are such refusals in hand-written words. `LOUD` come after the effect and can be told from
the former by their words; what is `EXACT` about an argument that is sound may come after the effect too.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with a call, or is said to be: `kind` is missing, type, enum, or unexpected."""

    kind: str
    name: str
    value: Any
    allowed: Sequence[str] = ()


Members = dict[str, Any]
Saying = Callable[[str, Sequence[Fault], random.Random], Members]


def error(code: int, message: str, data: Any = None) -> Members:
    return {"error": {"code": code, "message": message, **({} if data is None else {"data": data})}}


def refused(text: str) -> Members:
    return {"result": {"isError": True, "content": [{"type": "text", "text": text}]}}


def _number(draw: random.Random) -> int:
    return draw.randint(100, 99999)


# before: what validators print


def jsonschema(_: str, faults: Sequence[Fault], __: random.Random) -> Members:
    fault = faults[0]
    said = {
        "missing": f"{fault.name!r} is a required property",
        "type": f"{fault.value!r} is not of type 'integer'",
        "enum": f"{fault.value!r} is not one of {list(fault.allowed)!r}",
        "unexpected": f"Additional properties are not allowed ({fault.name!r} was unexpected)",
    }[fault.kind]
    return refused(f"Input validation error: {said}")


def pydantic(tool: str, faults: Sequence[Fault], _: random.Random) -> Members:
    said = {
        "missing": ("Missing required argument", "missing_argument"),
        "type": ("Input should be a valid integer, unable to parse string as an integer", "int_parsing"),
        "enum": (f"Input should be {' or '.join(map(repr, faults[0].allowed))}", "literal_error"),
        "unexpected": ("Unexpected keyword argument", "unexpected_keyword_argument"),
    }
    lines = [f"{len(faults)} validation error{'s' * (len(faults) > 1)} for call[{tool}]"]
    for fault in faults:
        words, kind = said[fault.kind]
        typed = type(fault.value).__name__
        lines += [fault.name, f"  {words} [type={kind}, input_value={fault.value!r}, input_type={typed}]",
                  f"    For further information visit https://errors.pydantic.dev/2.11/v/{kind}"]  # fmt: skip
    return refused("\n".join(lines))


def _zod_issue(fault: Fault) -> dict[str, Any]:
    at = {"path": [fault.name]}
    return {
        "missing": {"code": "invalid_type", "expected": "string", "received": "undefined", **at, "message": "Required"},
        "type": {"code": "invalid_type", "expected": "number", "received": "string", **at,
                 "message": "Expected number, received string"},
        "enum": {"received": fault.value, "code": "invalid_enum_value", "options": list(fault.allowed), **at,
                 "message": "Invalid enum value."},
        "unexpected": {"code": "unrecognized_keys", "keys": [fault.name], "path": [],
                       "message": f"Unrecognized key(s) in object: '{fault.name}'"},
    }[fault.kind]  # fmt: skip


def zod(tool: str, faults: Sequence[Fault], _: random.Random) -> Members:
    issues = json.dumps([_zod_issue(fault) for fault in faults], indent=2, ensure_ascii=False)
    return error(-32602, f"MCP error -32602: Invalid arguments for tool {tool}: {issues}")


def zod_in_a_result(tool: str, faults: Sequence[Fault], _: random.Random) -> Members:
    issues = json.dumps([_zod_issue(fault) for fault in faults], indent=2, ensure_ascii=False)
    return refused(f"MCP error -32602: Input validation error: Invalid arguments for tool {tool}: {issues}")


def ajv(_: str, faults: Sequence[Fault], __: random.Random) -> Members:
    fault = faults[0]
    said = {
        "missing": f"data must have required property '{fault.name}'",
        "type": f"data/{fault.name} must be integer",
        "enum": f"data/{fault.name} must be equal to one of the allowed values",
        "unexpected": "data must NOT have additional properties",
    }[fault.kind]
    return refused(said)


EXACT: tuple[Saying, ...] = (jsonschema, pydantic, zod, zod_in_a_result, ajv)


# before: by hand, in many languages


def _by_hand(missing: str, wrong: str) -> Saying:
    def say(_: str, faults: Sequence[Fault], draw: random.Random) -> Members:
        fault = faults[0]
        text = (missing if fault.kind == "missing" else wrong).format(name=fault.name, value=fault.value)
        return refused(text) if draw.random() < 0.7 else error(draw.choice([-32602, -32000]), text)

    return say


PROSE: tuple[Saying, ...] = tuple(
    _by_hand(missing, wrong)
    for missing, wrong in [
        ("{name} is required", "{name} must be of another kind, got {value}"),
        ("{name} fehlt", "{name}: {value} ist ungültig"),
        ("le champ {name} est obligatoire", "valeur non valide pour {name} : {value}"),
        ("falta el campo {name}", "{name} no puede ser {value}"),
        ("o campo {name} é obrigatório", "{name} inválido: {value}"),
        ("{name} は必須です", "{name} の値 '{value}' は無効です"),
        ("缺少参数 {name}", "参数 {name} 的值 {value} 无效"),
        ("не указано поле {name}", "недопустимое значение {name}: {value}"),
        ("το πεδίο {name} είναι υποχρεωτικό", "μη έγκυρη τιμή για {name}: {value}"),
        ("الحقل {name} مطلوب", "القيمة {value} غير صالحة للحقل {name}"),
        ("{name} आवश्यक है", "{name} का मान {value} अमान्य है"),
        ("ต้องระบุ {name}", "{name} ไม่ถูกต้อง: {value}"),
    ]
)


# after: partial success, output validation, time-outs, in many languages


def _loud(template: str) -> Saying:
    def say(tool: str, faults: Sequence[Fault], draw: random.Random) -> Members:
        fault = faults[0]
        text = template.format(name=fault.name, value=fault.value, tool=tool, n=_number(draw))
        shape = draw.randrange(6)
        if shape == 0:
            return error(draw.choice([-32602, -32603, -32000, 400, 500]), text)
        if shape == 1:
            return error(-32602, text, {"id": _number(draw)})
        if shape == 2:
            given = {"success": False, "error": text}
            return {"result": {"content": [{"type": "text", "text": json.dumps(given)}], "structuredContent": given}}
        return refused(text)

    return say


def output_validation(tool: str, faults: Sequence[Fault], _: random.Random) -> Members:
    issue = _zod_issue(Fault("missing", "total", None))
    return error(-32602, f"MCP error -32602: Output validation error: Invalid structured content for tool {tool}: "
                 + json.dumps([issue]))  # fmt: skip


def result_model(tool: str, faults: Sequence[Fault], _: random.Random) -> Members:
    return refused(
        f"Error executing tool {tool}: 1 validation error for {tool}Output\ntotal\n  Field required [type=missing, "
        f"input_value={{'{faults[0].name}': 1}}, input_type=dict]"
    )


def zod_of_the_next_step(tool: str, faults: Sequence[Fault], draw: random.Random) -> Members:
    issues = json.dumps([_zod_issue(fault) for fault in faults], ensure_ascii=False)
    return refused(f"Booked as no. {_number(draw)}. Sending the receipt failed: {issues}")


LOUD: tuple[Saying, ...] = (
    output_validation,
    result_model,
    zod_of_the_next_step,
    *map(
        _loud,
        [
            "Issue #{n} created, but label {name} is not valid: {value}",
            "Paid. Receipt {n} not sent: {name} must be an integer",
            "timed out, order {n} partially placed ({name})",
            "internal error after commit {n}: '{name}' is a required property",
            "Row {n} inserted; webhook said: Missing required argument: {name}",
            "Bestellung {n} angelegt, aber {name} muss eine Zahl sein",
            "commande {n} enregistrée ; {name} doit être un entier",
            "pedido {n} realizado, pero {name} debe ser un número",
            "pedido {n} criado, mas {name} deve ser um número",
            "注文 {n} は作成されましたが、{name} は整数でなければなりません",
            "订单 {n} 已创建，但 {name} 必须是整数",
            "заказ {n} создан, но {name} должно быть числом",
            "η παραγγελία {n} καταχωρήθηκε, αλλά το {name} πρέπει να είναι αριθμός",
            "تم إنشاء الطلب {n} لكن {name} يجب أن يكون رقمًا",
            "आदेश {n} बनाया गया, लेकिन {name} एक संख्या होनी चाहिए",
            "สร้างคำสั่งซื้อ {n} แล้ว แต่ {name} ต้องเป็นตัวเลข",
            "Internal error",
            "connection to the database lost",
            "504 Gateway Time-out",
            "did you mean '{n}'? no {name} like {value} afterwards",
        ],
    ),
)
