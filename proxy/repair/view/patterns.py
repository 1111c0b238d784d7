"""Regular expressions that came from elsewhere, matched in time linear in the text.

Pure. Pydantic's own engine is linear and knows no lookaround and no backreferences: a pattern that it does not take is
not checked, so that it forbids nothing.
"""

from __future__ import annotations

from functools import lru_cache

from pydantic_core import SchemaError, SchemaValidator, core_schema

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
