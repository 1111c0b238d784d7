"""What Hypothesis draws for each target: bytes that have the shape which it reads, and a few that have not."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

Bytes = st.SearchStrategy[bytes]

SCRIPTS = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=8)
WORDS = st.one_of(
    SCRIPTS,
    st.sampled_from("mark text depth tags when level count πλήθος 件数 probe store log_line lab far low LOW".split()),
    st.sampled_from("3 3.0 1e400 1,000 $s0 $s0.mark {{s0.mark}} {{s0.}} #E1 $1 <mark> TBD null true [1] {}".split()),
    st.sampled_from(["2026-02-30", "__proto__", ".", "../..", "\\", "\0", "\u202e", ""]),
)
PLAIN = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), WORDS)
ANY = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3), max_leaves=8
)


def written(strategy: st.SearchStrategy[Any]) -> Bytes:
    return strategy.map(lambda value: json.dumps(value).encode())


# messages

IDS = st.one_of(st.integers(), st.text(max_size=5), st.none(), st.floats(allow_nan=False), st.booleans(), ANY)
METHODS = st.sampled_from(["tools/call", "ping", "notifications/cancelled", "notifications/progress", "", "x/y"])
MESSAGES = st.fixed_dictionaries(
    {}, optional={"jsonrpc": st.sampled_from(["2.0", "1.0", 2]), "id": IDS, "method": METHODS | ANY, "params": ANY,
                  "result": ANY, "error": ANY},
)  # fmt: skip
LINES: Bytes = st.lists(
    st.one_of(written(MESSAGES), written(st.lists(MESSAGES, max_size=2)), st.binary(max_size=20)), max_size=4
).map(b"\n".join)
FIELDS = st.sampled_from([b"data: x", b"data:", b"event: ping", b"id: 1", b"id: \0", b"retry: 5", b"retry: \xc2\xb2",
                          b": comment", b"data", b"\xff\xfe", b"\xef\xbb\xbf", b"", b""])  # fmt: skip
STREAMS: Bytes = st.lists(st.tuples(FIELDS, st.sampled_from([b"\n", b"\r", b"\r\n", b""])), max_size=12).map(
    lambda pairs: b"".join(part for pair in pairs for part in pair)
)

# plans

STEPS = st.fixed_dictionaries(
    {},
    optional={
        "id": st.sampled_from(["s0", "s1", "s2", "output"]) | ANY,
        "tool": st.sampled_from(["probe", "store", "lab__probe", "far.log_line", "stroe", ""]) | ANY,
        "name": WORDS,
        "arguments": st.dictionaries(WORDS, ANY, max_size=3) | ANY,
        "after": st.lists(st.sampled_from(["s0", "s1", "s9"]), max_size=2) | ANY,
        "map": ANY,
        "server": st.sampled_from(["lab", "far", "gone"]) | ANY,
        "expect": ANY,
    },
)
PLANS: Bytes = written(
    st.one_of(
        st.fixed_dictionaries(
            {"steps": st.lists(STEPS, max_size=3)},
            optional={"goal": WORDS | ANY, "output": ANY, "mode": ANY, "budget": ANY, "seed": ANY},
        ),
        st.lists(STEPS, max_size=2),
        ANY,
    )
)

# schemas and what upstreams say

KINDS = st.sampled_from(
    ["string", "integer", "number", "boolean", "array", "object", "null", "text", 7, ["null", "string"]]
)
NAMES = st.sampled_from(["mark", "text", "πλήθος", "件数", "Text", "te xt", "when", "a.b", ""])
PATTERNS = st.sampled_from(["^a+$", "(", "^(a+)+$", "\\d{4}-\\d{2}", "^\\p{L}+$", "(?<=x)y", "[", "^.{0,99999}$"])
LEAVES = st.fixed_dictionaries(
    {},
    optional={
        "type": KINDS, "enum": st.lists(PLAIN, max_size=3) | ANY, "const": PLAIN, "default": ANY, "pattern": PATTERNS,
        "format": st.sampled_from(["date", "date-time", "uri", "email", "regex", 5]), "minimum": ANY, "maxLength": ANY,
        "description": WORDS | ANY, "$ref": st.sampled_from(["#", "#/properties/text", "#/nowhere", "other.json", 5]),
    },
)  # fmt: skip
SCHEMAS = st.recursive(
    LEAVES,
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "type": KINDS, "properties": st.dictionaries(NAMES, inner | ANY, max_size=3) | ANY,
            "required": st.lists(NAMES, max_size=2) | ANY, "items": inner | ANY, "additionalProperties": inner | ANY,
            "anyOf": st.lists(inner, max_size=2) | ANY, "oneOf": st.lists(inner, max_size=2), "not": inner,
            "allOf": ANY, "$defs": st.dictionaries(NAMES, inner, max_size=2) | ANY,
        },
    ),
    max_leaves=5,
)  # fmt: skip
SIMPLE = st.builds(
    lambda kinds, required, closed: {
        "type": "object",
        "properties": {name: {"type": kind} for name, kind in kinds.items()},
        "required": [name for name in kinds if name in required],
        **({"additionalProperties": False} if closed else {}),
    },
    st.dictionaries(NAMES, st.sampled_from(["string", "integer", "number", "boolean"]), max_size=3),
    st.lists(NAMES),
    st.booleans(),
)
PHRASES = st.sampled_from(
    [
        "text is required", "'text' is a required property", "Input validation error: ", "one of ", "did you mean 'x'",
        "[type=int_parsing, input_value='3', input_type=str]", "1 validation error for call[t]\ntext\n  Field required",
        '[{"code":"invalid_type","expected":"number","path":["text"],"message":"Required"}]', "παράμετρος text λείπει",
        "Unknown tool: t", "must be an integer",
        "(at /text)", "'", '"', "`", "a.b", "\x1b[31m", "\u202e", "[", "{", "\n",
    ]
)  # fmt: skip
TEXTS = st.lists(st.one_of(PHRASES, WORDS), max_size=6).map(" ".join)
GIVEN = st.dictionaries(NAMES, PLAIN, max_size=3) | ANY
CALLS: Bytes = written(st.tuples(st.one_of(SIMPLE, SCHEMAS, ANY), GIVEN, TEXTS))
REFUSALS: Bytes = written(st.tuples(TEXTS, GIVEN, st.lists(NAMES, max_size=3)))

# names, paths, settings

SERVERS = st.sampled_from(["lab", "far", "Lab", "gone", "mcp", ""])
MARKS = st.sampled_from(["__", ".", ":", "_", "/", "-", " ", "<|channel|>"])
SPELLINGS: Bytes = st.lists(st.one_of(SERVERS, MARKS, WORDS, st.sampled_from(["probe", "log_line"])), max_size=5).map(
    lambda parts: "".join(parts).encode()
)
PATHS: Bytes = written(
    st.tuples(
        ANY,
        st.lists(st.sampled_from([".", "/", "[0]", "[-1]", "*", "~1", "~", "mark", "0", "-1", ""]), max_size=5).map(
            "".join
        ),
        st.lists(
            st.sampled_from(["{{s}}", "{{s.mark}}", "{{t.x}}", "{{", "}}", "{{ s . mark }}", "a"]), max_size=5
        ).map(" ".join),
    )
)
KEYS = st.sampled_from(
    ["upstreams", "repair", "mode", "command", "args", "url", "mcpServers", "servers", "x", '"y z"', "env"]
)
VALUES = st.sampled_from(
    ['"a"', "5", '[1, "b"]', "true", "{}", '"${HOME}"', '"${X:-${Y}}"', '"${"', "", "nan", "[", "'''"]
)
TOML = st.lists(
    st.one_of(
        st.builds("{} = {}".format, KEYS, VALUES),
        st.builds("[{}.{}]".format, KEYS, KEYS),
        st.builds("[{}]".format, KEYS),
        st.text(max_size=5),
    ),
    max_size=6,
).map("\n".join)
ENTRY = st.dictionaries(
    st.sampled_from(["command", "args", "url", "env", "headers", "type", "disabled", "x"]), ANY, max_size=4
)
CLIENT_FILE = st.dictionaries(
    st.sampled_from(["mcpServers", "servers", "mcp", "context_servers"]),
    st.dictionaries(WORDS, ENTRY | ANY, max_size=2),
)
SETTINGS: Bytes = st.one_of(TOML.map(str.encode), written(CLIENT_FILE), written(ANY), st.binary(max_size=40))

INPUTS: dict[str, Bytes] = {
    "lines": LINES,
    "events": STREAMS,
    "peer": LINES,
    "submission": PLANS,
    "call": CALLS,
    "refusal": REFUSALS,
    "name": SPELLINGS,
    "path": PATHS,
    "settings": SETTINGS,
}
