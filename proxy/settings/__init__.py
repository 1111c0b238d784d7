"""From a file and the environment to one frozen `Config`; the only part of the program that reads either.

`load` is what commands call. Everything that can be wrong with a file is a `ConfigError`.
"""

from __future__ import annotations

from proxy.settings.errors import ConfigError
from proxy.settings.load import Loaded, load, load_text
from proxy.settings.wrapping import wrapping

__all__ = ["ConfigError", "Loaded", "load", "load_text", "wrapping"]
