"""Turn data into a `Config`, or into sentences on what is wrong with it. Pure."""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Any, Literal, Union, cast, get_args, get_origin

from pydantic import BaseModel, ValidationError
from rapidfuzz import process
from rapidfuzz.distance import JaroWinkler

from proxy.settings.errors import ConfigError, fault
from proxy.settings.jsonc import Path
from proxy.settings.lines import Text
from schemas.config import Config

_NEAR = 0.75
"""Jaro-Winkler similarity from which a known key is offered for an unknown one."""


def validated(data: Mapping[str, Any], text: Text, prefix: Mapping[str, Path] | None = None) -> Config:
    """The configuration, else a `ConfigError` with one sentence per fault.

    `prefix` says for a top-level key under which path its value stands in the file, where that differs.
    """
    try:
        return Config.model_validate(data)
    except ValidationError as error:
        prefix = prefix or {}
        raise ConfigError(
            dict.fromkeys(_sentence(cast("dict[str, Any]", dict(found)), text, prefix) for found in error.errors())
        ) from None


def _sentence(found: Mapping[str, Any], text: Text, prefix: Mapping[str, Path]) -> str:
    loc: Path = found["loc"]
    shown = (*prefix[str(loc[0])], *loc[1:]) if loc and loc[0] in prefix else loc
    if found["type"] == "extra_forbidden":
        return fault(text, shown, _unknown(loc))
    if found["type"] == "value_error":
        return fault(text, shown, str(found["ctx"]["error"]))
    if found["type"] == "literal_error" or found["type"] == "enum":
        return fault(text, shown, f"write one of {found['ctx']['expected']}, not {found['input']!r}")
    message = str(found["msg"])
    written = repr(found["input"])
    return fault(text, shown, f"{message[0].lower()}{message[1:]}, not {written if len(written) < 60 else 'this'}")


def _unknown(loc: Path) -> str:
    known = _keys_at(loc[:-1])
    near = process.extractOne(str(loc[-1]), known, scorer=JaroWinkler.similarity, score_cutoff=_NEAR)
    if near:
        return f"unknown key; did you mean {near[0]}?"
    return f"unknown key; known here: {', '.join(sorted(known))}"


def _keys_at(path: Path) -> list[str]:
    """Names that a table of the configuration may hold."""
    model: Any = Config
    for key in path:
        if isinstance(model, type) and issubclass(model, BaseModel):
            field = model.model_fields.get(str(key))
            model = _plain(field.annotation) if field else None
        else:
            model = get_args(model)[-1] if get_origin(model) in {dict, list} else None
    return list(model.model_fields) if isinstance(model, type) and issubclass(model, BaseModel) else []


def _plain(annotation: Any) -> Any:
    """The type behind `X | None`."""
    if get_origin(annotation) in {Union, types.UnionType}:
        return next((one for one in get_args(annotation) if one is not type(None)), None)
    return None if get_origin(annotation) is Literal else annotation
