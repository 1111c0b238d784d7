"""The worker's work on meanings: texts as vectors of a small embedding model, and which of them a query is near.

Imported by the worker process alone. The model (all-MiniLM-L6-v2, int8, ONNX) and its tokenizer are read as files
of two installed distributions; nothing of them is imported. Vectors are kept on disk by the digest of their text.
"""

# onnxruntime and tokenizers have no useful static types.
# pyright: basic

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from proxy.model.models import embedding
from proxy.model.requests import AbortFlag
from proxy.model.wire import Fault, Faulty

Vectors = npt.NDArray[np.float32]
"""One row of length one per text."""

TOKENS = 96
"""Of a text: names and the first sentences."""
TOGETHER = 16
"""Texts embedded in one pass; between passes a request can be stopped."""
KEPT = 20_000
"""Vectors on disk, 1.5 kB each; beyond it the file is begun anew."""


class Meaning:
    """Answers `learn` (texts under a key) and `compare` (a query with the texts of a key)."""

    def __init__(self, cache: Path, abort: AbortFlag) -> None:
        self._cache = cache
        self._abort = abort
        self._learnt: dict[str, Vectors] = {}
        self._vectors: dict[str, npt.NDArray[np.float32]] = {}
        self._session: Any = None
        self._tokenizer: Any = None

    def __call__(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Answer one request; raises Faulty."""
        if self._session is None:
            self._open()
        if body["do"] == "learn":
            self._learn(body["key"], body["texts"])
            return {"value": len(body["texts"]), "tokens": 0, "sampled": 0}
        if body["key"] not in self._learnt:
            raise Faulty(Fault.UNKNOWN_KEY)
        near = self._learnt[body["key"]] @ self._embed([body["query"]])[0]
        return {"value": [round(float(value), 4) for value in near], "tokens": 0, "sampled": 0}

    def _open(self) -> None:
        found = embedding()
        if found is None:
            raise Faulty(Fault.MODEL, "the embedding model is not installed: install mcp-mend[retrieval]")
        import onnxruntime
        import tokenizers

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(str(found[0]), options, providers=["CPUExecutionProvider"])
        self._tokenizer = tokenizers.Tokenizer.from_file(str(found[1]))
        self._tokenizer.enable_truncation(TOKENS)
        self._tokenizer.enable_padding()
        self._vectors = self._read()

    def _learn(self, key: str, texts: Sequence[str]) -> None:
        digests = [hashlib.sha256(text.encode(errors="replace")).hexdigest()[:24] for text in texts]
        new = {digest: text for digest, text in zip(digests, texts, strict=True) if digest not in self._vectors}
        # Texts of like length together: a batch is as slow as its longest text.
        waiting = sorted(new, key=lambda digest: len(new[digest]))
        for start in range(0, len(waiting), TOGETHER):
            if self._abort.is_set:
                raise Faulty(Fault.CANCELLED)
            batch = waiting[start : start + TOGETHER]
            self._vectors.update(zip(batch, self._embed([new[digest] for digest in batch]), strict=True))
        if new:
            self._write()
        self._learnt = {key: np.stack([self._vectors[digest] for digest in digests])}

    def _embed(self, texts: Sequence[str]) -> Vectors:
        encoded = self._tokenizer.encode_batch(list(texts))
        inputs = {
            "input_ids": np.array([each.ids for each in encoded], dtype=np.int64),
            "attention_mask": np.array([each.attention_mask for each in encoded], dtype=np.int64),
            "token_type_ids": np.array([each.type_ids for each in encoded], dtype=np.int64),
        }
        names = {each.name for each in self._session.get_inputs()}
        hidden = self._session.run(None, {name: value for name, value in inputs.items() if name in names})[0]
        mask = inputs["attention_mask"][:, :, None].astype(np.float32)
        pooled = (hidden * mask).sum(axis=1) / mask.sum(axis=1)
        return pooled / np.linalg.norm(pooled, axis=1, keepdims=True)

    def _read(self) -> dict[str, npt.NDArray[np.float32]]:
        try:
            with np.load(self._cache, allow_pickle=False) as stored:
                return dict(zip(stored["digests"].tolist(), stored["vectors"].astype(np.float32), strict=True))
        except (OSError, ValueError, KeyError):
            return {}

    def _write(self) -> None:
        if len(self._vectors) > KEPT:
            return
        fresh = self._cache.with_suffix(".new.npz")
        np.savez(fresh, digests=np.array(list(self._vectors)), vectors=np.stack(list(self._vectors.values())))
        fresh.replace(self._cache)
