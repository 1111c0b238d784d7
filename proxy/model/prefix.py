"""The prompt that sequence 0 holds, kept from request to request.

Requests about one plan share their beginning (instructions, catalog, plan): only what differs is evaluated. A
prompt about to be overwritten is set aside in memory, so that two proxies, or two kinds of question, do not
evict one another. Knows tokens only.
"""

# pyright: basic

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass, field

from proxy.model.native import Native, Row
from proxy.model.wire import Fault, Faulty

WORTH_SAVING = 128
"""Tokens: fewer are evaluated again sooner than they are worth the 10 to 25 kB that each takes aside."""
ASIDE_BYTES = 256 << 20
ASIDE_COUNT = 6


@dataclass
class _Aside:
    tokens: list[int]
    state: ctypes.Array[ctypes.c_uint8] = field(repr=False)


def common(left: Sequence[int], right: Sequence[int]) -> int:
    """Length of the common beginning."""
    for index, (one, other) in enumerate(zip(left, right, strict=False)):
        if one != other:
            return index
    return min(len(left), len(right))


class Prefix:
    """What sequence 0 holds, and the logits after its last token.

    Invariant: the context's sequence 0 begins with `tokens`, also after an abort; no other sequence is in use
    between requests.
    """

    def __init__(self, native: Native) -> None:
        self._native = native
        self.tokens: list[int] = []
        self.logits: Row | None = None
        self.reused = 0
        self._aside: list[_Aside] = []

    def hold(self, tokens: Sequence[int]) -> Row:
        """Make sequence 0 hold exactly `tokens` and return the logits after them.

        Raises Faulty where they leave no room for an answer and where stopped; what was evaluated stays.
        """
        if len(tokens) >= self._native.capacity:
            raise Faulty(
                Fault.TOO_LONG, f"a prompt of {len(tokens)} tokens, where the context holds {self._native.capacity}"
            )
        if self.logits is not None and self.tokens == tokens:
            self.reused = len(tokens)
            return self.logits
        keep = self._keep(tokens)
        self.reused = keep
        self.logits = self._evaluate(list(tokens), keep)
        return self.logits

    def _keep(self, tokens: Sequence[int]) -> int:
        """Bring the best known beginning of `tokens` into sequence 0 and return its length."""
        keep = common(self.tokens, tokens)
        best = max(self._aside, key=lambda aside: common(aside.tokens, tokens), default=None)
        if len(self.tokens) - keep >= WORTH_SAVING:
            self._set_aside()
        if best is not None and common(best.tokens, tokens) > keep:
            self.tokens = list(best.tokens) if self._native.restore(best.state) else []
            keep = common(self.tokens, tokens)
        keep = min(keep, len(tokens) - 1)  # the last token is evaluated again for its logits
        self.logits = None
        if not self._native.cut(0, keep):
            self._native.cut(0)
            keep = 0
        self.tokens = list(tokens[:keep])
        return keep

    def _evaluate(self, tokens: list[int], start: int) -> Row:
        rows: list[Row] = []
        for part, rows in self._native.read(tokens[start:], start, 0):  # noqa: B007 - the last ones count
            self.tokens += part
        return rows[0].copy()

    def _set_aside(self) -> None:
        """Keep the present prompt in memory, in place of any that is its beginning."""
        self._aside = [aside for aside in self._aside if common(aside.tokens, self.tokens) < len(aside.tokens)]
        self._aside.append(_Aside(list(self.tokens), self._native.save()))
        while len(self._aside) > ASIDE_COUNT or sum(len(aside.state) for aside in self._aside) > ASIDE_BYTES:
            self._aside.pop(0)
