"""Whether a call of a transcript failed, where the format does not say so. Pure.

Chat messages hold an answer's text alone. It is an error where the text is one by its form, or where the arguments
break the tool's schema and the text names or quotes just that: the one is known in English, the other in any language.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace

from proxy.audit.transcript import Past
from proxy.repair.read.phrases import ERROR_TEXT, UNKNOWN_TOOL
from proxy.repair.read.refusal import error_text, silent_failure
from proxy.repair.view.schema import breaches
from proxy.repair.view.values import value_of
from schemas.catalog import Catalog, Json, as_object
from schemas.trial import Reply

_OPENS = re.compile(
    r"\s*(?:\W{0,3})(?:MCP error -?\d+|[A-Za-z_.]{0,60}(?:Error|Exception):|Traceback \(most recent|"
    r"(?:Input )?validation error|\d+ validation errors? for |Invalid (?:arguments?|parameters?|params|input)\b|"
    r"Unknown (?:tool|function)\b)",
    re.IGNORECASE,
)
_READ = 600
"""Characters of an answer that are looked at: a refusal says what it refuses at the beginning."""


def settled(past: Past, catalog: Catalog) -> Past:
    """The same call, refused where its answer says so although its format does not."""
    reply = past.reply
    if past.stated or reply is None or reply.result is None or reply.refused:
        return past
    if not _failed(past, reply, catalog):
        return past
    return replace(past, reply=Reply(result={**reply.result, "isError": True}))


def _failed(past: Past, reply: Reply, catalog: Catalog) -> bool:
    value = value_of(reply.result or {})
    keys = as_object(value)
    if keys is not None:
        flagged = keys.get("isError") is True or keys.get("is_error") is True
        return flagged or silent_failure(value, has_output_schema=False) is not None
    text = error_text(reply)[:_READ]
    tool = catalog.origin(past.server, past.name)
    if tool is None:
        return _OPENS.match(text) is not None or UNKNOWN_TOOL.search(text) is not None
    if _OPENS.match(text) or ERROR_TEXT.match(text):
        return True
    broken = breaches(tool.schema, past.arguments or {})
    return any(_tells(text, breach.at[:1] or (breach.detail,), breach.value) for breach in broken)


def _tells(text: str, names: tuple[Json, ...], value: Json) -> bool:
    """Tell whether a text names an argument, or quotes its value, as a word of its own."""
    said = [str(name) for name in names if isinstance(name, str)]
    said += [json.dumps(value, ensure_ascii=False)] if isinstance(value, str | int | float) else []
    return any(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) for word in said if len(word) > 1)
