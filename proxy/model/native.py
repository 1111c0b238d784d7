"""One loaded model and its context on llama.cpp's low-level API: tokens in, logits out.

The only file that imports `llama_cpp`, and itself imported by the worker process alone: whatever goes wrong in
native code ends that process, never the proxy. Knows nothing of prompts, options or grammars.
"""

# The bindings are ctypes: their pointers, arrays and out-parameters have no useful static types.
# pyright: basic

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import llama_cpp.llama_cpp
import numpy as np
import numpy.typing as npt

from proxy.model.requests import AbortFlag
from proxy.model.wire import Fault, Faulty

llama: Any = llama_cpp.llama_cpp

Row = npt.NDArray[np.float32]
"""The logits after one token: one float per word of the vocabulary."""

BATCH = 512
"""Tokens per forward pass."""
OUTPUTS = 256
"""Rows of logits per forward pass: the buffers for them grow with the vocabulary (152k words: 155 MB)."""
_READY = True
_SPECIAL = True
_ERROR = 4
"""`GGML_LOG_LEVEL_ERROR`, which the bindings do not name."""
BRANCHES = 32
"""Sequences that may hang on the prefix at once; sequence 0 is the prefix itself."""


@dataclass(frozen=True)
class Entry:
    """One token of a batch: where it stands, which sequences see it, whether its logits are wanted."""

    token: int
    position: int
    sequences: Sequence[int]
    wanted: bool


@ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)
def _log(level: int, text: bytes, _data: int) -> None:
    if level == _ERROR:
        sys.stderr.write(text.decode(errors="replace"))


def gpu_build() -> bool:
    """Tell whether the installed llama.cpp can put layers on a GPU."""
    return bool(llama.llama_supports_gpu_offload())


class Native:
    """A model with one context whose sequences share one cache of keys and values.

    `context` is bounded by what the model was trained for. Raises Faulty where the model cannot be used.
    """

    def __init__(self, path: Path, abort: AbortFlag, *, context: int, threads: int, gpu_layers: int) -> None:
        if not path.is_file():
            raise Faulty(Fault.MODEL, f"there is no model file {path}")
        llama.llama_log_set(_log, ctypes.c_void_p(0))
        llama.llama_backend_init()
        self.abort = abort
        self._model = self._load(path, gpu_layers)
        self._context = self._open(context, threads)
        self._memory = llama.llama_get_memory(self._context)
        self.vocab: Any = llama.llama_model_get_vocab(self._model)
        self.words: int = llama.llama_vocab_n_tokens(self.vocab)
        self.capacity: int = llama.llama_n_ctx(self._context)
        self._batch = llama.llama_batch_init(BATCH, 0, BRANCHES + 1)
        self.evaluated = 0
        kinds = ("llama_model_is_recurrent", "llama_model_is_hybrid")
        self.tree: bool = not any(getattr(llama, kind)(self._model) for kind in kinds)
        """Whether one token may belong to several sequences: not in recurrent and hybrid models."""

    def _load(self, path: Path, gpu_layers: int) -> Any:
        params = llama.llama_model_default_params()
        # A build for the machine it runs on dies at its first tile instruction where a hypervisor advertises AMX
        # without granting it; the repacked buffers are the only users of those instructions.
        params.use_extra_bufts = False
        params.n_gpu_layers = (999 if gpu_layers < 0 else gpu_layers) if gpu_build() else 0
        model = llama.llama_model_load_from_file(os.fsencode(path), params)
        if not model:
            raise Faulty(
                Fault.MODEL,
                f"{path} cannot be loaded: not a GGUF model that this llama.cpp knows, or too little memory",
            )
        if not llama.llama_model_has_decoder(model):
            raise Faulty(Fault.MODEL, f"{path} does not generate text")
        return model

    def _open(self, context: int, threads: int) -> Any:
        params = llama.llama_context_default_params()
        params.n_ctx = min(context, llama.llama_model_n_ctx_train(self._model))
        params.n_batch = params.n_ubatch = BATCH
        params.n_outputs_max = OUTPUTS
        params.n_seq_max = BRANCHES + 1
        params.n_threads = params.n_threads_batch = threads
        params.kv_unified = True
        params.swa_full = True
        params.no_perf = True
        params.abort_callback = self.abort.callback
        params.abort_callback_data = self.abort.data
        opened = llama.llama_init_from_model(self._model, params)
        if not opened:
            raise Faulty(
                Fault.MODEL, f"no memory for a context of {context} tokens: lower planner.context or raise memory_mb"
            )
        return opened

    def close(self) -> None:
        """Free the model; nothing may be called afterwards."""
        llama.llama_batch_free(self._batch)
        llama.llama_free(self._context)
        llama.llama_model_free(self._model)

    def read(self, tokens: Sequence[int], position: int, sequence: int) -> Iterator[tuple[Sequence[int], list[Row]]]:
        """Evaluate any number of tokens of a sequence; gives each part once it is read, the last one's row with it."""
        for offset in range(0, len(tokens), BATCH):
            part = tokens[offset : offset + BATCH]
            last = len(tokens) - offset - 1
            entries = [
                Entry(token, position + offset + index, (sequence,), wanted=index == last)
                for index, token in enumerate(part)
            ]
            yield part, self.decode(entries)

    def decode(self, entries: Sequence[Entry]) -> list[Row]:
        """Evaluate at most BATCH tokens and return the wanted rows in order; they live until the next call."""
        if self.abort.is_set:
            raise Faulty(Fault.CANCELLED)
        batch = self._batch
        batch.n_tokens = len(entries)
        for index, entry in enumerate(entries):
            batch.token[index] = entry.token
            batch.pos[index] = entry.position
            batch.logits[index] = entry.wanted
            batch.n_seq_id[index] = len(entry.sequences)
            ids = batch.seq_id[index]
            for place, sequence in enumerate(entry.sequences):
                ids[place] = sequence
        code = llama.llama_decode(self._context, batch)
        if code == 2 or (code and self.abort.is_set):
            raise Faulty(Fault.CANCELLED)
        if code:
            raise Faulty(Fault.NATIVE, f"llama_decode answered {code}")
        self.evaluated += len(entries)
        return [self._row(index) for index, entry in enumerate(entries) if entry.wanted]

    def _row(self, index: int) -> Row:
        return np.ctypeslib.as_array(llama.llama_get_logits_ith(self._context, index), shape=(self.words,))

    def fork(self, source: int, target: int) -> None:
        """Let sequence `target` begin with all that `source` holds; nothing is copied."""
        llama.llama_memory_seq_cp(self._memory, source, target, -1, -1)

    def cut(self, sequence: int, position: int = 0) -> bool:
        """Forget a sequence from this position on; False where the model's memory cannot be cut there."""
        return bool(llama.llama_memory_seq_rm(self._memory, sequence, position or -1, -1))

    def save(self) -> ctypes.Array[ctypes.c_uint8]:
        """Copy the keys and values of sequence 0 out of the context."""
        size = llama.llama_state_seq_get_size(self._context, 0)
        state = (ctypes.c_uint8 * size)()
        llama.llama_state_seq_get_data(self._context, state, size, 0)
        return state

    def restore(self, state: ctypes.Array[ctypes.c_uint8]) -> bool:
        """Make sequence 0 what it was at `save`; False where it could not be read back, sequence 0 is then empty."""
        self.cut(0)
        return bool(llama.llama_state_seq_set_data(self._context, state, len(state), 0))

    def tokens(self, text: str, *, special: bool = False, begin: bool = False) -> list[int]:
        """Split a text into tokens; `special` lets it name control tokens, `begin` adds the model's own first one."""
        data = text.encode()
        room = len(data) + 8
        found = (llama.llama_token * room)()
        count = llama.llama_tokenize(self.vocab, data, len(data), found, room, begin, special)
        if count < 0:
            raise Faulty(Fault.NATIVE, "the text could not be split into tokens")
        return found[:count]

    def ends(self) -> list[int]:
        """The tokens that end an answer."""
        return [token for token in range(self.words) if llama.llama_vocab_is_eog(self.vocab, token)]

    def words_as_bytes(self) -> list[bytes]:
        """The whole vocabulary; control words are marked by a leading 0xff, which no text contains."""
        room = ctypes.create_string_buffer(1 << 14)
        found: list[bytes] = []
        for token in range(self.words):
            size = llama.llama_token_to_piece(self.vocab, token, room, len(room), 0, _SPECIAL)
            if size < 0:
                raise Faulty(Fault.MODEL, f"word {token} of the vocabulary has {-size} bytes")
            piece = room.raw[:size]
            kind = llama.llama_vocab_get_attr(self.vocab, token)
            own = kind & llama.LLAMA_TOKEN_ATTR_USER_DEFINED and piece.startswith(b"<") and piece.endswith(b">")
            found.append(b"\xff" + piece if own or kind & llama.LLAMA_TOKEN_ATTR_CONTROL else piece)
        return found

    @property
    def splitter(self) -> int:
        """The address of llama.cpp's own function that splits text into tokens."""
        return ctypes.cast(llama._lib.llama_tokenize, ctypes.c_void_p).value or 0  # noqa: SLF001 - there is no other way

    def template(self) -> str:
        """The model's own chat template, "" where it has none."""
        found = llama.llama_model_chat_template(self._model, None)
        return found.decode(errors="replace") if found else ""

    def render(self, template: str, message: str) -> str | None:
        """Write one user message in the chat template, ready for the answer; None where llama.cpp does not know it."""
        chat = (llama.llama_chat_message * 1)(llama.llama_chat_message(role=b"user", content=message.encode()))
        room = len(message.encode()) * 2 + 1024
        text = ctypes.create_string_buffer(room)
        size = llama.llama_chat_apply_template(template.encode(), chat, 1, _READY, text, room)
        return text.raw[:size].decode(errors="replace") if 0 < size <= room else None
