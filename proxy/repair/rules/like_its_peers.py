"""A missing argument that other steps of the plan pass, all of them the same."""

from __future__ import annotations

from collections.abc import Iterator

from proxy.repair.rule import TEXT, Example, Offer, Other, Rule, Tier
from proxy.repair.view.coerce import short
from proxy.repair.view.earlier_values import GENERIC, fitness, ref_of, wanted_at
from proxy.repair.view.schema import type_name
from proxy.repair.view.step import StepView
from proxy.repair.view.values import MISSING, at
from proxy.repair.view.words import plain
from schemas.catalog import as_object, canonical
from schemas.edit import BindReference, Confidence, SetArgument
from schemas.plan import Ref
from schemas.problem import MissingArgument


def propose(problem: MissingArgument, here: StepView) -> Iterator[Offer]:
    """Read what the argument of this name reads in other steps of the same upstream, if they all read the same.

    A name that says nothing (`data`) is no evidence, and neither is the one other call of the same tool: it was made
    to ask for something else.
    """
    wanted = wanted_at(problem.at, here)
    if wanted is None or plain(wanted.name) in GENERIC:
        return
    others = (step for step in here.plan.steps if step.id != here.step.id and step.server == here.step.server)
    peers = [step for step in others if wanted.name in (as_object(step.arguments) or {})]
    uses = [(as_object(step.arguments) or {})[wanted.name] for step in peers]
    if len({canonical(value) for value in uses}) != 1 or (len(peers) == 1 and peers[0].tool == here.step.tool):
        return
    evidence = f"{wanted.name!r} is {short(uses[0])} in {len(uses)} other step(s)"
    ref = ref_of(uses[0])
    if ref is not None:
        origin = {step.id for step in here.earlier if step.server == here.step.server}
        value = at(here.evidence.value(ref.step), ref.path) if ref.step in origin else MISSING
        if value is not MISSING and fitness(value, wanted) == 1.0:
            yield Offer((BindReference(here.step.id, problem.at, ref),), evidence, Confidence.EVIDENT, 0.9)
    elif fitness(uses[0], wanted) == 1.0 and type_name(uses[0]) == "string":
        sure = Confidence.EVIDENT if len(uses) > 1 else Confidence.GUESS
        yield Offer((SetArgument(here.step.id, problem.at, uses[0]),), evidence, sure, 0.7)


_TAKES = {"cart_id": TEXT}
_CART, _READS = Other("cart", {"cart": {"id": "c-1"}}), {"cart_id": Ref("cart", "cart.id").json()}
RULE = Rule(
    "like_its_peers",
    (MissingArgument,),
    Tier.ELSEWHERE,
    propose,
    (
        Example(_TAKES, {}, _READS, before=(_CART, Other("add", {}, _READS))),
        Example(_TAKES, {}, {"cart_id": "c-1"}, before=(Other("add", {}, {"cart_id": "c-1"}),)),
        Example(_TAKES, {}, before=(Other("add", {}, {"cart_id": "c-1"}), Other("pay", {}, {"cart_id": "c-2"}))),
        Example(_TAKES, {}, before=(Other("add", {}, {"cart_id": "c-1"}, "act"),)),
    ),
)
