"""The messages of agents: Claude Code's sessions, Anthropic's and OpenAI's APIs and their logs, Codex's rollouts.

Pure. Claude Code and Codex write the server into a tool's name; elsewhere all tools count as those of one server.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from proxy.audit.shapes import as_result, as_tool, is_block, is_item, is_message, loaded, placed
from proxy.audit.transcript import CHAT, Answered, Called, Elsewhere, Event, Left, Listed
from schemas.catalog import Json, as_list, as_object, fingerprint
from schemas.trial import Lost, Reply

CLAUDE_CODE, CODEX = "Claude Code session", "Codex rollout"
ANTHROPIC, OPENAI = "Anthropic messages", "OpenAI messages"
_OWN_TOOLS = frozenset({CLAUDE_CODE, CODEX})
"""Formats of clients whose tools without a server's name are their own."""
BY_THE_CLIENT = "refused by the client or its user before it was sent"
_UNSENT = (
    "<tool_use_error>",
    "The user doesn't want to ",
    "[Request interrupted by user",
    "Claude requested permissions to use ",
    "Permission to use ",
)
"""How Claude Code answers a call that it does not send."""
NO_OBJECT = "its arguments are no JSON"
_RECORDS = frozenset(
    "user assistant system summary result progress attachment file-history-snapshot queue-operation last-prompt".split()
)
"""Types of the records in a session of Claude Code."""
_MARKS = frozenset({"sessionId", "session_id", "uuid", "leafUuid"})
"""Fields of which each such record has one."""
_NESTED = ("request", "response", "body", "input", "output", "kwargs", "data", "trace", "choices", "message")
"""Fields under which logs of model calls keep messages."""
_DEEP = 4


@dataclass
class Messages:
    """One file of messages; `format` is what they turn out to be."""

    format: str = ""
    _turn: int = 0
    _message: str = ""
    _told: set[str] = field(default_factory=set[str])
    _nth: int = 0
    """Calls without an id in the history under way, which are known by their place."""
    _open: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """Name and id of those that have no answer yet."""

    def read(self, value: Json, line: int) -> list[Event] | None:
        """The events of one record, None where it holds no messages."""
        keys = as_object(value)
        if keys is None:
            items = as_list(value) or []
            held = any(map(is_message, items)) or any(map(is_item, items))
            return list(self._history(items, "", line)) if held else None
        if str(keys.get("type")) in _RECORDS and (_MARKS & set(keys) or self.format == CLAUDE_CODE):
            return list(self._claude_code(keys, line))
        if keys.get("type") in ("response_item", "event_msg", "session_meta", "turn_context") and "payload" in keys:
            return list(self._codex(as_object(keys["payload"]) or {}, line))
        if is_message(keys):
            return list(self._one(keys, self._session(keys), line))
        nothing: list[Json] = []
        session = self._session(keys) or _conversation(next(_histories(keys, 0), nothing))
        found = list(self._logged(keys, session, line, 0))
        return found or ([] if self._holds_messages(keys) else None)

    def _holds_messages(self, keys: Mapping[str, Json]) -> bool:
        return any(is_message(item) for item in as_list(keys.get("messages")) or [])

    def _session(self, keys: Mapping[str, Json]) -> str:
        names = ("session_id", "sessionId", "conversation_id", "thread_id", "trace_id")
        return next((str(keys[name]) for name in names if isinstance(keys.get(name), str)), "")

    def _claude_code(self, keys: Mapping[str, Json], line: int) -> Iterator[Event]:
        self.format = CLAUDE_CODE
        session = str(keys.get("sessionId") or keys.get("session_id") or "")
        message = as_object(keys.get("message"))
        if message is not None and is_message(message):
            yield from self._one(message, f"{session} {keys.get('agentId') or ''}".strip(), line)

    def _codex(self, item: Mapping[str, Json], line: int) -> Iterator[Event]:
        self.format = CODEX
        if item.get("type") == "mcp_tool_call_end":
            yield from self._codex_mcp(item, line)
        else:
            yield from self._item(item, "", line)

    def _codex_mcp(self, item: Mapping[str, Json], line: int) -> Iterator[Event]:
        """A call of an MCP server with its result, which is `{"Ok": ...}` or `{"Err": ...}`."""
        asked, key = as_object(item.get("invocation")) or {}, f"mcp {item.get('call_id')}"
        server, name = str(asked.get("server") or CHAT), str(asked.get("tool"))
        yield Called(key, "", server, name, asked.get("arguments") or {}, self._turn, line)
        outcome = item.get("result")
        result = as_object(outcome) or {}
        good = as_object(result.get("Ok")) or (result if "content" in result else None)
        failed = result.get("Err") or item.get("error")
        if good is not None:
            flag = good.get("isError", good.get("is_error")) is True
            yield Answered(key, Reply(result={**good, "isError": flag}))
        elif failed is not None:
            yield Answered(key, Reply(result=as_result(failed, failed=True)))

    def _logged(self, keys: Mapping[str, Json], session: str, line: int, depth: int) -> Iterator[Event]:
        """A request to a model, or a log's record around one: tools, messages, and the answer's."""
        by_server: dict[str, list[Mapping[str, Json]]] = {}
        for tool in map(as_tool, as_list(keys.get("tools")) or as_list(keys.get("functions")) or []):
            if tool is None:
                continue
            server, name = placed(str(tool["name"]))
            by_server.setdefault(server, []).append({**tool, "name": name})
        for server, tools in by_server.items():
            yield Listed(server, tuple(tools))
        for name in ("messages", "input", "output"):
            items = as_list(keys.get(name)) or []
            if any(map(is_message, items)) or any(map(is_item, items)):
                yield from self._history(items, session, line)
        content = as_list(keys.get("content"))
        if content and keys.get("role") is None and any(is_block(block) for block in content):
            yield from self._one({"role": "assistant", "content": content}, session, line)
        if depth >= _DEEP:
            return
        for name in _NESTED:
            inner = keys.get(name)
            for each in as_list(inner) or [inner]:
                found = as_object(loaded(each))
                if found is not None and is_message(found):
                    yield from self._one(found, session, line)
                elif found is not None:
                    yield from self._logged(found, session, line, depth + 1)

    def _history(self, items: list[Json], session: str, line: int) -> Iterator[Event]:
        """A list of messages; logs tell it again with every turn, so that places in it are counted from its begin."""
        session = session or _conversation(items)
        self._nth, self._open, self._turn = 0, [], 0
        for item in items:
            keys = as_object(item)
            if keys is not None and is_message(keys):
                yield from self._one(keys, session, line)
            elif keys is not None:
                yield from self._item(keys, session, line)

    def _one(self, message: Mapping[str, Json], session: str, line: int) -> Iterator[Event]:
        """One message: the calls or the answers in it."""
        role, content = message.get("role"), message.get("content")
        if role == "assistant":
            ident = str(message.get("id") or "")
            self._turn += not ident or ident != self._message
            self._message = ident
        if role in ("tool", "function"):
            self.format = self.format or OPENAI
            named = str(message.get("name") or message.get("tool_name") or "")
            key = str(message.get("tool_call_id") or self._closed(named))
            yield Answered(f"{session}/{key}", Reply(result=as_result(content, failed=False)), stated=False)
        for call in as_list(message.get("tool_calls")) or []:
            keys = as_object(call) or {}
            function = as_object(keys.get("function")) or {}
            self.format = self.format or OPENAI
            yield from self._called(session, keys.get("id"), function.get("name"), function.get("arguments"), line)
        legacy = as_object(message.get("function_call"))
        if legacy is not None:
            yield from self._called(session, None, legacy.get("name"), legacy.get("arguments"), line)
        for block in as_list(content) or []:
            yield from self._block(as_object(block) or {}, session, line)

    def _block(self, block: Mapping[str, Json], session: str, line: int) -> Iterator[Event]:
        kind = block.get("type")
        if kind in ("tool_use", "mcp_tool_use"):
            self.format = self.format or ANTHROPIC
            server = block.get("server_name")
            yield from self._called(
                session, block.get("id"), block.get("name"), block.get("input", {}), line,
                server if isinstance(server, str) else "",
            )  # fmt: skip
        elif kind in ("tool_result", "mcp_tool_result"):
            failed = block.get("is_error") is True
            result = as_result(block.get("content"), failed=failed)
            text = str((as_object((result["content"] or [{}])[0]) or {}).get("text", ""))
            unsent = failed and text.startswith(_UNSENT)
            reply = Reply(lost=Lost.NOT_SENT, message=BY_THE_CLIENT) if unsent else Reply(result=result)
            yield Answered(f"{session}/{block.get('tool_use_id')}", reply)

    def _item(self, item: Mapping[str, Json], session: str, line: int) -> Iterator[Event]:
        """An item of OpenAI's Responses API."""
        kind, ident = item.get("type"), item.get("call_id")
        if kind == "message" and item.get("role") == "assistant":
            self._turn += 1
        elif kind == "function_call":
            self.format = self.format or OPENAI
            space = item.get("namespace")
            name = f"{space}{item.get('name')}" if isinstance(space, str) and space else item.get("name")
            self._turn += self.format == CODEX
            yield from self._called(session, ident, name, item.get("arguments"), line)
        elif kind == "function_call_output":
            told = as_object(loaded(item.get("output")))
            flag = told.get("success") if told is not None and "content" in told else None
            body = told.get("content") if told is not None and flag is not None else item.get("output")
            reply = Reply(result=as_result(body, failed=flag is False))
            yield Answered(f"{session}/{ident}", reply, stated=flag is not None)

    def _opened(self, name: str) -> str:
        """An id for a call that has none."""
        self._nth += 1
        self._open.append((name, f"#{self._nth}"))
        return self._open[-1][1]

    def _closed(self, name: str) -> str:
        """The id of the first call without an id that has no answer yet, of this name where the answer has one."""
        at = next((at for at, (called, _) in enumerate(self._open) if name in ("", called)), None)
        return "" if at is None else self._open.pop(at)[1]

    def _called(
        self, session: str, ident: Json, name: Json, given: Json, line: int, server: str = ""
    ) -> Iterator[Event]:
        named = str(name)
        key = f"{session}/{ident or self._opened(named)}"
        if key in self._told:
            return
        self._told.add(key)
        of, tool = (server, named) if server else placed(named)
        if of == CHAT and self.format in _OWN_TOOLS:
            yield Elsewhere(named)
            return
        empty = isinstance(given, str) and not given.strip()
        arguments: Json = {} if empty else loaded(given)
        if isinstance(arguments, str):
            yield Left(NO_OBJECT)
            return
        yield Called(key, session, of, tool, arguments, self._turn, line)


def _histories(keys: Mapping[str, Json], depth: int) -> Iterator[list[Json]]:
    """The lists of messages in a record, outermost first."""
    for name in ("messages", "input"):
        if items := as_list(keys.get(name)):
            yield items
    for name in _NESTED if depth < _DEEP else ():
        if (inner := as_object(loaded(keys.get(name)))) is not None:
            yield from _histories(inner, depth + 1)


def _conversation(items: list[Json]) -> str:
    """A name for the session that begins with these messages."""
    asked = [item for item in items if (as_object(item) or {}).get("role") not in ("system", "developer")]
    return f"conversation {fingerprint(asked[:1])}" if asked else ""
