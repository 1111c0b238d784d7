"""Reads the likelihood of an option out of a server's reply about the text that ends with it. Pure.

Two spellings are in use: `prompt_logprobs` (vLLM), one entry per prompt token with the token's text and likelihood,
and the older `logprobs` of an echoed prompt (vLLM, llama-cpp-python), with the offset of each token in the text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from schemas.catalog import as_list, as_object


def of_options(reply: Mapping[str, Any], start: int, length: int) -> float | None:
    """Mean log-likelihood of the tokens that begin within `length` characters from `start`; None: not in the reply."""
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
