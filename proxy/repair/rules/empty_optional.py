"""Optional arguments that are empty, and refused for it."""

from __future__ import annotations

from collections.abc import Iterator

from proxy.repair.rule import TEXT, Example, Offer, Rule, Tier
from proxy.repair.view.step import StepView
from schemas.edit import Confidence, DropArgument
from schemas.problem import Refused


def propose(problem: Refused, here: StepView) -> Iterator[Offer]:
    """Leave out optional arguments that are empty, once the upstream has refused the call because of them.

    Of texts all that are empty go, of lists and objects those that the refusal names: an empty one may be meant.
    """
    required, text = here.tool.required if here.tool else (), here.reading.text
    empty = [name for name, value in here.written.items() if value in ("", [], {}) and name not in required]
    texts = [name for name in empty if here.written[name] == ""]
    told = any(said in text for said in ('""', "''")) or "empty" in text.lower() or set(texts) & set(here.blamed)
    gone = [name for name in empty if (told if name in texts else name in here.blamed)]
    if gone:
        sure = Confidence.LOSSLESS if here.reads else Confidence.EVIDENT
        evidence = f"the upstream refuses {', '.join(gone)}, which say nothing; the schema lets them be left out"
        yield Offer(tuple(DropArgument(here.step.id, (name,)) for name in gone), evidence, sure, 0.85)


_TAKES = {"type": "object", "properties": {"city": TEXT, "since": TEXT}, "required": ["city"]}
RULE = Rule(
    "empty_optional",
    (Refused,),
    Tier.WRITTEN,
    propose,
    (
        Example(_TAKES, {"city": "Oslo", "since": ""}, {"city": "Oslo"}, refused="since: invalid date ''"),
        Example(_TAKES, {"city": "", "since": "2031"}, refused="city is empty"),
        Example(_TAKES, {"city": "Oslo", "since": ""}, refused="no city 'Oslo'"),
    ),
)
