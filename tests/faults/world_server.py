"""A server whose effects are counted for each intent, and whose error texts may come before or after the effect.

`world_server.main(LOG, SEED, MARK)`. Fifty tools: five classes of effect in ten languages. Whatever reaches it
adds a line to LOG, with `done` where the effect happened. Every result carries values that begin with MARK, which
belong to this server alone. Only the standard library, so that it starts quickly.
"""

from __future__ import annotations

import json
import os
import random
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.faults.sayings import EXACT, LOUD, PROSE, Fault, Members

HINTS: dict[str, dict[str, bool] | None] = {
    "unknown": None,
    "write": {"readOnlyHint": False, "destructiveHint": False},
    "destructive": {"readOnlyHint": False, "destructiveHint": True},
    "idempotent": {"readOnlyHint": False, "destructiveHint": False, "idempotentHint": True},
    "read": {"readOnlyHint": True},
}
# the tool, then its arguments for who, how many, in which mood, with which remark
DRESSES = {
    "en": ("book_table", "guest", "count", "mood", "remark"),
    "de": ("tisch_buchen", "gast", "anzahl", "stimmung", "bemerkung"),
    "es": ("reservar_mesa", "huésped", "cantidad", "ánimo", "nota"),
    "el": ("krata_trapezi", "πελάτης", "πλήθος", "διάθεση", "σχόλιο"),
    "ru": ("zakazat_stol", "гость", "количество", "настроение", "примечание"),
    "ja": ("yoyaku", "名前", "人数", "気分", "備考"),
    "zh": ("yuding", "客人", "数量", "心情", "备注"),
    "ar": ("hajz", "الاسم", "العدد", "المزاج", "ملاحظة"),
    "hi": ("aarakshan", "नाम", "संख्या", "मनोदशा", "टिप्पणी"),
    "th": ("jong", "ชื่อ", "จำนวน", "อารมณ์", "หมายเหตุ"),
}
MOODS = ("calm", "lively", "solemn")
TEXT, WHOLE = {"type": "string"}, {"type": "integer"}


def tools() -> dict[str, tuple[str, dict[str, Any]]]:
    """Each tool by its name: its class and itself; half of the schemas forbid what they do not name."""
    found: dict[str, tuple[str, dict[str, Any]]] = {}
    for number, (language, (stem, who, many, mood, remark)) in enumerate(DRESSES.items()):
        for place, (effect, hints) in enumerate(HINTS.items()):
            kinds = {
                "intent": TEXT,
                who: TEXT,
                many: WHOLE,
                mood: {"type": "string", "enum": list(MOODS)},
                remark: TEXT,
            }
            schema: dict[str, Any] = {"type": "object", "properties": kinds, "required": ["intent", who, many]}
            if (number + place) % 2:
                schema["additionalProperties"] = False
            name = f"{stem}_{place + 1}"
            tool = {"name": name, "description": f"{stem} ({language})", "inputSchema": schema}
            found[name] = (effect, tool if hints is None else {**tool, "annotations": hints})
    return found


TOOLS = tools()


def faults_of(schema: Mapping[str, Any], given: Any) -> list[Fault]:
    """What is wrong with arguments by the published schema."""
    if not isinstance(given, dict):
        return [Fault("missing", name, None) for name in schema["required"]]
    kinds = schema["properties"]
    found = [Fault("missing", name, None) for name in schema["required"] if name not in given]
    for name, value in given.items():
        kind = kinds.get(name)
        if kind is None:
            found += [Fault("unexpected", name, value)] if schema.get("additionalProperties") is False else []
        elif type(value) is not (int if kind is WHOLE else str):
            found.append(Fault("type", name, value))
        elif "enum" in kind and value not in kind["enum"]:
            found.append(Fault("enum", name, value, MOODS))
    return found


class World:
    """The server; what it does about a call is drawn from the seed, the intent and how often it has come."""

    def __init__(self, log: str, seed: str, mark: str) -> None:
        self.log, self.seed, self.mark = log, seed, mark
        self.came: Counter[str] = Counter()

    def call(self, name: str, given: Any) -> Members | None:
        """Answer one call; None is no answer at all."""
        if name not in TOOLS:
            return {"error": {"code": -32602, "message": f"Unknown tool: {name}"}}
        effect, tool = TOOLS[name]
        intent = str(given.get("intent")) if isinstance(given, dict) else "?"
        draw = random.Random(f"{self.seed}/{intent}/{self.came[intent]}")  # noqa: S311
        self.came[intent] += 1
        faults = faults_of(tool["inputSchema"], given)
        strict = draw.random() < 0.7
        if faults and strict:
            self._note(name, effect, intent, given, done=False)
            return draw.choice((*EXACT, *EXACT, *PROSE))(name, faults, draw)
        self._note(name, effect, intent, given, done=True)
        return self._after(name, tool["inputSchema"], given, faults, draw)

    def _after(self, name: str, schema: Any, given: Any, faults: list[Fault], draw: random.Random) -> Members | None:
        luck = draw.random()
        if luck < 0.35:
            value = {"ticket": f"{self.mark}-{draw.getrandbits(32)}", "api_key": f"{self.mark}-key"}
            return {"result": {"content": [{"type": "text", "text": json.dumps(value)}], "structuredContent": value}}
        if luck < 0.37:
            return None
        if luck < 0.38:
            os._exit(5)
        told = self._told(schema, given, faults, draw)
        blamed = {fault.name for fault in faults}
        innocent = [fault for fault in told if fault.name not in blamed]
        if innocent and draw.random() < 0.5:
            return draw.choice((*EXACT, *PROSE))(name, innocent[:1], draw)
        return draw.choice(LOUD)(name, faults or told, draw)

    @staticmethod
    def _told(schema: Any, given: Any, faults: list[Fault], draw: random.Random) -> list[Fault]:
        """Complaints that the published schema does not bear out."""
        kinds = schema["properties"]
        sent = given if isinstance(given, dict) else {}
        name = draw.choice([key for key in kinds if key != "intent"])
        extra = [Fault("unexpected", key, value) for key, value in sent.items() if key not in kinds]
        kind = draw.choice(["type", "enum"]) if name in sent else "missing"
        return [*extra, Fault(kind, name, sent.get(name), MOODS)] if draw.random() < 0.5 else [
            Fault(kind, name, sent.get(name), MOODS), *extra]  # fmt: skip

    def _note(self, tool: str, effect: str, intent: str, given: Any, *, done: bool) -> None:
        line = {"tool": tool, "effect": effect, "intent": intent, "given": given, "done": done}
        handle = os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(handle, (json.dumps(line) + "\n").encode())
        os.close(handle)


def main(log: str, seed: str, mark: str) -> None:
    world = World(log, seed, mark)
    for line in sys.stdin:
        message = json.loads(line)
        if "id" not in message or "method" not in message:
            continue
        reply = answer(world, message["method"], message.get("params") or {})
        if reply is not None:
            print(json.dumps({"jsonrpc": "2.0", "id": message["id"], **reply}), flush=True)  # noqa: T201


def answer(world: World, method: str, params: Mapping[str, Any]) -> Members | None:
    if method == "initialize":
        hello = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}}
        return {"result": {**hello, "serverInfo": {"name": "world", "version": "1"}}}
    if method == "tools/list":
        return {"result": {"tools": [tool for _, tool in TOOLS.values()]}}
    if method == "tools/call":
        return world.call(str(params.get("name")), params.get("arguments"))
    return {"error": {"code": -32601, "message": "Method not found"}}


def command(log: Path, seed: int, mark: str) -> list[str]:
    """The command line that starts it, from any folder."""
    root = str(Path(__file__).parents[2])
    code = f"import sys; sys.path.insert(0, {root!r}); from tests.faults.world_server import main; main(*sys.argv[1:])"
    return [sys.executable, "-I", "-S", "-c", code, str(log), str(seed), mark]
