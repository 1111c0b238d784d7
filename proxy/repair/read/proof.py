"""Proof that a refused call did nothing: its whole error text is input validation, and the schema agrees.

Pure. A text proves something only if no word of it is left over, and if what it says of the arguments is how they break
the input schema that the tool publishes. Everything else leaves the outcome unknown, however much it reads like a
refusal: the same words may come after the effect.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from proxy.repair.read.validators import Complaint, Heard, ajv, location, pydantic, sentence, zod, zod_lines
from proxy.repair.view.schema import Breach, breaches
from proxy.repair.view.values import text_of
from schemas.catalog import Json, Tool, as_list, as_object
from schemas.plan import Location
from schemas.trial import Reply

LONGEST = 20_000
"""Characters of an error text beyond which it proves nothing."""
METHOD_NOT_FOUND = -32601
"""The code of a JSON-RPC error by which nothing was called."""
ENVELOPE = ""
"""Stands for the arguments as a whole among the names that a proof blames."""


def unknown_tool(reply: Reply, name: str) -> bool:
    """Tell whether a reply says, and says nothing but, that there is no such tool or method: nothing was called."""
    text = _bare(said(reply) or "", name)
    quoted = rf"['\"`]?{re.escape(name)}['\"`]?"
    absent = r"(?:not found|does not exist|is not known|is unknown|unknown|not available)"
    forms = [
        rf"(?:unknown|no such|unrecognized|nonexistent) (?:tool|function):? ?{quoted}",
        rf"(?:tool|function):? {quoted}:? (?:was )?{absent}",
        rf"(?:method|tool|function) not found: ?(?:tools/call|{quoted})",
        rf"(?:unknown|no such|unrecognized) method:? ?['\"`]?(?:tools/call|{re.escape(name)})['\"`]?",
    ]
    if reply.error is not None and reply.error.get("code") == METHOD_NOT_FOUND:
        forms += [r"(?:method|tool|function) not found", rf"{quoted}:? {absent}"]
    return any(re.fullmatch(form, text.rstrip(" ."), re.IGNORECASE) for form in forms)


def blamed(reply: Reply, tool: Tool, arguments: Json) -> frozenset[str]:
    """The arguments whose faults prove that the call was refused before it ran; empty where nothing is proven."""
    text = said(reply)
    if text is None or len(text) > LONGEST:
        return frozenset()
    bare, is_object = _bare(text, tool.name), as_object(arguments) is not None
    if not is_object and _NO_MAP.fullmatch(bare):
        return frozenset({ENVELOPE})
    broken = breaches(tool.schema, arguments) if is_object else []
    found = _validation(bare, tool.name, broken)
    mine = frozenset(complaint for breach in broken for complaint in _of_breach(breach))
    if not found or not all(_agrees(complaint, broken, mine, arguments) for complaint in found):
        return frozenset()
    return frozenset(_head(complaint, broken, arguments) for complaint in found)


def said(reply: Reply) -> str | None:
    """The words of a refusal; None where it carries anything besides."""
    if reply.error is not None:
        data = reply.error.get("data")
        plain = data in (None, "", [], {}) or _alone_in(zod(json.dumps(data)))
        return str(reply.error.get("message", "")) if plain else None
    if reply.result is None or not reply.refused or reply.result.get("structuredContent") is not None:
        return None
    blocks = as_list(reply.result.get("content")) or []
    if not all((as_object(block) or {}).get("type") == "text" for block in blocks):
        return None
    text = text_of(reply.result)
    return _alone(text) or text


def _alone_in(heard: Heard) -> bool:
    complaints, left = heard
    return bool(complaints) and not left.strip()


def _alone(text: str) -> str | None:
    """The message of a JSON object that holds nothing else."""
    try:
        keys = as_object(json.loads(text)) or {}
    except (ValueError, RecursionError):
        return None
    inner = next(iter(keys.values()), None)
    return inner if set(keys) <= {"error", "message", "detail"} and len(keys) == 1 and isinstance(inner, str) else None


def _bare(text: str, tool: str) -> str:
    """The text without what SDKs write before a validator's words."""
    name = rf"['\"`]?{re.escape(tool)}['\"`]?"
    before = re.compile(
        r"(?:MCP error )?-3260[0-3]:|Error:|[A-Za-z_][\w.]{0,60}Error:(?=\s?Input validation error:)|"
        r"Invalid (?:params|parameters|arguments):|"
        r"(?:Input )?Validation error:|Input validation (?:error|failed):|failed to deserialize parameters:|"
        rf"Invalid arguments for tool {name}:|Error (?:executing|calling) tool {name}:|tool {name}:",
        re.IGNORECASE,
    )
    text = text.strip()
    for _ in range(6):
        match = before.match(text)
        if match is None:
            break
        text = text[match.end() :].lstrip()
    return text


def _validation(text: str, tool: str, broken: Sequence[Breach]) -> list[Complaint] | None:
    """What a validator says if the whole text is its, else None."""
    found = _own_words(text, broken) or _placed(text, broken)
    for read in () if found else (pydantic, zod, zod_lines, ajv):
        heard, left = read(text)
        if heard and (not left.strip(" \n,;") or (read is pydantic and _counts(left.strip(), tool))):
            return heard
    return found or _sentences(text, tool)


_COUNT = re.compile(r"\d+ validation errors? for (\S+)")


def _counts(text: str, tool: str) -> bool:
    """Tell whether pydantic counts errors here for this tool, or for a model that is named as arguments are."""
    count = _COUNT.fullmatch(text)
    letters, own = (re.sub(r"[\W_]", "", name).lower() for name in (count[1] if count else "", tool))
    return bool(own and own in letters) or letters.endswith(("arguments", "args", "input", "params", "parameters"))


def _own_words(text: str, broken: Sequence[Breach]) -> list[Complaint] | None:
    """The sentences that Python's JSON Schema validator has for how the arguments break the schema."""
    known = {breach.message: breach for breach in broken}
    known |= {f"{breach.message} ({'.'.join(map(str, breach.at))})": breach for breach in broken if breach.at}
    lines = [text] if text in known else [line.strip("- ") for line in text.splitlines() if line.strip()]
    if not lines or not all(line in known for line in lines):
        return None
    return [complaint for line in lines for complaint in _of_breach(known[line])]


def _of_breach(breach: Breach) -> Iterator[Complaint]:
    if breach.keyword == "required":
        yield Complaint("missing", (*breach.at, str(breach.detail)))
    elif breach.keyword == "additionalProperties":
        known = as_object(breach.schema.get("properties")) or {}
        yield from (Complaint("unexpected", (*breach.at, n)) for n in as_object(breach.value) or {} if n not in known)
    else:
        yield Complaint("value", breach.at)


_EXPECTED = re.compile(
    r"(?:[iuf]\d+|(?:an? )?(?:string|boolean|integer|number|sequence|map|array|object|null)|struct \w+|"
    r"(?:one of )?[`'\"][\w.-]+[`'\"](?:(?:, | or |, or )[`'\"][\w.-]+[`'\"])*)"
)
_AT = re.compile(r"([A-Za-z_$][\w$.\[\]-]*): (missing field|unknown field|invalid type|invalid value|unknown variant)")


def _placed(text: str, broken: Sequence[Breach]) -> list[Complaint] | None:
    """A Rust server's sentence with its place: `limit: invalid type: string "5", expected i64`."""
    match = _AT.match(text)
    if match is None:
        return None
    where, rest = location(match[1]), text[match.end() :]
    if match[2] in ("missing field", "unknown field"):
        return None if rest else [Complaint("missing" if match[2] == "missing field" else "unexpected", where)]
    quoted, joint, expected = rest.removeprefix(":").strip().rpartition(", expected ")
    value = next((breach.value for breach in broken if breach.at == where), None)
    forms = {json.dumps(value), json.dumps(value, ensure_ascii=False), f"`{value}`", f'"{value}"', str(value)}
    kind, _, shown = quoted.partition(" ")
    whole = quoted in forms or (kind.isalpha() and (not shown or shown in forms))
    return [Complaint("value", where)] if joint and whole and _EXPECTED.fullmatch(expected) else None


_ENVELOPE = re.compile(
    r"Invalid request parameters|"
    r"(?:params\.)?arguments:? (?:must|should|has to) be (?:an? )?(?:object|dict(?:ionary)?|map)"
)
"""What the Python SDK and hand-written checks say where the arguments are no object."""
_NO_MAP = re.compile(r"invalid type: (?:[\w ]+ )?[`\"']?[^`\"'\n]{0,100}[`\"']?, expected (?:a map|struct \w+)")
"""What a Rust server says where the arguments are no object."""
_MISFIT = re.compile(
    r"invalid (?:type|value): (?:[\w ]+ )?[`\"']?[^`\"'\n]{0,100}[`\"']?, expected "
    r"(?:[iuf]\d+|(?:an? )?(?:string|boolean|integer|sequence|map|number)|struct \w+|one of `\w+`(?:, `\w+`)*)"
)


def _sentences(text: str, tool: str) -> list[Complaint] | None:
    """The sentences of Python, Rust and Go, and of hand-written checks that say nothing but what is missing."""
    text = re.sub(rf"^{re.escape(tool)}\(\) ", "", text).rstrip(". ")
    text = re.sub(r" at line \d+ column \d+$", "", text)
    said = sentence(text)
    if said is not None:
        return said
    if _ENVELOPE.fullmatch(text):
        return [Complaint("value", ())]
    return [Complaint("value", None)] if _MISFIT.fullmatch(text) else None


_UNIONS = ("anyOf", "oneOf", "allOf", "if", "then", "else", "not", "contains")


def _agrees(complaint: Complaint, broken: Sequence[Breach], mine: frozenset[Complaint], arguments: Json) -> bool:
    """Tell whether the arguments break the published schema as the complaint says; `mine` is how they break it."""
    if as_object(arguments) is None:
        return complaint.kind != "unexpected" and _enveloped(complaint.where)
    where = complaint.where
    if where is None:
        kinds = (
            ("additionalProperties", "unevaluatedProperties") if complaint.kind == "unexpected" else ("type", "enum")
        )
        return len(broken) == 1 and broken[0].keyword in kinds
    if complaint.kind != "value":
        return complaint in mine or _in_a_union(where[:-1], broken)
    placed = any(breach.at[: len(where)] == where for breach in broken if where)
    return placed or _in_a_union(where, broken)


def _in_a_union(where: Location, broken: Sequence[Breach]) -> bool:
    return any(b.at and b.keyword in _UNIONS and where[: len(b.at)] == b.at for b in broken)


def _enveloped(where: Location | None) -> bool:
    return where is not None and where in ((), ("arguments",), ("params", "arguments"), ("params",))


def _head(complaint: Complaint, broken: Sequence[Breach], arguments: Json) -> str:
    if as_object(arguments) is None:
        return ENVELOPE
    if complaint.where is None:
        place = next(iter(_of_breach(broken[0]))).where or ()
        return str((*place, ENVELOPE)[0])
    return str((*complaint.where, ENVELOPE)[0])
