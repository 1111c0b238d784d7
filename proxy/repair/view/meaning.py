"""Whether an edit keeps all that was said: every word, mark, key, digit and owner of it.

Pure. Where a call may have an effect, an edit that does not is a guess, whatever speaks for it: no list of words has to
know that `no_dry_run` is not `dry_run`, or `B-` not `B`.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

from rapidfuzz.distance import DamerauLevenshtein

from catalog_cache.effects import seems_to_read
from catalog_cache.letters import folded, plain, same
from catalog_cache.names import says
from proxy.repair.view.scalars import NOTHING
from proxy.repair.view.schema import branches
from proxy.repair.view.step import OUTPUT, StepView
from proxy.repair.view.tool_fit import WRAPPERS
from proxy.repair.view.units import unit_of
from proxy.repair.view.values import AROUND, MISSING, inside, segments
from proxy.repair.view.words import slipped, stem, typed_likeness, words
from schemas.catalog import Json, as_list, as_object
from schemas.edit import (
    BindReference,
    CoerceArgument,
    Confidence,
    Edit,
    RenameArgument,
    RepathReference,
    SetArgument,
    SwapTool,
    UnwrapValue,
)
from schemas.plan import Location, Ref, as_ref, walk

_SILENT = AROUND | {"item"}
"""Keys of a path, in the singular, that say nothing but that a result follows."""
_JOINING = frozenset("-_. ")
"""Marks that only part words where they stand between two of them."""
_DIGITS = re.compile(r"\d{1,18}")
_SEVERAL = re.compile(r"[,;/|\n、，；]")


def sureness(edits: Sequence[Edit], sure: Confidence, here: StepView) -> Confidence:
    """How sure these edits of a step are together, who calls them `sure`: a guess where they lose what was said."""
    return sure if all(keeps(edit, here) for edit in edits) else Confidence.GUESS


def keeps(edit: Edit, here: StepView) -> bool:
    """Tell whether an edit may be sure: its call changes nothing, or all that was said is in it still."""
    if isinstance(edit, SwapTool):
        tool = here.evidence.catalog.origin(edit.server, edit.tool)
        known = tool is not None and (seems_to_read(tool) or says(here.step.tool, tool))
        return known or here.evidence.policy == "trusting"
    if here.step.id == OUTPUT or here.reads or here.tool is None or edit.step != here.step.id:
        return True
    match edit:
        case RenameArgument():
            return _same_name(str(edit.at[-1]), edit.name)
        case UnwrapValue():
            return _unwraps(inside(here.step.arguments, edit.at), edit.value, here.tool.name)
        case CoerceArgument():
            return _means(inside(here.arguments, edit.at), edit.value, str(edit.at[-1]) if edit.at else "")
        case SetArgument():
            given = inside(here.step.arguments, edit.at) is not MISSING
            return (
                given or len(edit.at) > 1 or len(branches(here.schema, here.schema)) > 1 or _written(edit.value, here)
            )
        case RepathReference():
            old = as_ref(inside(here.step.arguments, edit.at))
            if old is None:
                return False
            named = _said(old.path) <= _said(edit.path) and _called(edit.at, Ref(old.step, edit.path), here)
            return named or _leads(old.path, edit.path)
        case BindReference():
            old = as_ref(inside(here.step.arguments, edit.at))
            if old is not None and old.path != edit.ref.path:
                return False
            return (old is not None and same(old.step, edit.ref.step)) or _called(edit.at, edit.ref, here)
        case _:
            return True


def _same_name(old: str, new: str) -> bool:
    """Tell whether two names are one: by their letters, by their two words in either order, or but for a slip."""
    if _marks(old) != _marks(new):
        return False
    ours, theirs = words(old), words(new)
    return same(old, new) or (len(ours) == 2 and ours == theirs[::-1]) or slip(old, new)


def slip(sent: str, declared: str) -> bool:
    """Tell whether one letter too many, too few, or two exchanged within one longer word keep two names apart."""
    ours, theirs = words(sent), words(declared)
    if len(ours) != len(theirs) or typed_likeness(sent, declared) == 0.0 or _marks(sent) != _marks(declared):
        return False
    pairs = [(mine, other) for mine, other in zip(ours, theirs, strict=True) if mine != other]
    if len(pairs) != 1 or min(map(len, pairs[0])) < 5 or not slipped(*pairs[0]):
        return False
    mine, other = pairs[0]
    moved = len(mine) != len(other) or sorted(mine) == sorted(other)
    return moved and DamerauLevenshtein.distance(mine, other) == 1


def _marks(text: str) -> Counter[str]:
    """What a text says besides letters and digits; a joining mark says something at its edge alone."""
    form = folded(text.strip())
    return Counter(
        char
        for at, char in enumerate(form)
        if not char.isalnum()
        and unicodedata.category(char)[0] != "M"
        and not (char in _JOINING and form[at - 1 : at].isalnum() and form[at + 1 : at + 2].isalnum())
    )


def _unwraps(old: Json, new: Json, tool: str) -> bool:
    before, after = as_object(old), as_object(new)
    if before is None or after is None:
        return True
    gone = [name for name in before if name not in after]
    return all(plain(name) in WRAPPERS or same(name, tool) or words(name) == words(tool)[-1:] for name in gone)


def _means(old: Json, new: Json, name: str) -> bool:
    """Tell whether a value rewritten says all that it said."""
    if isinstance(old, str) and isinstance(new, str):
        return _same_text(old, new)
    if isinstance(new, str):
        return isinstance(old, int) and not isinstance(old, bool)
    keys, items = as_object(old), as_list(old)
    inner, listed = as_object(new), as_list(new)
    if listed is not None and items is None:
        return len(listed) == 1 and _single(old) and (listed[0] == old or _means(old, listed[0], name))
    if listed is not None and items is not None and len(items) == len(listed):
        return all(one == other or _means(one, other, name) for one, other in zip(items, listed, strict=True))
    if keys is not None and inner is None:
        return len(keys) == 1 and same(next(iter(keys)), name)
    if keys is not None and inner is not None:
        shared = [key for key in keys if key in inner and keys[key] != inner[key]]
        return all(_means(keys[key], inner[key], key) for key in shared)
    return True


def _single(value: Json) -> bool:
    """Tell whether a value is one thing, of which a list may be made."""
    if isinstance(value, str):
        return _SEVERAL.search(value) is None and value.strip().lower() not in NOTHING
    return value is not None and not isinstance(value, bool)


def _same_text(old: str, new: str) -> bool:
    if not same(old, new):
        bare = old.strip("\"'` \t\n")
        if new == bare.strip("<>"):
            return new == bare or re.fullmatch(r"<[^<>]*>", bare) is not None
        said, left = ({int(digits) for digits in _DIGITS.findall(text)} for text in (old, new))
        return said - {0} <= left
    if words(old) != words(new) or _marks(old) != _marks(new) or _raised(old) != _raised(new):
        return False
    ours, theirs = unit_of(old), unit_of(new)
    return ours is None or theirs is None or ours == theirs


def _raised(text: str) -> list[str]:
    return [char for char in text if unicodedata.category(char) == "No"]


def _written(value: Json, here: StepView) -> bool:
    """Tell whether a value stands in the step's own arguments already."""
    texts = [text for _, text in walk(here.step.arguments) if isinstance(text, str)]
    return isinstance(value, str) and any(value in text for text in texts)


def _leads(old: str, new: str) -> bool:
    """Tell whether a path is another one, but for what says nothing, with more before it; or is of the same words."""
    ours, theirs = [part for part in segments(old) if stem(part) not in _SILENT], segments(new)
    if ours and theirs[-len(ours) :] == ours:
        return not any(part.isdigit() for part in theirs[: -len(ours)])
    return _said(old) == _said(new) != set()


def _said(path: str) -> set[str]:
    """The words of a path that say what is meant by it; what filters items says more than its words."""
    found = {stem(word) for part in segments(path) for word in words(part) if not word.isdigit()} - _SILENT
    return found | {path} if re.search(r"[?*=<>]", path) else found


def _called(where: Location, ref: Ref, here: StepView) -> bool:
    """Tell whether an argument is called what a reference leads to, with whose it is: `user_id` and `user.id`."""
    origin = here.plan.by_id.get(ref.step)
    parts = [part for part in segments(ref.path) if not part.isdigit()]
    wanted = {word for part in where if isinstance(part, str) for word in words(part)}
    whose = {word for part in parts for word in words(part)} | set(words(origin.tool) if origin is not None else ())
    return bool(parts) and set(words(parts[-1])) <= wanted <= whose and len(wanted) > 1
