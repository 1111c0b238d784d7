"""A reference to a later step that waits for this one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from proxy.repair.rule import TEXT, Example, Offer, Other, Rule, Tier
from proxy.repair.rules.earlier_result import by_name
from proxy.repair.view.earlier_values import ref_of
from proxy.repair.view.step import StepView
from schemas.edit import Confidence
from schemas.plan import Ref
from schemas.problem import CyclicDependency


def propose(problem: CyclicDependency, here: StepView) -> Iterator[Offer]:
    """Break a cycle at the reference to a later step, which cannot have been meant: bind it elsewhere."""
    listed = [step.id for step in here.plan.steps]
    for name, value in here.written.items():
        ref = ref_of(value)
        if ref is None or ref.step not in problem.cycle or listed.index(ref.step) < listed.index(here.step.id):
            continue
        for offer in by_name((name,), here) if here.argument_schema(name) is not None else ():
            reason = f"{here.step.id!r} cannot read {ref.step!r}, which waits for it"
            yield replace(offer, confidence=Confidence.GUESS).because(reason)


_SENT = {"cart_id": Ref("pay", "cart_id").json()}
_PAY = (Other("pay", sent={"amount": Ref("it", "total").json()}),)
RULE = Rule(
    "break_cycle",
    (CyclicDependency,),
    Tier.ELSEWHERE,
    propose,
    (
        Example(
            {"cart_id": TEXT},
            _SENT,
            {"cart_id": Ref("cart", "cart.id").json()},
            before=(Other("cart", {"cart": {"id": "c-1"}}),),
            after=_PAY,
        ),
        Example({"cart_id": TEXT}, _SENT, before=(Other("cart", {"colour": "red"}),), after=_PAY),
    ),
)
