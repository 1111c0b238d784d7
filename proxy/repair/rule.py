"""What a rule is: one idea of what may have been meant, with the problems it solves and examples of what it does.

Pure data. A rule is one file in `proxy/repair/rules`, named by its id; nothing else has to know of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Any

from proxy.repair.view.meaning import sureness
from proxy.repair.view.step import StepView
from proxy.repair.view.values import MISSING
from schemas.catalog import Json
from schemas.edit import Confidence, Edit, Proposal
from schemas.plan import Plan, Step
from schemas.problem import Problem

TEXT: Mapping[str, Any] = {"type": "string"}
INTEGER: Mapping[str, Any] = {"type": "integer"}
NUMBER: Mapping[str, Any] = {"type": "number"}
TEXTS: Mapping[str, Any] = {"type": "array", "items": TEXT}
STEP, SERVER, TOOL = "it", "s", "act"
"""The step of every example, its server, and its tool where the example names none."""


class Tier(IntEnum):
    """When a rule is asked: a tier is asked only where those before it are not sure."""

    WRITTEN = 0
    """What was meant stands there, written another way."""
    ALIKE = 1
    """What was meant looks like what stands there."""
    MISPLACED = 2
    """What was meant stands in another place, or under another name."""
    DECLARED = 3
    """The schema, or the upstream, says what is taken."""
    ELSEWHERE = 4
    """What was meant stands in the goal, in a result, or in another tool's."""
    DEFAULT = 5
    """What is used where nothing is given; asked only where nothing else was found, since it is no rival of that."""


@dataclass(frozen=True)
class Offer:
    """Edits that together may solve a problem, what speaks for them, and how sure that is.

    `score` in 0..1 orders offers of one confidence. `solves` is the problem where it is another than was asked about.
    """

    edits: tuple[Edit, ...]
    evidence: str
    confidence: Confidence
    score: float = 1.0
    solves: Problem | None = None

    def because(self, reason: str) -> Offer:
        """The same offer with a reason before its evidence."""
        return replace(self, evidence=f"{reason}; {self.evidence}")


@dataclass(frozen=True)
class Other:
    """Another step of an example: what it returned (`MISSING`: it has not run), and what it was sent.

    Its tool has the step's name unless `tool` says otherwise.
    """

    id: str
    returned: Json = MISSING
    sent: Json = field(default_factory=dict[str, Json])
    tool: str = ""

    @property
    def step(self) -> Step:
        """The step as it stands in a plan."""
        return Step(self.id, self.tool or self.id, self.sent, SERVER)


@dataclass(frozen=True)
class Example:
    """A step that a rule mends, or leaves alone.

    `takes` are the required arguments of its tool (or all of its schema), `tools` other tools by name; `goal`, `before`
    and `after` the plan around it; `refused` the upstream's answer to what was `sent`; `session` what a client's single
    call finds in the results of its session. `becomes` are its arguments afterwards, or the edit where that is of
    another kind; without it, the step is left alone.
    """

    takes: Mapping[str, Any]
    sent: Json
    becomes: Json | Edit = MISSING
    goal: str = ""
    before: tuple[Other, ...] = ()
    after: tuple[Other, ...] = ()
    refused: str = ""
    session: tuple[Json, ...] = ()
    called: str = TOOL
    tools: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])

    @property
    def plan(self) -> Plan:
        """The step within its plan."""
        mine = Step(STEP, self.called, self.sent, SERVER)
        return Plan((*(one.step for one in self.before), mine, *(one.step for one in self.after)), self.goal)

    @property
    def schemas(self) -> dict[str, Mapping[str, Any]]:
        """The input schemas of the tools that there are."""
        tools = self.tools if self.called not in (TOOL, *self.tools) else {TOOL: self.takes, **self.tools}
        return {name: _schema(takes) for name, takes in tools.items()}


def _schema(takes: Mapping[str, Any]) -> Mapping[str, Any]:
    whole = isinstance(takes.get("type"), str) or "anyOf" in takes
    return takes if whole else {"type": "object", "properties": takes, "required": list(takes)}


@dataclass(frozen=True)
class Rule:
    """One idea: the problems that it solves, when it is asked, what it offers, and examples that are its tests.

    `propose` takes a problem of any of the kinds in `solves`, and is pure.
    """

    id: str
    solves: tuple[type[Problem], ...]
    tier: Tier
    propose: Callable[[Any, StepView], Iterable[Offer]]
    examples: tuple[Example, ...]
    order: int = 0
    """Within a tier a lower one is asked first: of offers of the same edits the first counts."""

    def proposals(self, problem: Problem, here: StepView) -> Iterator[Proposal]:
        """What the rule offers for a problem, under its name; what does not keep all that was said is a guess."""
        for offer in self.propose(problem, here):
            sure = sureness(offer.edits, offer.confidence, here)
            yield Proposal(offer.solves or problem, offer.edits, self.id, offer.evidence, sure, offer.score)
