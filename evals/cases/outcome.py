"""What became of one case, and how many cases of a group ended how.

Knows nothing of proxies or case files: graders make `Outcome`s, tables read them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Verdict = Literal["right", "wrong", "abstained", "crashed"]
"""right: what the case wanted; wrong: success was claimed with something else; abstained: failed, and said so;
crashed: the proxy or the harness gave no answer."""


@dataclass(frozen=True)
class Outcome:
    """One case, run once.

    `groups` are the rows of the table that count it. `untouched` is None for a case that wanted a repair.
    `calls` counts the `tools/call` requests that the upstreams received; `gold_calls` what the sound call or plan
    needs. `suggested` tells that nothing was repaired, but that what was suggested to the client is right. `candidates`
    and `effects_repeated` stay 0 where the case has no search or no effects. `detail` is for the reader of the JSON
    file.
    """

    id: str
    groups: tuple[str, ...]
    verdict: Verdict
    feasible: bool
    untouched: bool | None = None
    calls: int = 0
    gold_calls: int = 1
    seconds: float = 0.0
    suggested: bool = False
    candidates: int = 0
    effects_repeated: int = 0
    detail: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def json(self) -> dict[str, Any]:
        """The outcome as the JSON file keeps it."""
        return asdict(self) | {"groups": list(self.groups)}


def outcome_from(written: Mapping[str, Any]) -> Outcome:
    """Read an outcome back from a JSON file."""
    return Outcome(**{**written, "groups": tuple(written["groups"])})


def grouped(outcomes: Iterable[Outcome]) -> dict[str, list[Outcome]]:
    """Group name to its outcomes, names in order of first appearance."""
    groups: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        for group in outcome.groups:
            groups.setdefault(group, []).append(outcome)
    return groups
