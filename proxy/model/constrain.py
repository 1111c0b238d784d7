"""Answers under a JSON Schema: the model chooses, the grammar decides what may be chosen.

Greedy, so the same prompt gives the same answer. Tokens that the grammar forces are never sampled: they are
evaluated together with the next chosen one, as one batch.
"""

# pyright: basic

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import llguidance
import numpy as np

from proxy.model.native import Native, Row
from proxy.model.prefix import Prefix
from proxy.model.wire import Fault, Faulty

BRANCH = 1
LAYOUT: Any = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": ", "lenient": True}
"""The spacing that models write by themselves; what the grammar cannot express is checked afterwards instead."""


@dataclass(frozen=True)
class Written:
    """An answer: its text, whether it is complete, and how many of its tokens were chosen and forced."""

    text: str
    complete: bool
    sampled: int
    forced: int


class Grammars:
    """Turns JSON Schemas into matchers for one model's vocabulary."""

    def __init__(self, native: Native) -> None:
        self._words = native.words
        self._tokenizer = llguidance.LLTokenizer.from_llamacpp(  # pyright: ignore[reportAttributeAccessIssue] - no stub
            tokens=native.words_as_bytes(),
            vocab_ptr=native.vocab,
            tokenize_fptr=native.splitter,
            eos_token=native.ends(),
            slices=llguidance.LLTokenizer.json_slices(),
        )

    def matcher(self, schema: Mapping[str, Any]) -> llguidance.LLMatcher:
        """A matcher at the beginning of a value under `schema`; raises Faulty."""
        try:
            grammar = llguidance.LLMatcher.grammar_from_json_schema(json.dumps(schema), overrides=LAYOUT)
        except ValueError as error:
            raise Faulty(Fault.SCHEMA, str(error)) from error
        matcher = llguidance.LLMatcher(self._tokenizer, grammar, log_level=0)
        if matcher.is_error():
            raise Faulty(Fault.SCHEMA, matcher.get_error())
        return matcher

    def text(self, tokens: Sequence[int]) -> str:
        """The text of an answer's tokens, the ending one left out."""
        return self._tokenizer.decode_bytes([token for token in tokens if not self.ends(token)]).decode(
            errors="replace"
        )

    def ends(self, token: int) -> bool:
        """Tell whether a token ends the answer."""
        return token in self._tokenizer.eos_tokens

    def choose(self, matcher: llguidance.LLMatcher, row: Row) -> int:
        """The likeliest token that the grammar allows; the whole mask is computed only where the favourite is not."""
        favourite = int(row.argmax())
        if matcher.validate_tokens([favourite]) == 1:
            return favourite
        bits = np.frombuffer(matcher.compute_bitmask(), dtype=np.uint8)
        allowed = np.flatnonzero(np.unpackbits(bits, bitorder="little")[: self._words])
        return int(allowed[row[allowed].argmax()])


def write(native: Native, prefix: Prefix, grammars: Grammars, matcher: llguidance.LLMatcher, limit: int) -> Written:
    """Write at most `limit` tokens after the prompt that `prefix` holds.

    Raises Faulty where stopped. The answer lives on a branch of its own, so that the prompt stays as it is.
    """
    assert prefix.logits is not None  # noqa: S101 - `hold` comes first
    start = len(prefix.tokens)
    limit = min(limit, native.capacity - start)
    tokens: list[int] = []
    seen = sampled = 0
    row = prefix.logits
    native.fork(0, BRANCH)
    try:
        while len(tokens) < limit:
            forced = matcher.compute_ff_tokens()
            matcher.consume_tokens(forced)
            tokens += forced
            if matcher.is_stopped() or len(tokens) >= limit:
                break
            if seen < len(tokens):
                *_, (_, rows) = native.read(tokens[seen:], start + seen, BRANCH)
                row, seen = rows[0], len(tokens)
            token = grammars.choose(matcher, row)
            if not matcher.consume_token(token):
                raise Faulty(Fault.SCHEMA, matcher.get_error())
            tokens.append(token)
            sampled += 1
            if matcher.is_stopped():
                break
    finally:
        native.cut(BRANCH)
    complete = matcher.is_stopped() and not matcher.is_error()
    return Written(grammars.text(tokens), complete or matcher.is_accepting(), sampled, len(tokens) - sampled)
