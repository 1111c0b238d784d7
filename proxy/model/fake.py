"""Planners without a model: one that answers from a script, for tests, and one that never answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from proxy.ports import Usage

Score = Callable[[str, str], float]
"""Context and option to a score."""


@dataclass
class ScriptedPlanner:
    """Scores by a function, writes the given values in turn (None once they are used up), and keeps what it was asked.

    Without `score` it has nothing to say about rankings.
    """

    score: Score | None = None
    likelihoods: bool = True
    values: Sequence[Any] = ()
    asked: list[str] = field(default_factory=list[str])
    schemas: list[Mapping[str, Any]] = field(default_factory=list[Mapping[str, Any]])
    usage: Usage = field(default_factory=Usage)

    async def rank(self, context: str, options: Sequence[str]) -> Sequence[float] | None:
        """Score each option by the script."""
        self._note(context)
        return None if self.score is None else [self.score(context, option) for option in options]

    async def generate(self, context: str, schema: Mapping[str, Any], max_tokens: int = 256) -> Any | None:
        """The next value of the script, whatever the schema."""
        del max_tokens
        self._note(context)
        self.schemas.append(schema)
        number = len(self.schemas) - 1
        return self.values[number] if number < len(self.values) else None

    def _note(self, context: str) -> None:
        self.asked.append(context)
        self.usage = replace(self.usage, calls=self.usage.calls + 1)


class NoPlanner:
    """The backend `none`: it has no answer to anything."""

    usage = Usage()
    likelihoods = False

    async def rank(self, context: str, options: Sequence[str]) -> Sequence[float] | None:
        """Nothing to say."""

    async def generate(self, context: str, schema: Mapping[str, Any], max_tokens: int = 256) -> Any | None:
        """Nothing to write."""
