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


def likelihood(reply: Mapping[str, Any], start: int, length: int) -> float | None:
    """Mean log-likelihood of the tokens that begin within `length` characters from `start`; None: not in the reply.

    Two spellings are in use for a prompt that ends with an option: `prompt_logprobs` (vLLM), one entry per token
    with its text and likelihood, and the older `logprobs` of an echoed prompt (vLLM, llama-cpp-python), with offsets.
    """
    choice = as_object((as_list(reply.get("choices")) or [None])[0]) or {}
    tokens = _vllm(choice, start + length) or list(_echoed(choice))
    chances = [chance for offset, chance in tokens if start <= offset < start + length and chance is not None]
    return sum(chances) / len(chances) if chances else None


def _vllm(choice: Mapping[str, Any], end: int) -> list[tuple[int, float | None]]:
    """Offset and likelihood of each prompt token; an entry is `{token id: {logprob, rank, decoded_token}}`.

    The prompt's own token comes first in its entry, likelier ones after it. The first entry is null and does not
    tell its text, so offsets are counted from the end of the prompt.
    """
    found: list[tuple[int, float | None]] = []
    for entry in reversed(as_list(choice.get("prompt_logprobs")) or []):
        own = as_object(next(iter((as_object(entry) or {}).values()), None)) or {}
        if own:
            end -= len(str(own.get("decoded_token", "")))
            found.append((end, float(own["logprob"])))
    return found


def _echoed(choice: Mapping[str, Any]) -> Iterator[tuple[int, float | None]]:
    found = as_object(choice.get("logprobs")) or {}
    offsets = as_list(found.get("text_offset")) or []
    chances = as_list(found.get("token_logprobs")) or []
    for offset, chance in zip(offsets, chances, strict=False):
        yield int(offset), None if chance is None else float(chance)
