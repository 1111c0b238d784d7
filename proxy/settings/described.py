"""Every setting as the models describe it: for the table in docs/configuration.md and for proxy.toml. Pure."""

from __future__ import annotations

import json
import re
import textwrap
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, Union, cast

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from proxy.settings.reload import taken
from schemas.config import Config

ONE = "NAME"
"""Stands for a name that the user chooses."""

VARIABLES: Mapping[str, str] = {"repair.mode": "MCP_MEND_MODE"}
"""Settings that a variable of the environment overrides."""

_PLAIN = {str: "text", bool: "true or false", int: "whole number", float: "number"}
_BOUNDS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}


@dataclass(frozen=True)
class Setting:
    """One key. `example` differs from `default`, which is None where the key is left out by default."""

    key: str
    kind: str
    default: Any
    example: Any
    meaning: str


@dataclass(frozen=True)
class Table:
    """One table of the file, with its own keys; the tables within it follow it."""

    name: str
    meaning: str
    settings: tuple[Setting, ...]


def tables(model: type[BaseModel] = Config, name: str = "") -> Iterator[Table]:
    """Every table, in the order of the models."""
    inner = {key: found for key, field in model.model_fields.items() if (found := _within(field)) is not None}
    if name:
        own = tuple(_setting(key, field) for key, field in model.model_fields.items() if key not in inner)
        yield Table(name, " ".join((model.__doc__ or "").split()), own)
    for key, (within, chosen) in inner.items():
        yield from tables(within, ".".join(part for part in (name, key, chosen) if part))


def _within(field: FieldInfo) -> tuple[type[BaseModel], str] | None:
    """The model of a key that holds a table, and `ONE` where it holds tables by name."""
    for part in (field.annotation, *typing.get_args(field.annotation)):
        if isinstance(part, type) and issubclass(part, BaseModel):
            return part, ONE if typing.get_origin(field.annotation) is dict else ""
    return None


def _setting(key: str, field: FieldInfo) -> Setting:
    bounds = [
        f"{sign} {getattr(rule, at)}" for rule in field.metadata for at, sign in _BOUNDS.items() if hasattr(rule, at)
    ]
    kind = ", ".join([_kind(field.annotation), *bounds])
    return Setting(key, kind, field.default, _example(field), field.description or "")


def _kind(wanted: Any) -> str:
    origin, parts = typing.get_origin(wanted), typing.get_args(wanted)
    if origin is Literal:
        return ", ".join(f"`{json.dumps(one)}`" for one in parts)
    if isinstance(wanted, type) and issubclass(wanted, Enum):
        return "one of " + ", ".join(f"`{json.dumps(one.value)}`" for one in wanted)
    if origin in (Union, types.UnionType):
        return " or ".join(_kind(part) for part in parts if part is not type(None))
    if origin is list:
        return f"list of {_kind(parts[0])}s"
    if origin is dict:
        return "table of texts" if parts[1] is str else f"table, each {_kind(parts[1])}"
    return _PLAIN[wanted]


def _example(field: FieldInfo) -> Any:
    """The model's own example, else another of the values that there are."""
    if field.examples:
        return field.examples[0]
    if isinstance(field.default, bool):
        return not field.default
    for part in (field.annotation, *typing.get_args(field.annotation)):
        if typing.get_origin(part) is Literal:
            return next(one for one in typing.get_args(part) if one != field.default)
    raise ValueError(f"no example: {field.description}")


def toml(value: Any) -> str:
    """A value as TOML writes it on one line."""
    if isinstance(value, Mapping):
        pairs = [f"{_key(key)} = {toml(one)}" for key, one in cast("Mapping[str, Any]", value).items()]
        return "{ " + ", ".join(pairs) + " }" if pairs else "{}"
    if isinstance(value, list):
        return "[" + ", ".join(toml(one) for one in cast("list[Any]", value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _key(written: str) -> str:
    return written if re.fullmatch(r"[A-Za-z0-9_-]+", written) else json.dumps(written)


def as_markdown() -> str:
    """The tables of docs/configuration.md."""
    return "\n".join(_markdown(table) for table in tables())


def _markdown(table: Table) -> str:
    rows = [
        f"### `[{table.name}]`\n",
        f"{table.meaning}\n",
        "| key | type | default | example | meaning | a change is taken |",
        "|---|---|---|---|---|---|",
    ]
    for one in table.settings:
        name = f"{table.name}.{one.key}"
        default = "left out" if one.default is None else f"`{toml(one.default)}`"
        variable = VARIABLES.get(name)
        meaning = f"{one.meaning} Overridden by `${variable}`." if variable else one.meaning
        cells = (f"`{one.key}`", one.kind, default, f"`{toml(one.example)}`", meaning, taken(name))
        rows.append("| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |")
    return "\n".join(rows) + "\n"


def as_toml() -> str:
    """The part of proxy.toml that shows every setting; an upstream's as comments, the others with their defaults."""
    return "\n".join(_commented(table) if ONE in table.name else _written(table) for table in tables())


def _commented(table: Table) -> str:
    lines = [f"# [{table.name}]  # {table.meaning}"]
    for one in table.settings:
        shown = one.example if one.default is None or one.default in ("", [], {}) else one.default
        lines.append(_wrapped(f"{one.key} = {toml(shown)}  # {one.meaning}", after="    # "))
    return "\n".join(lines) + "\n"


def _written(table: Table) -> str:
    lines = [f"# --- {table.meaning}\n", f"[{table.name}]"]
    for one in table.settings:
        lines += [_wrapped(one.meaning), f"{one.key} = {toml(one.default)}"]
    return "\n".join(lines) + "\n"


def _wrapped(text: str, after: str = "") -> str:
    return "\n".join(
        textwrap.wrap(
            text, 120, initial_indent="# ", subsequent_indent="# " + after, break_on_hyphens=False,
            break_long_words=False,
        )
    )  # fmt: skip
