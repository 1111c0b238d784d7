"""The alternative of a union that an object means although it does not say which.

Pure. A discriminator is a required key whose schema allows one value. It is filled in only where every key that was
written is one of the alternative's, and where no other alternative would fit as well.
"""

from __future__ import annotations

from proxy.repair.view.schema import Schema, allowed_values, branches, deref, fits
from schemas.catalog import Json, as_list, as_object


def tagged(value: Json, schema: Schema, root: Schema) -> dict[str, Json] | None:
    """The object with its discriminators filled in; None where none, or more than one alternative fits then."""
    written, options = as_object(value), branches(schema, root)
    if not written or len(options) < 2:
        return None
    found = [filled for option in options if (filled := _filled(written, option, root)) is not None]
    return found[0] if len(found) == 1 and len(found[0]) > len(written) else None


def _filled(written: dict[str, Json], option: Schema, root: Schema) -> dict[str, Json] | None:
    declared = as_object(option.get("properties")) or {}
    if not set(written) <= set(declared):
        return None
    missing = [str(name) for name in as_list(option.get("required")) or [] if name not in written]
    allowed = [allowed_values(deref(declared.get(name, {}), root), root) for name in missing]
    tags = [values[0] for values in allowed if values is not None and len(values) == 1]
    if len(tags) < len(missing):
        return None
    filled = {**dict(zip(missing, tags, strict=True)), **written}
    definitions = {key: root[key] for key in ("$defs", "definitions") if key in root}
    return filled if fits({**definitions, **option}, filled) else None
