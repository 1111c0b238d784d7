"""The phrases in which validators and hand-written checks refuse a call, as tables of patterns.

Pure data; `refusal` reads texts with them. The texts are foreign, so that every pattern is linear in their length: what
repeats is counted or possessive.
"""

from __future__ import annotations

import re

UNKNOWN_TOOL = re.compile(
    r"(?:unknown|no such|invalid|unrecognized|nonexistent) (?:tool|method|function)|"
    r"(?:tool|function) ['\"`]?[\w.:/-]{1,200}+['\"`]? (?:was )?not found|(?:tool|function) not found",
    re.IGNORECASE,
)

NOT_THERE = re.compile(
    r"not found|no such|does(?: not|n't) exist|unknown|invalid|cannot find|could not find", re.IGNORECASE
)
"""How a text says that a thing which an argument points at is not there."""

MALFORMED = re.compile(
    r"\b(?:invalid|malformed|incorrect|wrong|bad|unsupported) (\w{1,80}+) format|\b(\w{1,80}+) format (?:is|must)", re.I
)
"""How a text says that the value of an argument is written wrongly; it names the last word of the argument's name."""

_NAME = r"(?<![\w.$\[\]-])['\"`]?([A-Za-z_$][\w.$\[\]-]{0,200}+)['\"`]?"
_NAMES = r"\[?((?:\s{0,9}['\"`]?[\w.$-]{1,200}['\"`]?\s{0,9},?){1,100})\]?"
_THING = r"(?:argument|parameter|field|property|key|option)"

MISSING = (
    re.compile(r"['\"`]([\w.$-]{1,200}+)['\"`] is a required property", re.IGNORECASE),
    re.compile(rf"missing (?:\d{{1,9}} )?required (?:positional |keyword-only )?{_THING}s?:? {_NAMES}", re.IGNORECASE),
    re.compile(rf"missing (?:required )?{_THING}s?:? {_NAMES}", re.IGNORECASE),
    re.compile(rf"{_NAME}(?: {_THING})? (?:is|are) (?:required|missing|mandatory)\b", re.IGNORECASE),
    re.compile(rf"required {_THING} {_NAME} (?:is |was )?(?:missing|not)", re.IGNORECASE),
    re.compile(rf"(?:must|should|please) (?:provide|specify|supply|include)(?: (?:a|an|the))? {_NAME}", re.IGNORECASE),
)
"""Each names, in its group, arguments that were missed."""

UNEXPECTED = (
    re.compile(r"unexpected keyword argument ['\"`]([\w.$-]{1,200}+)['\"`]", re.IGNORECASE),
    re.compile(
        r"(?:unexpected|unknown|unrecognized|extra|unsupported|invalid) (?:keyword )?"
        rf"{_THING}(?:\(s\)|s|ies)?:? {_NAMES}",
        re.IGNORECASE,
    ),
    re.compile(r"Additional properties are not allowed \((.{1,500}?) (?:was|were) unexpected\)"),
    re.compile(r"Unrecognized key(?:\(s\)|s)? in object: (.{1,500}+)", re.IGNORECASE),
)
"""Each names, in its group, arguments that were refused."""

NAMELESS = re.compile(
    rf"(?:unexpected|unknown|unrecognized|extra|unsupported|invalid) (?:keyword )?{_THING}s?:? \[?['\"`]{{2}}",
    re.IGNORECASE,
)
"""How a text refuses an argument whose name is the empty text."""

_SAID = r"(?:of type|type|must be|should be|to be|be|is not|expected|expects?|expecting|wants?|valid)"
_TYPES = {
    "array": "lists?|arrays?",
    "object": "objects?|dict(?:ionary)?|mappings?|maps?|struct",
    "integer": "integers?|ints?|whole numbers?|i32|i64|u32|u64",
    "number": "numbers?|numeric|floats?|doubles?|f32|f64",
    "boolean": "bool(?:ean)?s?",
    "string": "strings?|str|text",
}
_KINDS = {
    "array": r"list_type|tuple_type",
    "object": r"dict_type|model_type|model_attributes_type",
    "integer": r"int_type|int_parsing|int_from_float|as an int\b",
    "number": r"float_type|float_parsing|decimal_",
    "boolean": r"bool_type|bool_parsing",
    "string": r"string_type",
}
WANTED = tuple(
    (re.compile(rf"{_SAID}(?: an?| the)?(?: valid)?(?: type)?:? ['\"`]?(?:{words})\b|{_KINDS[kind]}", re.I), kind)
    for kind, words in _TYPES.items()
)
"""Pattern to the JSON type that a refusal asks for; the first that matches counts."""

_CHOICE = r"(?:['\"`][^'\"`]{1,200}['\"`]|[\w./-]{1,200})"
CHOICES = (
    re.compile(
        r"(?:is not one of|(?:must|should) be one of|expected one of|one of|"
        r"valid (?:values|options|choices)(?: are| include)?|allowed (?:values|options)(?: are)?|"
        r"accepted values(?: are)?|choose from|options are|available \w{1,80}+(?: are)?|"
        r"supported(?: \w{1,80}+)?(?: are)?)"
        rf"\s{{0,9}}:?\s{{0,9}}[\[({{]?((?:\s{{0,9}}{_CHOICE}\s{{0,9}}(?:,|\||\bor\b|$)){{1,200}}"
        rf"(?:\s{{0,9}}(?:(?:or|and)\s{{1,9}})?{_CHOICE})?)",
        re.IGNORECASE,
    ),
    re.compile(r"Input should be ((?:['\"][^'\"]{1,200}['\"](?:, | or )?){1,200})"),
)
"""Each holds, in its group, the values that would be accepted."""

DID_YOU_MEAN = re.compile(r"did you mean:? ['\"`]?([^'\"`?\n]{1,200}+)['\"`]?", re.IGNORECASE)

PLACE = re.compile(r"(?<![\w./])([A-Za-z_]\w{0,80}(?:\.\w{1,80}|\[\d{1,9}\]){1,20})(?![\w/])")
"""A dotted place inside arguments, `children.0` or `items[1].name`."""

ERROR_TEXT = re.compile(
    r"\s*+(?:(?:[A-Za-z]{1,40}+ )?(?:api )?(?:error|exception|traceback)\b[^\n]{0,40}[:(]|error executing|"
    r"(?:request )?failed(?: to|:))",
    re.IGNORECASE,
)
"""How a text opens that reports a failure in place of a result."""
