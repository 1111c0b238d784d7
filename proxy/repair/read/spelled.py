"""Texts that stand for a value of an earlier step: references spelled out, and placeholders.

Pure. A text is taken for a reference only where its head names an earlier step and its path leads somewhere; what the
goal itself says is never one. A placeholder is a text like any other until its upstream refuses it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from proxy.repair.view.scalars import read_json
from proxy.repair.view.schema import fits
from proxy.repair.view.step import StepView
from proxy.repair.view.values import AROUND, MISSING, at, join, segments
from schemas.catalog import Json
from schemas.plan import Ref

_PLACEHOLDER = re.compile(
    r"^\s*+(?:[<\[{(]++[^<>\[\]{}()\"',]*+[>\]})]++|\$\{?[A-Za-z_][\w.]*+\}?|"
    r"(?:the )?(?:result|output|response|value|answer)s? (?:of|from) .*|"
    r"(?:tbd|todo|fixme|placeholder|unknown|xxx+|to be (?:determined|filled|decided)|fill[_ ]?in|pending)|"
    r"(?=.*_)[A-Z_]*(?:RESULT|OUTPUT|PREVIOUS|PLACEHOLDER|FROM_STEP|YOUR|INSERT|STEP_?\d)[A-Z_\d]*)\s*$",
    re.IGNORECASE,
)
LONGEST = 200
"""Characters of a text that may stand for a value."""
_MARKED = re.compile(r"^\s*(?:[#$<{]|steps?[.\[])")


def is_placeholder(value: Json) -> bool:
    """Tell whether a text may stand for a value that was to be filled in: `<user_id>`, `TBD`, `RESULT_FROM_STEP_1`."""
    if not isinstance(value, str) or len(value) > LONGEST:
        return False
    return _PLACEHOLDER.match(value) is not None and read_json(value) is None


def spelled_references(here: StepView) -> Iterator[tuple[str, str]]:
    """Declared arguments whose text spells a reference to an earlier step; any other text is sent as it is."""
    if here.evidence.single or here.tool is None:
        return
    for name, value in here.written.items():
        if not isinstance(value, str) or len(value) > LONGEST or here.argument_schema(name) is None:
            continue
        if not value.strip() or value.strip() in here.plan.goal or (not _MARKED.match(value) and _as_it_is(name, here)):
            continue
        if spelled(value, here) is not None:
            yield name, value


def _as_it_is(name: str, here: StepView) -> bool:
    """Tell whether a text may be what was meant: its schema takes it, and nobody has refused it yet."""
    run = here.evidence.runs.get(here.step.id)
    return (run is None or run.ok) and fits(here.argument_schema(name) or {}, here.written[name])


def spelled(text: str, here: StepView) -> Ref | None:
    """The reference that a text spells, `s1.price`, `#s1.price`, `steps.s1.output.price`; None for other texts.

    Its path must lead to something in the step's result; before there is one, the text must carry a mark. One without
    is a reference only where the schema does not take it, or where it was refused: `report.pdf` is a file.
    """
    if "." not in text and "[" not in text:
        return None
    parts = segments(re.sub(r"['\"]", "", text.strip().strip("#$<>{}()").strip()))
    parts = parts[1:] if parts[:1] in (["step"], ["steps"]) else parts
    if len(parts) < 2 or parts[0] not in here.plan.by_id or any(not re.fullmatch(r"[\w-]+", part) for part in parts):
        return None
    if parts[0] not in {step.id for step in here.earlier}:
        return None
    value, path = here.evidence.value(parts[0]), parts[1:]
    inner = path[1:] if len(path) > 1 and path[0] in AROUND else path
    if value is MISSING:
        return Ref(parts[0], join(inner)) if _MARKED.match(text) else None
    found = next((way for way in (path, inner) if at(value, join(way)) is not MISSING), None)
    return None if found is None else Ref(parts[0], join(found))
