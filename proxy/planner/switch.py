"""A flag that native code reads without taking Python's lock."""

from __future__ import annotations

import ctypes

ABORT = ctypes.CFUNCTYPE(ctypes.c_bool, ctypes.c_void_p)


class Switch:
    """Stops forward passes from another thread.

    llama.cpp asks its abort callback after every node of the graph, far too often for a Python function. The C
    library's `strlen` over a one-character buffer is such a callback: zero (go on) or one (stop).
    """

    def __init__(self) -> None:
        self._text = ctypes.create_string_buffer(2)
        strlen = ctypes.cast(ctypes.CDLL(None).strlen, ctypes.c_void_p)
        self.callback = ABORT(strlen.value or 0)  # pyright: ignore[reportArgumentType] - an address is allowed
        self.data = ctypes.cast(self._text, ctypes.c_void_p)

    def set(self) -> None:
        """Stop the forward pass that runs, and those to come."""
        self._text[0] = b"\x01"

    def clear(self) -> None:
        """Let forward passes run again."""
        self._text[0] = b"\x00"

    @property
    def is_set(self) -> bool:
        """Tell whether forward passes are stopped."""
        return self._text[0] != b"\x00"
