"""A JSON Schema validator that does nothing but compare: it loads nothing, and its work is bounded.

Pure. A reference that leaves the document, a pattern that no linear engine takes, and `unevaluated...` allow
everything; a schema whose references unfold too far allows everything too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, cast

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend  # pyright: ignore[reportUnknownVariableType]
from pydantic_core import SchemaError, SchemaValidator, core_schema
from referencing import Registry
from referencing.exceptions import Unresolvable

from schemas.catalog import Json, as_list, as_object, canonical

FOLLOWED = 2000
"""References followed in one comparison: a few that name each other twice unfold into billions."""
NESTED = 60
"""References followed within one another, well before the stack ends."""
FORMATTED = 2000
"""Characters of a text whose `format` is checked."""

_followed: ContextVar[int] = ContextVar("followed", default=0)
_nested: ContextVar[int] = ContextVar("nested", default=0)
_NOTHING_ELSE = cast("Any", Registry())  # pyright: ignore[reportUnknownArgumentType]
"""The documents that a reference may lead to beside its own."""
_Errors = Iterator[ValidationError]
_RULES = cast("dict[str, Any]", Draft202012Validator.VALIDATORS)


class _TooMuchError(Exception):
    """The references of a schema unfold into more work than one comparison may take."""


def errors(validator: Any, value: Json) -> list[ValidationError]:
    """Everything that the validator finds wrong with a value; [] where finding it takes too much work."""
    followed, nested = _followed.set(0), _nested.set(0)
    try:
        return list(validator.iter_errors(value))
    except _TooMuchError:
        return []
    except BaseException as end:  # a library in Rust panics where the stack ends inside it, which is no Exception
        if type(end).__name__ != "PanicException":
            raise
        return []
    finally:
        _followed.reset(followed)
        _nested.reset(nested)


def validator(schema: Mapping[str, Any]) -> Any:
    """A validator for this schema."""
    return _Inert(schema, registry=_NOTHING_ELSE, format_checker=Draft202012Validator.FORMAT_CHECKER)


def _reference(keyword: str) -> Any:
    def follow(validator: Any, target: Any, instance: Json, schema: Any) -> _Errors:
        _followed.set(_followed.get() + 1)
        if _followed.get() > FOLLOWED or _nested.get() >= NESTED:
            raise _TooMuchError
        _nested.set(_nested.get() + 1)
        try:
            yield from _RULES[keyword](validator, target, instance, schema) or ()
        except Unresolvable:
            return
        finally:
            _nested.set(_nested.get() - 1)

    return follow


def _required(_validator: Any, names: Any, instance: Json, _schema: Any) -> _Errors:
    """Say of each missing name which one it is, as the `validator_value`."""
    keys = as_object(instance)
    for name in as_list(names) or [] if keys is not None else []:
        if name not in keys:
            yield ValidationError(f"{name!r} is a required property", validator_value=name)


def _pattern(_validator: Any, pattern: Any, instance: Json, _schema: Any) -> _Errors:
    if isinstance(instance, str) and isinstance(pattern, str) and matches(pattern, instance) is False:
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _pattern_properties(validator: Any, patterns: Any, instance: Json, _schema: Any) -> _Errors:
    for pattern, below in (as_object(patterns) or {}).items():
        for name, value in (as_object(instance) or {}).items():
            if matches(pattern, name):
                yield from validator.descend(value, below, path=name, schema_path=pattern)


def _additional(validator: Any, wanted: Any, instance: Json, schema: Any) -> _Errors:
    """Leave out what a pattern covers, or may cover where it cannot be used."""
    patterns = as_object(schema.get("patternProperties")) or {}
    keys = as_object(instance)
    if patterns and keys is not None:
        instance = {
            name: value for name, value in keys.items() if all(matches(pattern, name) is False for pattern in patterns)
        }
        schema = {keyword: said for keyword, said in schema.items() if keyword != "patternProperties"}
    yield from _RULES["additionalProperties"](validator, wanted, instance, schema) or ()


def _format(validator: Any, name: Any, instance: Json, schema: Any) -> _Errors:
    if not isinstance(instance, str) or len(instance) <= FORMATTED:
        yield from _RULES["format"](validator, name, instance, schema) or ()


def _unique(_validator: Any, wanted: Any, instance: Json, _schema: Any) -> _Errors:
    items = as_list(instance)
    if wanted is True and items is not None and len({canonical(item) for item in items}) < len(items):
        yield ValidationError(f"{instance!r} has non-unique elements")


def _unchecked(*_: Any) -> _Errors:
    yield from ()


_Inert = cast(
    "Any",
    extend(
        Draft202012Validator,
        {
            "$ref": _reference("$ref"),
            "$dynamicRef": _reference("$dynamicRef"),
            "required": _required,
            "pattern": _pattern,
            "patternProperties": _pattern_properties,
            "additionalProperties": _additional,
            "format": _format,
            "uniqueItems": _unique,
            "unevaluatedProperties": _unchecked,
            "unevaluatedItems": _unchecked,
        },
    ),
)


LONGEST = 2000
"""Characters of a pattern that is compiled."""


def matches(pattern: str, text: str) -> bool | None:
    """Tell whether a pattern is found in a text; None where the pattern cannot be used."""
    engine = _compiled(pattern)
    return None if engine is None else engine.isinstance_python(text)


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> SchemaValidator | None:
    if len(pattern) > LONGEST:
        return None
    try:
        return SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine="rust-regex"))
    except SchemaError:
        return None
