"""Arguments that ran into one text, with the tags that a model wrote around them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from proxy.repair.rule import TEXT, Example, Offer, Rule, Tier
from proxy.repair.view.scalars import read_json
from proxy.repair.view.schema import property_names
from proxy.repair.view.step import StepView
from schemas.edit import Confidence, SetArgument
from schemas.problem import MissingArgument, Refused

_TAGGED = re.compile(r"<([\w-]+)>(.*?)(?:</\1>|$)\s*", re.DOTALL)


def propose(problem: MissingArgument | Refused, here: StepView) -> Iterator[Offer]:
    """Separate arguments that ran into one text: `long text</content> <domain>infra</domain>`."""
    declared = set(property_names(here.schema, here.schema))
    for name, value in here.written.items():
        if not isinstance(value, str) or f"</{name}>" not in value:
            continue
        match = re.search(rf"</{re.escape(name)}>\s*((?:<[\w-]+>.*)?)$", value, re.DOTALL)
        found = dict(_TAGGED.findall(match[1])) if match is not None else {}
        if match is None or set(found) & set(here.written) or (declared and not set(found) <= declared):
            continue
        if isinstance(problem, MissingArgument) and problem.name not in found:
            continue
        edits = [SetArgument(here.step.id, (name,), value[: match.start()])]
        for key, text in found.items():
            reading = read_json(text)
            edits.append(SetArgument(here.step.id, (key,), reading.value if reading else text))
        evidence = f"the text of {name!r} closes its own tag and opens those of {', '.join(found) or 'nothing'}"
        yield Offer(tuple(edits), evidence, Confidence.EVIDENT, 0.9)


_TAKES = {"text": TEXT, "topic": TEXT}
_BLED = {"text": "Low water.</text>\n<topic>tides</topic>"}
RULE = Rule(
    "tag_bleed",
    (MissingArgument, Refused),
    Tier.WRITTEN,
    propose,
    (
        Example(_TAKES, _BLED, {"text": "Low water.", "topic": "tides"}),
        Example({**_TAKES, "place": TEXT}, {**_BLED, "topic": "moon"}),
        Example(_TAKES, {"text": "<b>Low water.</b>"}),
    ),
)
