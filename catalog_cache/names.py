"""Find the tools that a spelling may mean, by exact normalisation alone.

Pure, and never fuzzy: two spellings are the same only if they differ in prefixes, separators, case or the debris of a
chat template. `disassemble_` is `disassemble`, and never `decompile_function`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from weakref import WeakKeyDictionary

from catalog_cache.effects import seems_to_read
from catalog_cache.letters import plain, same, split
from schemas.catalog import Catalog, Tool

_SEPARATORS = (".", ":", "/", "__")
_QUOTES = " \t\r\n\"'`“”‘’«»*"
_NAME = re.compile(r"[\"']?name[\"']?\s*[:=]\s*[\"']([^\"']+)[\"']")
_ADDRESSED = re.compile(r"\bto\s*=\s*([\w.:/-]+)")
_TAG = re.compile(
    r"<\|[^<>]*\|>|</?\s*(?:tool_call|tool|function|function_call|invoke|call|s)\s*>|\[/?TOOL_CALLS?\]", re.I
)
_FUNCTION_TAG = re.compile(r"<function\s*=\s*([^>]+)>?")
_PREFIX = re.compile(
    r"^(?:multi_tool_use\.|functions?[.:/]|tools?[.:/]|default_api[.:/]|namespace[.:/]|assistant[.:/]|@)", re.I
)
_PREFIX_ENDS = re.compile(r"__|[.:/]")
_FLAT_PREFIX = re.compile(r"mcp_[^\W_]+_([^\W_]+_\w+)")
"""`mcp_NAME_` before a name of several words."""
_SAYING, _ARGUMENTS = re.compile(r"[!~^-]"), re.compile(r"[({][^(){}]*\w")
"""What stands before a name or behind it and may say what is to be done."""
_TRAILER = re.compile(r"\s*(?:\(.*\)?|\{.*|:\d+)$", re.S)


def owner(catalog: Catalog, spelling: str) -> str | None:
    """The server whose name, with a separator behind it, a spelling begins with: no other server's tool is meant.

    `NAME__x`, `NAME.x`, `NAME:x`, `NAME/x` and the same behind `mcp` belong to NAME, be it connected or not.
    """
    heads = {body[: mark.start()] for body in _bodies(spelling) for mark in _PREFIX_ENDS.finditer(body)}
    return max((name for name in catalog.servers if any(same(name, head) for head in heads)), key=len, default=None)


def _bodies(spelling: str) -> list[str]:
    """A spelling, and what of it stands behind `mcp`."""
    return [spelling, *(spelling.removeprefix(f"mcp{m}") for m in _SEPARATORS if spelling.startswith(f"mcp{m}"))]


def resolve(catalog: Catalog, spelling: str) -> tuple[Tool, ...]:
    """Every tool that the spelling names at the strictest level where it names any; () where it names none.

    A spelling that begins with a server's name resolves among its own tools. One that says more than one tool's name
    names none, unless that tool seems to read.
    """
    found = _resolved(catalog, spelling)
    whose = owner(catalog, clean(spelling)) if found else None
    found = tuple(tool for tool in found if whose in (None, tool.server))
    surely = len(found) != 1 or seems_to_read(found[0]) or says(spelling, found[0])
    return found if surely else ()


def says(spelling: str, tool: Tool) -> bool:
    """Tell whether a spelling says a tool's name and nothing more than its server, and that a tool follows.

    A word more (`undo.transfer`), a mark (`!transfer`), or arguments (`transfer(dry_run=true)`) may say more, unless
    they are the tool's own.
    """
    if spelling in {tool.public, tool.name, *_qualified(tool)}:
        return True
    bare = clean(spelling)
    if _SAYING.match(spelling.strip()) or (bare and _ARGUMENTS.search(spelling.partition(bare)[2])):
        return False
    own, said = Counter(split(tool.name)), Counter(split(bare))
    if own - said:
        return set(own) <= set(said)
    return split(bare)[:1] == ("mcp",) or not set(said - own) - {*split(tool.server), *own}


def exact(catalog: Catalog, spelling: str) -> tuple[Tool, ...]:
    """Every tool of which this is the listed name, its own name, or either with its server before it, as written."""
    index = _indexed(catalog)
    found = (tool for level in _EXACT for tool in index[level].get(spelling, ()))
    return tuple({tool.public: tool for tool in found}.values())


def _indexed(catalog: Catalog) -> tuple[Index, ...]:
    index = _INDEXES.get(catalog)
    if index is None:
        index = _INDEXES[catalog] = tuple(_index(catalog, forms) for forms in _FORMS)
    return index


def _resolved(catalog: Catalog, spelling: str) -> tuple[Tool, ...]:
    index = _indexed(catalog)
    bare = clean(spelling)
    said = (spelling, bare, squeeze(bare), undoubled(bare))
    for level, which in _ORDER:
        found = index[level].get(said[which])
        if not found and level == _QUALIFIED:
            found = _behind_own_prefix(catalog, index, said[which])
        if found:
            return found
    return _behind_foreign_prefix(catalog, index, bare)


def _behind_own_prefix(catalog: Catalog, index: tuple[Index, ...], name: str) -> tuple[Tool, ...]:
    """What a qualified name means behind its server's name once more: `mcp__github__github.list`."""
    found: dict[str, Tool] = {}
    for server in sorted(catalog.offering):
        for body in _bodies(name):
            rests = [body.removeprefix(server + mark) for mark in _SEPARATORS if body.startswith(server + mark)]
            tools = (tool for rest in rests for level in (_QUALIFIED, _PUBLIC) for tool in index[level].get(rest, ()))
            found |= {tool.public: tool for tool in tools if tool.server == server}
    return tuple(found.values())


def _behind_foreign_prefix(catalog: Catalog, index: tuple[Index, ...], bare: str) -> tuple[Tool, ...]:
    """What a name means without a prefix that nobody here knows: the client's own name for the only server."""
    if len(catalog.offering) != 1:
        return ()
    for separator in _PREFIX_ENDS.finditer(bare):
        rest = bare[separator.end() :]
        found = index[_OWN].get(rest) or index[_SQUEEZED_OWN].get(squeeze(rest))
        if found:
            return found
    flat = _FLAT_PREFIX.fullmatch(bare)
    return index[_OWN].get(flat[1], ()) if flat else ()


Index = Mapping[str, tuple[Tool, ...]]
_INDEXES: WeakKeyDictionary[Catalog, tuple[Index, ...]] = WeakKeyDictionary()


def _index(catalog: Catalog, forms: Callable[[Tool], set[str]]) -> Index:
    found: dict[str, list[Tool]] = {}
    for tool in catalog:
        for form in forms(tool):
            found.setdefault(form, []).append(tool)
    return {form: tuple(tools) for form, tools in found.items()}


def clean(spelling: str) -> str:
    """Strip what chat templates leave around a name: special tokens, tags, quotes, call brackets, `functions.`."""
    text = spelling.strip()
    for pattern in (_FUNCTION_TAG, _NAME, _ADDRESSED):
        if (found := pattern.search(text)) is not None:
            text = found.group(1)
            break
    text = next((part for part in (piece.strip(_QUOTES) for piece in _TAG.split(text)) if part), "")
    text = _TRAILER.sub("", text).strip(_QUOTES)
    while (shorter := _PREFIX.sub("", text)) != text and shorter:
        text = shorter
    return text.strip(_QUOTES + ".,;:")


def squeeze(name: str) -> str:
    """The letters of a name; a name of other characters alone stays itself."""
    return plain(name) or name


def _qualified(tool: Tool) -> set[str]:
    plain = {f"{tool.server}{separator}{tool.name}" for separator in _SEPARATORS}
    return plain | {f"mcp{separator}{form}" for separator in _SEPARATORS for form in (*plain, tool.public)}


def _tail(tool: Tool) -> set[str]:
    """The tool's own name without prefixes that its server itself put before it: `mcp__memory__list` is `list`."""
    parts = _PREFIX_ENDS.split(tool.name)
    return {"__".join(parts[index:]) for index in range(1, len(parts)) if parts[index]}


def undoubled(name: str) -> str:
    """A squeezed name in which a word that follows itself counts once: `mcp_mcp_github` is `mcp_github`."""
    words = split(name)
    return "".join(word for index, word in enumerate(words) if index == 0 or word != words[index - 1])


def _shortened(tool: Tool) -> set[str]:
    """The tool's own name without a server name that it begins with; never an empty one."""
    head, name = squeeze(tool.server), squeeze(tool.name)
    return {name.removeprefix(head)} if head and name.startswith(head) and name != head else set()


def _squeezed_qualified(tool: Tool) -> set[str]:
    server, name, public = squeeze(tool.server), squeeze(tool.name), squeeze(tool.public)
    plain = {server + name, public}
    return plain | {"mcp" + form for form in plain} | {server + form for form in plain}


_FORMS: tuple[Callable[[Tool], set[str]], ...] = (
    lambda tool: {tool.public},
    lambda tool: {tool.name},
    _qualified,
    lambda tool: {squeeze(tool.public)},
    lambda tool: {squeeze(tool.name)},
    _squeezed_qualified,
    _shortened,
    lambda tool: {squeeze(form) for form in _tail(tool)},
    lambda tool: {undoubled(tool.name), undoubled(tool.public)},
)
"""The spellings of a tool that count, from the strictest level to the loosest."""

_PUBLIC, _OWN, _QUALIFIED, _SQUEEZED_OWN = 0, 1, 2, 4
_EXACT, _LOOSE = range(3), range(3, 8)
_ORDER = (*((level, which) for which in (0, 1) for level in _EXACT), *((level, 2) for level in _LOOSE), (8, 3))
"""Level, and which reading of the spelling it is asked for: as written, cleaned, squeezed, with no word twice."""
