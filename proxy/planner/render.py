"""How tools, calls and results are written for a small model: short, and the same every time. Pure.

Knows no question and no budget; `prompt` decides what is told and how much of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from proxy.repair.view.notes import note, summary
from proxy.repair.view.schema import Schema, allowed_values, branches, deref, types_of
from proxy.repair.view.shown import shown
from proxy.repair.view.values import MISSING
from schemas.catalog import Json, Tool, as_list, as_object
from schemas.plan import Step, as_ref

CHOICES = 12
"""Allowed values that a tool line names; more are cut off."""
LONG = 40
"""Characters of a type beyond which a second argument of the same type only names the first."""
BRIEFLY = 60
"""Characters of a description where many tools are named."""
BRIEF = 4
"""Letters below which an allowed value is no beginning of a word."""


def labels(tools: Sequence[Tool]) -> dict[str, Tool]:
    """The name under which each tool is shown: its own where that is unique here, else its public one."""
    names = [tool.name for tool in tools]
    return {tool.name if names.count(tool.name) == 1 else tool.public: tool for tool in tools}


def brief(tools: Sequence[Tool]) -> str:
    """Tools under their servers, each with what it requires and what it does in a few words."""
    lines: list[str] = ["Tools:"]
    server = ""
    for name, tool in labels(tools).items():
        if tool.server != server:
            server = tool.server
            lines.append(f"{server}:")
        needed = ", ".join(key for key in tool.properties if key in tool.required)
        lines.append(f"- {name}({needed}): {cut(summary(tool), BRIEFLY)}")
    return "\n".join(lines)


def tool_line(name: str, tool: Tool, width: int, notes: int = 0, topic: str = "") -> str:
    """One tool as a signature; at most `width` characters of its description and `notes` of each argument's.

    Of many allowed values those that `topic` mentions are shown first.
    """
    shown: dict[str, str] = {}
    arguments: list[str] = []
    for key, schema in tool.properties.items():
        kind = type_text(schema, tool.schema, topic)
        told = cut(note(tool, key), notes)
        optional = "" if key in tool.required else "?"
        short = f"as {shown[kind]}" if kind in shown and len(kind) > LONG else kind
        arguments.append(f"{key}{optional}: {short}" + (f" ({told})" if told else ""))
        shown.setdefault(kind, key)
    said = cut(summary(tool), width)
    return f"- {name}({', '.join(arguments)})" + (f": {said}" if said else "")


def type_text(schema: Json, root: Schema, topic: str = "") -> str:
    """What a schema accepts in a word: `a|b|c`, `[string]`, `{x, y}`, `number`, `date`."""
    schema = deref(schema, root)
    allowed = allowed_values(schema, root)
    if allowed:
        texts = [_bare(value) for value in allowed]
        if len(texts) > CHOICES:
            texts.sort(key=lambda text: not _mentioned(text, topic))
        return "|".join(texts[:CHOICES]) + ("|..." if len(texts) > CHOICES else "")
    kinds = [kind for kind in _kinds(schema, root) if kind != "null"]
    return "|".join(dict.fromkeys(kinds)) or "any"


def _mentioned(value: str, topic: str) -> bool:
    """Tell whether a word of the topic begins with the value; short ones must be a word of their own."""
    end = r"\b" if len(value) < BRIEF else ""
    return re.search(rf"\b{re.escape(value)}{end}", topic, re.IGNORECASE) is not None


def _kinds(schema: Schema, root: Schema) -> list[str]:
    found: list[str] = []
    for branch in branches(schema, root):
        named = sorted(types_of(branch, root)) if "type" in branch or "properties" in branch else ["any"]
        for kind in named:
            if kind == "array":
                found.append(f"[{type_text(branch.get('items', {}), root)}]")
            elif kind == "object":
                keys = as_object(branch.get("properties"))
                found.append("{" + ", ".join(keys) + "}" if keys else "object")
            else:
                found.append(str(branch.get("format", kind)) if kind == "string" else kind)
    return found


def _bare(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def cut(text: str, width: int) -> str:
    """The first `width` characters of a text in one line, whole words."""
    line = shown(" ".join(text.split()))
    if len(line) <= width:
        return line
    head = line[:width].rsplit(" ", 1)[0] if width > 0 else ""
    return head.rstrip(",.;:") + "..." if head else ""


def call_text(step: Step, *, plain: bool = False) -> str:
    """A step as a call; `plain` writes references as `"$step.path"`, as models do, instead of as objects."""
    arguments = _plain(step.arguments) if plain else step.arguments
    return f"{step.tool}({json.dumps(arguments, ensure_ascii=False)})"


def _plain(value: Json) -> Json:
    ref = as_ref(value)
    if ref is not None:
        return f"${ref.step}.{ref.path}" if ref.path else f"${ref.step}"
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in (as_object(value) or {}).items()}
    items = as_list(value)
    return value if items is None else [_plain(inner) for inner in items]


def step_line(step: Step, result: Json, width: int, *, plain: bool = False) -> str:
    """A step with its id and, where it has run, what came back in at most `width` characters."""
    line = f"{step.id} = {call_text(step, plain=plain)}"
    return line if result is MISSING or width <= 0 else f"{line} -> {result_text(result, width)}"


def result_text(value: Json, width: int) -> str:
    """A result with its keys and the beginning of its values; deeper levels shrink first."""
    for depth, items, text in ((6, 5, 80), (4, 2, 40), (3, 1, 20), (2, 1, 12), (1, 1, 8)):
        written = json.dumps(_shorten(value, depth, items, text), ensure_ascii=False)
        if len(written) <= width:
            return written
    fields = as_object(value)
    return cut("{" + ", ".join(fields) + "}" if fields else json.dumps(value, ensure_ascii=False), width)


def _shorten(value: Json, depth: int, items: int, text: int) -> Json:
    fields, entries = as_object(value), as_list(value)
    if fields is not None:
        return "{...}" if depth == 0 else {key: _shorten(v, depth - 1, items, text) for key, v in fields.items()}
    if entries is not None:
        if depth == 0:
            return f"[{len(entries)} items]"
        more = [f"... {len(entries) - items} more"] if len(entries) > items else []
        return [_shorten(entry, depth - 1, items, text) for entry in entries[:items]] + more
    return cut(value, text) if isinstance(value, str) else value
