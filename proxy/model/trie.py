"""Options as a tree of tokens: what several options share is evaluated once. Pure; knows no model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class Node:
    """One token at one depth; `options` are the indexes of those that pass through it."""

    token: int
    depth: int
    options: list[int] = field(default_factory=list[int])
    children: dict[tuple[int, int], int] = field(default_factory=dict[tuple[int, int], int])


@dataclass(frozen=True)
class Trie:
    """Nodes with parents before children, and for each option the nodes it passes through, in order."""

    nodes: tuple[Node, ...]
    paths: tuple[tuple[int, ...], ...]

    @property
    def inner(self) -> list[int]:
        """Nodes that something follows: only these need a forward pass."""
        return [index for index, node in enumerate(self.nodes) if node.children]


def grow(options: Sequence[Sequence[int]], *, shared: bool = True) -> Trie:
    """Arrange options as a tree; with `shared` false each keeps its own nodes (models that cannot share tokens)."""
    nodes: list[Node] = []
    paths: list[tuple[int, ...]] = []
    roots: dict[tuple[int, int], int] = {}
    for number, option in enumerate(options):
        children = roots
        path: list[int] = []
        for depth, token in enumerate(option):
            key = (token, -1 if shared else number)
            if key not in children:
                children[key] = len(nodes)
                nodes.append(Node(token, depth))
            index = children[key]
            nodes[index].options.append(number)
            path.append(index)
            children = nodes[index].children
        paths.append(tuple(path))
    return Trie(tuple(nodes), tuple(paths))


def groups(options: Sequence[Sequence[int]], *, count: int, tokens: int) -> list[list[int]]:
    """Cut a list of options into runs of at most `count` options and `tokens` tokens, an overlong one alone."""
    found: list[list[int]] = []
    room = 0
    for index, option in enumerate(options):
        if not found or len(found[-1]) == count or len(option) > room:
            found.append([])
            room = tokens
        found[-1].append(index)
        room -= len(option)
    return found
