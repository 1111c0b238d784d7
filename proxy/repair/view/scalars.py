"""Text read as a number, a truth value or JSON, and how sure the reading is.

Pure. Every reader gives None rather than the first thing it finds: `EC-135` is no number.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from proxy.repair.view.values import MISSING
from schemas.catalog import EXACT, Json
from schemas.edit import Confidence

_NUMBER = re.compile(r"[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?|[-+]?\.\d+")
_PLAIN = re.compile(r"[-+]?(?:0|[1-9]\d{0,2}(?:,\d{3}){2,}|[1-9]\d*)(?!\.\d{3}$)(?:\.\d+)?(?:[eE][-+]?\d+)?")
"""Numbers that everyone reads alike: `010` may be octal or a code, `1.500` and `1,500` are two numbers in two lands."""
_COUNTED = frozenset({"unit", "units", "piece", "pieces", "item", "items", "pcs", "exactly"})
_HEDGES = frozenset({"about", "around", "approximately", "approx", "roughly", "circa", "ca", "nearly", "only"})
_YES, _NO = frozenset({"yes", "y", "on", "1", "enabled"}), frozenset({"no", "n", "off", "0", "disabled"})
LONGEST = 400
"""Characters of a text that may be one number; Python refuses to read 4,300 digits."""
NOTHING = frozenset({"null", "none", "undefined", "nil", "n/a"})
"""Texts that stand for no value."""


@dataclass(frozen=True)
class Coercion:
    """A value in another spelling, the rule that led to it, and how sure it is; `MISSING` means: leave it out.

    `rest` are words beside a number that its meaning may hang on.
    """

    value: Json
    rule: str
    confidence: Confidence
    evidence: str = ""
    rest: str = ""


def read_number(text: str) -> Coercion | None:
    """Read a whole text as one number: digits, literal arithmetic, number words, or one number among words."""
    bare = text.strip().strip("\"'`").strip()
    if len(bare) > LONGEST:
        return None
    if _NUMBER.fullmatch(bare):
        exact = _number(bare)
        sure = Confidence.LOSSLESS if _PLAIN.fullmatch(bare) else Confidence.EVIDENT
        return None if exact is None else Coercion(exact, "number_as_text", sure)
    computed = _computed(bare)
    if computed is not None:
        return Coercion(computed, "arithmetic", Confidence.EVIDENT)
    spoken = number_words(bare)
    if spoken is not None:
        return Coercion(spoken, "number_words", Confidence.EVIDENT)
    return _number_with_words(bare)


_FIGURE = re.compile(r"\d{1,15}(?:\.\d{1,15})?")
_SUM = re.compile(r"[-(\s]{0,9}\d[\d.]*(?:(?: ?[*×] ?| [-+−/] |[()\s])[-(\s]{0,9}\d[\d.]*|\s?\))+")
"""Arithmetic: a sign that also stands in dates, ranges and numbers of telephones counts with spaces around it."""


def _computed(text: str) -> int | float | None:
    """What literal arithmetic comes to, computed exactly; None for other texts, and for `3 - 7`, which is a range."""
    figures = _FIGURE.findall(text)
    if len(text) > 100 or not 1 < len(figures) <= 12 or _SUM.fullmatch(text) is None:
        return None
    if len(figures) == 2 and re.search(r" [-−] ", text) and Fraction(figures[0]) < Fraction(figures[1]):
        return None
    written = text.replace("×", "*").replace("−", "-")
    try:
        total = _value(ast.parse(written.strip(), mode="eval").body, written.strip())
        return _shortest(float(total)) if abs(total) < EXACT else None
    except (SyntaxError, ValueError, ZeroDivisionError, OverflowError, RecursionError):
        return None


_SIGNS: Mapping[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: lambda left, right: left + right,
    ast.Sub: lambda left, right: left - right,
    ast.Mult: lambda left, right: left * right,
    ast.Div: lambda left, right: left / right,
}


def _value(node: ast.expr, text: str) -> Fraction:
    match node:
        case ast.Constant():
            return Fraction(ast.get_source_segment(text, node) or "")
        case ast.UnaryOp(op=ast.USub()):
            return -_value(node.operand, text)
        case ast.BinOp() if type(node.op) in _SIGNS:
            return _SIGNS[type(node.op)](_value(node.left, text), _value(node.right, text))
        case _:
            raise ValueError(text)


def _number_with_words(text: str) -> Coercion | None:
    found = list(_NUMBER.finditer(text))
    if len(found) != 1:
        return None
    before, after = text[: found[0].start()], text[found[0].end() :]
    if re.search(r"[\w.]$|-\s*$", before) or re.match(r"[\w./:-]*\d|[A-Za-z]+-|-", after):
        return None
    rest = re.sub(r"[~≈=<>≤≥$€£¥()\s]+", " ", f"{before} {after}").strip()
    said = [word for word in rest.split() if word.lower().strip(".") not in _COUNTED]
    left = [word for word in said if word.lower().strip(".") not in _HEDGES]
    if len(left) > 3:
        return None
    sure = Confidence.EVIDENT if not left and not re.search(r"[<>≤≥]", before + after) else Confidence.GUESS
    number = _number(found[0][0])
    counted = not said and re.fullmatch(r"(?:exactly)?\s*", before, re.IGNORECASE) and re.fullmatch(r"[\w.\s]*", after)
    rule = "counted_number" if counted else "number_with_words"
    return None if number is None else Coercion(number, rule, sure, rest=" ".join(left))


def whole(number: float) -> bool:
    """Tell whether a float is an integer, and small enough to be exactly that one."""
    return number.is_integer() and abs(number) < EXACT


def _number(text: str) -> int | float | None:
    """The number that a text writes, exactly; None where a float would lose digits of it."""
    bare = text.replace(",", "").lstrip("+")
    if re.fullmatch(r"-?\d+", bare):
        return int(bare)
    number = float(bare)
    return number if Decimal(repr(number)) == Decimal(bare) else None


def _shortest(number: float) -> int | float:
    return int(number) if whole(number) else number


_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()


def _in_words(number: int) -> str:
    if number < 20:
        return _ONES[number]
    size = 10 if number < 100 else 100
    head = _TENS[number // 10 - 2] if size == 10 else f"{_ONES[number // 100]} hundred"
    return f"{head} {_in_words(number % size)}" if number % size else head


_WORDS = {_in_words(number): number for number in range(1000)}


def number_words(text: str) -> int | None:
    """Read an English cardinal number below a million, `twelve thousand four hundred and six`; None for all else."""
    bare = text.lower().replace("-", " ").replace(",", " ").replace(" and ", " ").split()
    thousands, said, rest = " ".join(bare).rpartition("thousand")
    found = [_WORDS.get(part.strip()) for part in (thousands, rest)]
    if not said:
        return found[1]
    return None if found[0] is None or (found[1] is None and rest) else 1000 * found[0] + (found[1] or 0)


def read_boolean(value: Json) -> Coercion | None:
    """Read true or false from text or from 0 and 1."""
    if isinstance(value, int | float) and not isinstance(value, bool) and value in (0, 1):
        return Coercion(bool(value), "number_as_boolean", Confidence.EVIDENT)
    word = value.strip().strip("\"'`").lower() if isinstance(value, str) else ""
    if word in ("true", "false"):
        return Coercion(word == "true", "boolean_as_text", Confidence.LOSSLESS)
    if word in _YES | _NO:
        return Coercion(word in _YES, "yes_no_as_boolean", Confidence.EVIDENT)
    return None


def read_json(text: str) -> Coercion | None:
    """Read JSON from a text: plain, fenced, twice encoded, as a Python literal, or an object that lost its braces."""
    bare = _unfenced(text.strip())
    value = _loads(bare)
    if isinstance(value, str):
        value = _loads(value)
        bare = ""
    if isinstance(value, str):
        return None
    if value is not MISSING:
        return Coercion(value, "json_in_string", Confidence.LOSSLESS)
    literal = _python_literal(bare)
    if literal is not MISSING:
        return Coercion(literal, "python_literal", Confidence.LOSSLESS)
    braced = _loads("{" + bare + "}") if re.match(r'\s*"[^"]+"\s*:', bare) else MISSING
    return None if braced is MISSING else Coercion(braced, "lost_braces", Confidence.EVIDENT)


def _unfenced(text: str) -> str:
    """The inside of a Markdown code fence, else the text itself."""
    if not text.startswith("```") or not text.endswith("```") or len(text) < 6:
        return text
    inner = text[3:-3]
    language = re.match(r"[\w-]*+", inner)
    return inner[language.end() if language else 0 :].strip()


def _loads(text: str) -> Json:
    try:
        return json.loads(text, parse_constant=_no_json)
    except (ValueError, RecursionError):
        return MISSING


def _no_json(constant: str) -> Json:
    """Refuse NaN and Infinity, which Python reads and JSON does not have."""
    raise ValueError(constant)


def _python_literal(text: str) -> Json:
    if text[:1] not in "[{(":
        return MISSING
    try:
        return json.loads(json.dumps(ast.literal_eval(text), allow_nan=False))
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return MISSING
