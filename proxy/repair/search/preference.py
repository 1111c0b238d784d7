"""Which of two plans that both ran was asked for, where the submitted plan or its goal says so.

Pure, and asked of reads alone. Plans are told apart only where they differ in nothing but the paths of what they read,
and only by what nothing contradicts. Where the words run out, neither is preferred.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from proxy.repair.edits import Inapplicable, apply
from proxy.repair.view.step import OUTPUT
from proxy.repair.view.values import segments
from proxy.repair.view.words import stem, words
from schemas.catalog import Catalog
from schemas.edit import RepathReference
from schemas.plan import Location, Plan, Ref, as_ref, refs_in, walk

_INDEX = re.compile(r"\d{1,3}")
_ORDINALS = (
    "first erste ersten erster erstes premier première primer primero primera primo prima",
    "second zweite zweiten zweiter zweites deuxième seconde segundo segunda secondo seconda",
    "third dritte dritten dritter drittes troisième tercer tercero tercera terzo terza",
    "fourth vierte vierten vierter viertes quatrième cuarto cuarta quarto quarta",
    "fifth fünfte fünften fünfter fünftes cinquième quinto quinta",
)
"""Words for a place in a list."""
_JOINTS = frozenset(
    """a an the of in on at for is are was were do does did what how much many her his its my our
    der die das des dem den ein eine einen im am an auf für ist sind was wie viel viele
    le la les un une du de des en sur pour est sont quel quelle combien
    el los las una del para es son cuál cuánto qué il lo gli uno di per qual quanto""".split()
)
"""Words that turn no meaning. Left out on purpose is all that negates, ranks, or picks out (not, by, with, after)."""

Place = tuple[str, Location]
"""Step id and where in its arguments."""


def prefers(submitted: Plan, left: Plan, right: Plan, catalog: Catalog) -> bool:
    """Tell whether what was asked for speaks of what the left plan reads, and nowhere of what the right one reads."""
    mine, theirs, written = _reads(left), _reads(right), _reads(submitted)
    apart = [place for place in mine if mine[place] != theirs.get(place)]
    if mine.keys() != theirs.keys() or _but_for(left, apart) != _but_for(right, apart):
        return False
    said = accounted(submitted.goal, left, catalog)

    def meant(ours: Ref, other: Ref, place: Place) -> bool:
        parts = _parts(ours) - _parts(other)
        by_plan = bool(parts & _parts(written[place])) if place in written else False
        return by_plan or any(_spoken_of(said, part, _things(ours, parts, left, catalog)) for part in parts)

    for_left = [place for place in apart if meant(mine[place], theirs[place], place)]
    for_right = [place for place in apart if meant(theirs[place], mine[place], place)]
    return bool(for_left) and not for_right


def accounted(goal: str, plan: Plan, catalog: Catalog) -> list[str]:
    """The words of a goal; none, where one of them is in no name, path or value of the plan, no joint and no ordinal.

    Descriptions are prose, in which any word may stand, and account for none.
    """
    said = words(goal)
    known = {stem(word) for text in _texts(plan, catalog) for word in words(text)}
    free = _JOINTS.union(*(place.split() for place in _ORDINALS))
    return [stem(word) for word in said] if all(word in free or stem(word) in known for word in said) else []


def _reads(plan: Plan) -> dict[Place, Ref]:
    """Everything that a plan refers to, by the place that it stands in."""
    found = {(step.id, at): ref for step in plan.steps for at, ref in step.refs(plan.by_id)}
    return found | {(OUTPUT, at): ref for at, ref in refs_in(plan.output, plan.by_id)}


def _but_for(plan: Plan, places: list[Place]) -> str:
    """What a plan says but for the paths at these places, and for validators."""
    bare = apply(plan, [RepathReference(step, at, "") for step, at in places])
    bare = plan if isinstance(bare, Inapplicable) else bare
    return replace(bare, steps=tuple(replace(step, expect=None) for step in bare.steps)).key


def _parts(ref: Ref) -> frozenset[tuple[str, str]]:
    """The parts of a path, each index with the name of the list that it is of."""
    parts = segments(ref.path)
    pairs = zip(["", *parts], parts, strict=False)
    return frozenset((owner if _INDEX.fullmatch(part) else "", part) for owner, part in pairs)


def _texts(plan: Plan, catalog: Catalog) -> Iterator[str]:
    """The names, values and paths of a plan."""
    for step in plan.steps:
        tool = catalog.origin(step.server or "", step.tool)
        yield from (step.tool, *(tool.properties if tool is not None else ()))
        yield from (str(value) for _, value in walk(step.arguments) if as_ref(value) is None)
    yield from (ref.path for ref in _reads(plan).values())


def _about(plan: Plan, step_id: str, catalog: Catalog) -> str:
    """Name and description of the tool that a step calls."""
    step = plan.by_id.get(step_id)
    tool = catalog.origin(step.server or "", step.tool) if step is not None else None
    return f"{tool.name} {tool.description}" if tool is not None else ""


def _things(ref: Ref, parts: frozenset[tuple[str, str]], plan: Plan, catalog: Catalog) -> frozenset[str]:
    """Words for that of which a place is a part: the list, or what is told about the result."""
    owner = " ".join(owner for owner, _ in parts)
    text = owner if owner.strip() else _about(plan, ref.step, catalog)
    return frozenset(stem(word) for word in words(text))


def _spoken_of(said: list[str], part: tuple[str, str], things: frozenset[str]) -> bool:
    """Tell whether a part is named right before a thing that it is of: "low water", "the second lot"."""
    index = int(part[1]) if part[1].lstrip("-").isdigit() else None
    if index is None:
        named = [[stem(word) for word in words(part[1])]]
    else:
        named = [[word] for word in (_ORDINALS[index].split() if 0 <= index < len(_ORDINALS) else [])]
    return any(
        said[start : start + len(name)] == name and said[start + len(name)] in things
        for name in named
        for start in range(len(said) - len(name))
    )
