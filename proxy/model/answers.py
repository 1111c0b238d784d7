"""Questions to a model that gives no likelihoods of options, and the strict reading of what comes back. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from schemas.catalog import Json, as_list, as_object

NOT_CHOSEN = -1.0
"""The score of an option that was not chosen; the chosen one has 0."""


def listed(context: str, options: Sequence[str]) -> str:
    """The context, and the options with their numbers."""
    lines = "\n".join(f"{number}) {option}" for number, option in enumerate(options, 1))
    return f"{context}\n\nThese are the candidates:\n{lines}"


def chosen(answer: str, count: int) -> list[float] | None:
    """The scores of so many options after one was chosen by its number; None where the answer is no such number."""
    numbers = [str(number) for number in range(1, count + 1)]
    return [0.0 if number == answer else NOT_CHOSEN for number in numbers] if answer in numbers else None


def json_of(text: str) -> Json:
    """The JSON of an answer, with or without a code fence around it; None where there is none."""
    stripped = text.strip().removeprefix("```json").removeprefix("```").removesuffix("```").strip()
    try:
        return json.loads(stripped)
    except (ValueError, RecursionError):
        return None


def likelihoods(reply: Mapping[str, Any], start: int, lengths: Sequence[int]) -> list[float] | None:
    """Mean log-likelihood of each option's tokens: of so many characters from `start` in the prompt of its index.

    None: not all of them are in the reply.
    """
    choices = sorted((as_object(choice) or {} for choice in as_list(reply.get("choices")) or []), key=_index)
    scores = [_mean(choice, start, length) for choice, length in zip(choices, lengths, strict=False)]
    found = [score for score in scores if score is not None]
    return found if len(found) == len(lengths) == len(choices) else None


def _index(choice: Mapping[str, Any]) -> int:
    return int(choice.get("index") or 0)


def _mean(choice: Mapping[str, Any], start: int, length: int) -> float | None:
    """Mean log-likelihood of the tokens that begin within `length` characters from `start`.

    An echoed prompt has its tokens under `logprobs`, with offsets (vLLM, llama-cpp-python). Tokens after it are left
    out, and so is a first one without likelihood.
    """
    chances = [chance for at, chance in _echoed(choice) if start <= at < start + length and chance is not None]
    return sum(chances) / len(chances) if chances else None


def _echoed(choice: Mapping[str, Any]) -> Iterator[tuple[int, float | None]]:
    found = as_object(choice.get("logprobs")) or {}
    offsets = as_list(found.get("text_offset")) or []
    chances = as_list(found.get("token_logprobs")) or []
    for offset, chance in zip(offsets, chances, strict=False):
        yield int(offset), None if chance is None else float(chance)
