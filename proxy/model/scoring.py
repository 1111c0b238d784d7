"""How likely the model finds each option after a prompt, all options in one batch.

Scores carry the noise of floating-point kernels, up to about one nat on the smallest models when a batch has
another shape: smaller differences are ties for whoever reads them.
"""

# pyright: basic

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import numpy as np

from proxy.model.native import BRANCHES, OUTPUTS, Entry, Native, Row
from proxy.model.prefix import Prefix
from proxy.model.wire import Fault, Faulty

Beginning = tuple[int, tuple[int, ...]]
"""The first tokens of options, with the number of the option they belong to, -1 where all may share them."""


def score(native: Native, prefix: Prefix, options: Sequence[Sequence[int]]) -> list[float]:
    """Mean log-likelihood per token of each option after the prompt that `prefix` holds, in nats.

    Raises Faulty where an option does not fit behind the prompt. An empty option scores 0.
    """
    room = native.capacity - len(prefix.tokens)
    if max(map(len, options), default=0) > room:
        raise Faulty(Fault.TOO_LONG, f"an option of {max(map(len, options))} tokens where {room} are left")
    found: list[float] = []
    for group in groups(options, count=BRANCHES, tokens=room):
        found += _score(native, prefix, group)
    return found


def groups(options: Sequence[Sequence[int]], *, count: int, tokens: int) -> list[list[Sequence[int]]]:
    """Cut a list of options into runs of at most `count` options and `tokens` tokens, an overlong one alone."""
    found: list[list[Sequence[int]]] = []
    room = 0
    for option in options:
        if not found or len(found[-1]) == count or len(option) > room:
            found.append([])
            room = tokens
        found[-1].append(option)
        room -= len(option)
    return found


def beginnings(options: Sequence[Sequence[int]], *, shared: bool) -> dict[Beginning, list[int]]:
    """Every beginning that something follows, to the numbers of its options; a shorter one comes before its longer.

    Without `shared` each option keeps its own (models that cannot share tokens).
    """
    found: dict[Beginning, list[int]] = {}
    for number, option in enumerate(options):
        for length in range(1, len(option)):
            found.setdefault(_beginning(number, option, length, shared=shared), []).append(number)
    return found


def _beginning(number: int, option: Sequence[int], length: int, *, shared: bool) -> Beginning:
    return -1 if shared else number, tuple(option[:length])


def _score(native: Native, prefix: Prefix, options: list[Sequence[int]]) -> list[float]:
    assert prefix.logits is not None  # noqa: S101 - `hold` comes first
    firsts = _likelihoods(prefix.logits, {option[0] for option in options if option})
    after = _evaluate(native, options, len(prefix.tokens))
    scores: list[float] = []
    for number, option in enumerate(options):
        keys = [_beginning(number, option, length, shared=native.tree) for length in range(1, len(option))]
        chances = [firsts[token] for token in option[:1]]
        chances += [after[key][token] for key, token in zip(keys, option[1:], strict=True)]
        scores.append(sum(chances) / max(1, len(chances)))
    return scores


def _evaluate(native: Native, options: Sequence[Sequence[int]], start: int) -> dict[Beginning, dict[int, float]]:
    """Run each beginning through the model once: to the tokens that follow it in an option, their log-likelihoods."""
    found: dict[Beginning, dict[int, float]] = {}
    waiting = iter(beginnings(options, shared=native.tree).items())
    branches = range(1, len(options) + 1)
    try:
        for branch in branches:
            native.fork(0, branch)
        while part := list(islice(waiting, OUTPUTS)):
            entries = [
                Entry(tokens[-1], start + len(tokens) - 1, [number + 1 for number in numbers], wanted=True)
                for (_, tokens), numbers in part
            ]
            for (beginning, numbers), row in zip(part, native.decode(entries), strict=True):
                follow = {options[number][len(beginning[1])] for number in numbers}
                found[beginning] = _likelihoods(row, follow)
    finally:
        for branch in branches:
            native.cut(branch)
    return found


def _likelihoods(row: Row, tokens: set[int]) -> dict[int, float]:
    top = float(row.max())
    total = top + float(np.log(np.exp(row - top).sum(dtype=np.float64)))
    return {token: float(row[token]) - total for token in tokens}
