"""An upstream's error text, read for what it says about the arguments.

Pure. Reads the shapes that validators print (pydantic, zod, jsonschema, Python's own TypeError) and the common
phrases of hand-written checks; a text it cannot read yields an empty reading, never a guess.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from proxy.repair.values import text_of, value_of
from proxy.repair.words import mentions, plain
from schemas.catalog import Json, as_list, as_object
from schemas.plan import Location, walk
from schemas.trial import Reply

_DOUBT = re.compile(
    r"time[d]?[ -]?out|timeout|deadline exceeded|\b5\d\d\b[^.]{0,30}(?:error|gateway|unavailable)|internal server error|"
    r"bad gateway|service unavailable|gateway time|connection (?:reset|closed|aborted|refused|lost)|broken pipe|"
    r"temporar(?:y|ily)|try again|rate.?limit|too many requests|partial(?:ly)?|rolled? ?back|already (?:sent|submitted|"
    r"processed|created|exists)|interrupted|aborted",
    re.IGNORECASE,
)
"""Signs that something may have happened, or that the same call could succeed later."""

_UNKNOWN_TOOL = re.compile(
    r"(?:unknown|no such|invalid|unrecognized|nonexistent) (?:tool|method|function)|"
    r"(?:tool|function) ['\"`]?[\w.:/-]+['\"`]? (?:was )?not found|(?:tool|function) not found",
    re.IGNORECASE,
)
_NAME = r"['\"`]?([A-Za-z_$][\w.$\[\]-]*)['\"`]?"
_LIST = r"\[?((?:\s*['\"`]?[\w.$-]+['\"`]?\s*,?)+)\]?"
_MISSING = (
    re.compile(r"['\"`]([\w.$-]+)['\"`] is a required property", re.IGNORECASE),
    re.compile(
        rf"missing (?:\d+ )?required (?:positional |keyword-only )?(?:argument|parameter|field|property)s?:? {_LIST}",
        re.I,
    ),
    re.compile(rf"{_NAME} (?:is|are) (?:required|missing|mandatory)\b", re.IGNORECASE),
    re.compile(rf"required (?:argument|parameter|field|property) {_NAME} (?:is )?(?:missing|not)", re.IGNORECASE),
    re.compile(rf"(?:must|should|please) (?:provide|specify|supply|include)(?: (?:a|an|the))? {_NAME}", re.IGNORECASE),
)
_UNEXPECTED = (
    re.compile(r"unexpected keyword argument ['\"`]([\w.$-]+)['\"`]", re.IGNORECASE),
    re.compile(
        rf"(?:unexpected|unknown|unrecognized|extra|unsupported|invalid) (?:keyword )?(?:argument|parameter|field|property|propertie|key|option)\(?s?\)?:? {_LIST}",
        re.I,
    ),
    re.compile(r"Additional properties are not allowed \((.+?) (?:was|were) unexpected\)"),
    re.compile(r"Unrecognized key\(s\) in object: (.+)", re.IGNORECASE),
)
_PYDANTIC = re.compile(r"^(\S[^\n]*)\n\s+([^\n]+?) \[type=([\w.]+)", re.MULTILINE)
_CHOICES = (
    re.compile(
        r"(?:is not one of|must be one of|should be one of|expected one of|one of|valid (?:values|options|choices)(?: are| include)?|"
        r"allowed (?:values|options)(?: are)?|accepted values(?: are)?|choose from|options are|available \w+(?: are)?|supported(?: \w+)?(?: are)?)"
        r"\s*:?\s*[\[({]?((?:\s*(?:['\"`][^'\"`]+['\"`]|[\w./-]+)\s*(?:,|\||\bor\b|$))+(?:\s*(?:or|and)?\s*(?:['\"`][^'\"`]+['\"`]|[\w./-]+))?)",
        re.IGNORECASE,
    ),
    re.compile(r"Input should be ((?:['\"][^'\"]+['\"](?:, | or )?)+)"),
)
_DID_YOU_MEAN = re.compile(r"did you mean:? ['\"`]?([^'\"`?\n]+)['\"`]?", re.IGNORECASE)
_WANTED = (
    (
        re.compile(r"valid (?:list|array)|list_type|must be an? (?:list|array)|expected (?:an? )?(?:list|array)", re.I),
        "array",
    ),
    (
        re.compile(
            r"valid (?:dictionary|object|dict)|dict_type|model_type|must be an? (?:object|dict\w*|mapping)|expected (?:an? )?(?:object|dict)|should be an object",
            re.I,
        ),
        "object",
    ),
    (
        re.compile(
            r"valid integer|int_(?:type|parsing|from_float)|must be an? (?:integer|int|whole)|expected (?:an? )?(?:integer|int)\b|as an int",
            re.I,
        ),
        "integer",
    ),
    (
        re.compile(
            r"valid number|float_(?:type|parsing)|must be an? (?:number|numeric|float)|expected (?:an? )?(?:number|float)",
            re.I,
        ),
        "number",
    ),
    (re.compile(r"valid boolean|bool_(?:type|parsing)|must be an? bool|expected (?:an? )?bool", re.I), "boolean"),
    (
        re.compile(
            r"valid string|string_type|must be an? (?:string|str|text)|expected (?:an? )?(?:string|str)\b", re.I
        ),
        "string",
    ),
)


@dataclass(frozen=True)
class Reading:
    """What an error text says about the call that caused it.

    `wanted` maps an argument's location to the JSON type asked for; `allowed` to the values accepted; `quoted` are
    locations whose sent value stands in the text; `doubt` tells that an effect may have happened all the same.
    """

    text: str = ""
    unknown_tool: bool = False
    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    wanted: Mapping[Location, str] = field(default_factory=dict[Location, str])
    allowed: Mapping[Location, tuple[str, ...]] = field(default_factory=dict[Location, tuple[str, ...]])
    named: tuple[str, ...] = ()
    quoted: tuple[Location, ...] = ()
    choices: tuple[str, ...] = ()
    doubt: bool = False

    @property
    def speaks_of_arguments(self) -> bool:
        """Tell whether the text names an argument, quotes a sent value or lists what would be accepted."""
        return bool(
            self.missing or self.unexpected or self.wanted or self.allowed or self.named or self.quoted or self.choices
        )


def error_text(reply: Reply) -> str:
    """The words of a failed reply: the JSON-RPC message with its data, or the text of an error result."""
    if reply.error is not None:
        data = reply.error.get("data")
        extra = "" if data in (None, "") else "\n" + (data if isinstance(data, str) else json.dumps(data, default=str))
        return f"{reply.error.get('message', '')}{extra}"
    if reply.result is not None:
        text = text_of(reply.result)
        return text or json.dumps(value_of(reply.result), default=str, ensure_ascii=False)
    return reply.message


def read(text: str, arguments: Json, names: Iterable[str] = ()) -> Reading:
    """Read an error text about a call with these arguments; `names` are the arguments that the tool declares."""
    text = text[:20_000]
    sent = as_object(arguments) or {}
    known = {*sent, *names}
    wanted: dict[Location, str] = {}
    allowed: dict[Location, tuple[str, ...]] = {}
    missing, unexpected = _names(text, _MISSING, known), _names(text, _UNEXPECTED, set(sent))
    for where, message, kind in [*_pydantic(text, sent), *_zod(text)]:
        head = str(where[0]) if where else ""
        if "missing" in kind or message.lower() in ("required", "field required"):
            missing.append(head)
        elif "extra_forbidden" in kind or "unexpected" in kind or "unrecognized" in kind:
            unexpected.append(head)
        else:
            _about(where, message, kind, wanted, allowed)
    choices = _choices(text)
    quoted = tuple(_quoted(text, sent))
    named = tuple(name for name in known if _names_argument(text, name))
    guilty = {where[0]: where for where in quoted if where}
    if len(guilty) == 1 and choices and not allowed:
        allowed[next(iter(guilty.values()))] = choices
    subjects = [name for name in named if name in sent]
    if not wanted and len(subjects) == 1:
        _about((subjects[0],), text, "", wanted, {})
        if choices and not allowed:
            allowed[(subjects[0],)] = choices
    return Reading(
        text=text,
        unknown_tool=_UNKNOWN_TOOL.search(text) is not None,
        missing=tuple(dict.fromkeys(name for name in missing if name not in sent)),
        unexpected=tuple(dict.fromkeys(name for name in unexpected if name in sent)),
        wanted=wanted,
        allowed=allowed,
        named=named,
        quoted=quoted,
        choices=choices,
        doubt=_DOUBT.search(text) is not None,
    )


def _names(text: str, patterns: Iterable[re.Pattern[str]], known: set[str]) -> list[str]:
    found = [
        name for pattern in patterns for match in pattern.finditer(text) for name in re.findall(r"[\w$.-]+", match[1])
    ]
    return [name for name in found if name in known]


def _names_argument(text: str, name: str) -> bool:
    if len(name) > 2 and ("_" in name or re.search(r"[a-z][A-Z]", name) or len(name) > 5):
        return mentions(text, name)
    return (
        re.search(
            rf"['\"`]{re.escape(name)}['\"`]|(?:argument|parameter|field|property|key):? {re.escape(name)}\b|^{re.escape(name)}\s*$",
            text,
            re.I | re.M,
        )
        is not None
    )


def _pydantic(text: str, sent: Mapping[str, Any]) -> list[tuple[Location, str, str]]:
    if "validation error" not in text:
        return []
    found: list[tuple[Location, str, str]] = []
    for match in _PYDANTIC.finditer(text):
        parts = [int(part) if part.isdigit() else part for part in match[1].strip().split(".")]
        while len(parts) > 1 and parts[0] not in sent and parts[1] in sent:
            parts = parts[1:]
        found.append((tuple(parts), match[2], match[3]))
    return found


def _zod(text: str) -> list[tuple[Location, str, str]]:
    start = text.find("[")
    if '"code"' not in text or '"path"' not in text or start < 0:
        return []
    try:
        issues, _ = json.JSONDecoder().raw_decode(text[start:])
    except ValueError:
        return []
    found: list[tuple[Location, str, str]] = []
    for issue in as_list(issues) or []:
        keys = as_object(issue) or {}
        where: Location = tuple(as_list(keys.get("path")) or [])
        absent = keys.get("received") == "undefined" or "received undefined" in str(keys.get("message"))
        kind = "missing" if absent else f"{keys.get('code')} {keys.get('expected', '')}"
        if keys.get("code") == "unrecognized_keys":
            found.extend(((str(name),), "", "unrecognized") for name in as_list(keys.get("keys")) or [])
            continue
        options = as_list(keys.get("options")) or as_list(keys.get("values"))
        message = f"must be one of {', '.join(map(repr, options))}" if options else str(keys.get("message", ""))
        expected = keys.get("expected")
        found.append((where, f"{message}; expected {expected}" if expected else message, kind))
    return found


def _about(
    where: Location, message: str, kind: str, wanted: dict[Location, str], allowed: dict[Location, tuple[str, ...]]
) -> None:
    for pattern, name in _WANTED:
        if pattern.search(kind) or pattern.search(message):
            wanted[where] = name
            return
    choices = _choices(message)
    if choices:
        allowed[where] = choices


def _choices(text: str) -> tuple[str, ...]:
    for pattern in _CHOICES:
        match = pattern.search(text)
        if match:
            quoted = re.findall(r"['\"`]([^'\"`]+)['\"`]", match[1])
            parts = quoted or [part.strip() for part in re.split(r",|\||\bor\b|\band\b", match[1])]
            parts = [part for part in parts if part]
            if len(parts) > 1 or quoted:
                return tuple(dict.fromkeys(parts))
    meant = _DID_YOU_MEAN.search(text)
    return (meant[1].strip(),) if meant else ()


def _quoted(text: str, sent: Mapping[str, Any]) -> Iterable[Location]:
    lowered = text.lower()
    for where, value in walk(dict(sent)):
        if isinstance(value, str) and len(value) > 1 and value.lower() in lowered and mentions(text, value):
            yield where
        elif (
            isinstance(value, int | float)
            and not isinstance(value, bool)
            and abs(value) > 1
            and mentions(text, str(value))
        ):
            yield where


def silent_failure(value: Json, *, has_output_schema: bool) -> str | None:
    """The error inside a result that claims success, None where there is none.

    An object that holds nothing but an error (and a status beside it), or a text that opens with an error marker.
    Honest empty results (`[]`, `{"results": []}`, "no matches") are no failures.
    """
    keys = as_object(value)
    if keys is not None:
        return _error_object(keys, has_output_schema=has_output_schema)
    if isinstance(value, str) and re.match(
        r"\s*(?:[A-Za-z]+ )?(?:api )?(?:error|exception|traceback)\b[^\n]{0,40}[:(]|\s*error executing", value, re.I
    ):
        return value.strip()[:500]
    return None


_BESIDE_ERROR = frozenset(
    {
        "error",
        "errors",
        "status",
        "code",
        "message",
        "success",
        "ok",
        "detail",
        "details",
        "statuscode",
        "errorcode",
        "type",
        "traceback",
        "hint",
        "requestid",
        "timestamp",
        "path",
    }
)


def _error_object(keys: Mapping[str, Json], *, has_output_schema: bool) -> str | None:
    lone = keys.get("result")
    if set(keys) == {"result"} and not has_output_schema:
        return silent_failure(lone, has_output_schema=True)
    flagged = (
        keys.get("success") is False
        or keys.get("ok") is False
        or str(keys.get("status", "")).lower() in ("error", "failed", "failure")
    )
    said = next((keys[name] for name in ("error", "errors", "Error", "message", "detail") if keys.get(name)), None)
    only_error = all(plain(name) in _BESIDE_ERROR for name in keys)
    speaks = any(keys.get(name) for name in ("error", "errors", "Error"))
    if said is not None and only_error and (speaks or flagged):
        return said if isinstance(said, str) else json.dumps(said, ensure_ascii=False, default=str)
    return None
