"""Read YAML and remember where each key stands. Pure; knows nothing of configurations."""

from __future__ import annotations

from typing import Any, cast

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from proxy.settings.jsonc import Document, Path, TextError


def parse(text: str) -> Document:
    """Read a text with one document, a byte order mark before it left out; raises `TextError`.

    An empty text has the value None. What an alias or a merge key stands for has no place: it is of several keys.
    """
    text = text.removeprefix("\ufeff")
    try:
        root: Any = _yaml().compose(text)
        value: Any = _yaml().load(text)
    except MarkedYAMLError as error:
        told = cast("Any", error)
        mark = told.problem_mark or told.context_mark
        raise TextError(str(told.problem or told.context), mark.line + 1 if mark else 1) from None
    except (YAMLError, ValueError, RecursionError) as error:
        raise TextError(f"this is not YAML: {error}", 1) from None
    document = Document(text, value, {}, {}, {}, assign=": ")
    if root is None:
        return document
    return _Walk(text).document(root, value)


def _yaml() -> Any:
    return cast("Any", YAML(typ="safe", pure=True))


class _Walk:
    """One walk over the nodes of a text, which notes where they stand, the first time that it meets them."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.newline = "\r\n" if "\r\n" in text else "\n"
        self.lines: dict[Path, int] = {}
        self.spans: dict[Path, tuple[int, int]] = {}
        self.keys: dict[Path, int] = {}
        self.blocks: dict[Path, str] = {}
        self.seen: set[int] = set()

    def document(self, root: Any, value: Any) -> Document:
        """The text with what the walk from its root finds."""
        self._node((), root)
        return Document(self.text, value, self.lines, self.spans, self.keys, blocks=self.blocks)

    def _node(self, at: Path, node: Any) -> int:
        """Note a node and what it holds; tells where it ends, comments behind it left out."""
        start: int = node.start_mark.index
        end: int = node.end_mark.index
        self.lines.setdefault(at, node.start_mark.line + 1)
        if id(node) in self.seen:
            return start
        self.seen.add(id(node))
        members: list[tuple[Any, Any]] = node.value if node.id == "mapping" else []
        items: list[Any] = node.value if node.id == "sequence" else []
        ends = [self._member(at, key, value) for key, value in members]
        for number, item in enumerate(items):
            self.keys[*at, number] = item.start_mark.index
            ends.append(self._node((*at, number), item))
        if ends and not node.flow_style:
            indent = self.newline + " " * node.start_mark.column
            self.blocks[at] = indent + "- " if items else indent
            end = max(ends)
        self.spans[at] = (start, end)
        return end

    def _member(self, at: Path, key: Any, value: Any) -> int:
        path = (*at, str(key.value))
        self.keys[path], self.lines[path] = key.start_mark.index, key.start_mark.line + 1
        end = self._node(path, value)
        if self.spans.get(path) == (end, end):  # a value of no characters stands behind its key
            self.spans[path] = (key.end_mark.index + 1,) * 2
        return self.spans.get(path, (end, key.end_mark.index))[1]
