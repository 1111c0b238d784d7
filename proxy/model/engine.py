"""What the worker can do with one model: rank options and write values. Knows no pipes and no processes."""

# pyright: basic

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from proxy.model import constrain, scoring
from proxy.model.native import Native
from proxy.model.prefix import Prefix
from proxy.model.requests import AbortFlag

_MESSAGE = "\x01"
_NO_THOUGHTS = "<think>\n\n</think>\n\n"


@dataclass(frozen=True)
class Answer:
    """What a request gave (None: the limit came before the value was complete) and the tokens it took.

    `reused` counts prompt tokens that were still held, `tokens` all that were evaluated; `sampled` and `forced` are
    the written ones.
    """

    value: Any
    tokens: int
    reused: int = 0
    sampled: int = 0
    forced: int = 0


class Engine:
    """One model, one kept prompt, one request at a time."""

    def __init__(self, path: Path, abort: AbortFlag, *, context: int, threads: int, gpu_layers: int) -> None:
        self.native = Native(path, abort, context=context, threads=threads, gpu_layers=gpu_layers)
        self.prefix = Prefix(self.native)
        self._before, self._after = self._wrapping()

    def __call__(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Answer a request of the worker; raises Faulty."""
        if body["do"] == "rank":
            return asdict(self.rank(body["context"], body["options"]))
        return asdict(self.generate(body["context"], body["schema"], body["limit"]))

    @cached_property
    def grammars(self) -> constrain.Grammars:
        """Made on first use: reading the vocabulary takes a moment."""
        return constrain.Grammars(self.native)

    def _wrapping(self) -> tuple[list[int], list[int]]:
        """The tokens of the chat template before and after the user's message; none where the model has none."""
        template = self.native.template()
        rendered = self.native.render(template, _MESSAGE) if template else None
        if rendered is None or _MESSAGE not in rendered:
            return self.native.tokens("", begin=True), self.native.tokens("\n")
        before, _, after = rendered.partition(_MESSAGE)
        if "enable_thinking" in template and "<think>" in template:
            after += _NO_THOUGHTS
        return self.native.tokens(before, special=True, begin=True), self.native.tokens(after, special=True)

    def prompt(self, context: str) -> list[int]:
        """The tokens of a prompt in the chat template, ready for the answer.

        Control tokens spelled out in `context` stay plain text: it holds what upstreams say about themselves.
        """
        return [*self._before, *self.native.tokens(context), *self._after]

    def rank(self, context: str, options: Sequence[str]) -> Answer:
        """Mean log-likelihood per token of each option as the answer to `context`."""
        before = self.native.evaluated
        self.prefix.hold(self.prompt(context))
        scores = scoring.score(self.native, self.prefix, [self.native.tokens(option) for option in options])
        return Answer(scores, self.native.evaluated - before, self.prefix.reused)

    def generate(self, context: str, schema: Mapping[str, Any], limit: int) -> Answer:
        """One JSON value under `schema` as the answer to `context`, None where `limit` tokens were too few."""
        before = self.native.evaluated
        matcher = self.grammars.matcher(schema)
        self.prefix.hold(self.prompt(context))
        reused = self.prefix.reused
        written = constrain.write(self.native, self.prefix, self.grammars, matcher, limit)
        value = json.loads(written.text) if written.complete else None
        return Answer(value, self.native.evaluated - before, reused, written.sampled, written.forced)

    def close(self) -> None:
        """Free the model."""
        self.native.close()
