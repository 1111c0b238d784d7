"""How likely the model finds each option after a prompt, all options in one batch.

Scores carry the noise of floating-point kernels, up to about one nat on the smallest models when a batch has
another shape: smaller differences are ties for whoever reads them.
"""

# pyright: basic

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from proxy.model.native import BRANCHES, OUTPUTS, Entry, Native, Row
from proxy.model.prefix import Prefix, TooLong
from proxy.model.trie import Trie, groups, grow


def score(native: Native, prefix: Prefix, options: Sequence[Sequence[int]]) -> list[float]:
    """Mean log-likelihood per token of each option after the prompt that `prefix` holds, in nats.

    Raises TooLong where an option does not fit behind the prompt. An empty option scores 0.
    """
    room = native.capacity - len(prefix.tokens)
    if max(map(len, options), default=0) > room:
        raise TooLong(f"an option of {max(map(len, options))} tokens where {room} are left")
    found: list[float] = []
    for group in groups(options, count=BRANCHES, tokens=room):
        found += _score(native, prefix, [options[index] for index in group])
    return found


def _score(native: Native, prefix: Prefix, options: list[Sequence[int]]) -> list[float]:
    assert prefix.logits is not None  # noqa: S101 - `hold` comes first
    trie = grow(options, shared=native.tree)
    firsts = {trie.nodes[path[0]].token for path in trie.paths if path}
    after_prompt = _likelihoods(prefix.logits, firsts)
    after = _evaluate(native, trie, len(prefix.tokens))
    scores: list[float] = []
    for option, path in zip(options, trie.paths, strict=True):
        chances = [after_prompt[option[0]]] if option else []
        chances += [after[node][token] for node, token in zip(path, option[1:], strict=False)]
        scores.append(sum(chances) / max(1, len(chances)))
    return scores


def _evaluate(native: Native, trie: Trie, start: int) -> dict[int, dict[int, float]]:
    """Run the inner nodes through the model: node to (token that follows it, its log-likelihood)."""
    inner = trie.inner
    if not inner:
        return {}
    branches = range(1, len(trie.paths) + 1)
    found: dict[int, dict[int, float]] = {}
    try:
        for branch in branches:
            native.fork(0, branch)
        for offset in range(0, len(inner), OUTPUTS):
            chunk = inner[offset : offset + OUTPUTS]
            nodes = [trie.nodes[index] for index in chunk]
            entries = [
                Entry(node.token, start + node.depth, [option + 1 for option in node.options], wanted=True)
                for node in nodes
            ]
            for index, node, row in zip(chunk, nodes, native.decode(entries), strict=True):
                found[index] = _likelihoods(row, {token for token, _ in node.children})
    finally:
        for branch in branches:
            native.cut(branch)
    return found


def _likelihoods(row: Row, tokens: set[int]) -> dict[int, float]:
    top = float(row.max())
    total = top + float(np.log(np.exp(row - top).sum(dtype=np.float64)))
    return {token: float(row[token]) - total for token in tokens}
