"""Who may call what: a tenant and its grants. Knows nothing of tokens, HTTP or connections."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from pydantic import BaseModel, ConfigDict, Field

from schemas.catalog import Effect, Tool


class Grants(BaseModel):
    """What a tenant may reach, and how much of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    upstreams: list[str] = Field(
        default=["*"], examples=[["time", "wiki_*"]], description="Patterns of upstream names (fnmatch)."
    )
    tools: list[str] = Field(
        default=["*"],
        examples=[["search_*", "shop__get_*"]],
        description="Patterns of tool names, with or without the upstream's name in front (fnmatch).",
    )
    effects: list[Effect] = Field(
        default=[], examples=[["read"]], description="The effect classes that may be called; empty is all of them."
    )
    rate: int = Field(
        default=0,
        ge=0,
        examples=[60],
        description="Requests to upstreams a minute, repairs' too; 0 is no limit.",
    )
    concurrent: int = Field(default=0, ge=0, examples=[4], description="Requests under way at once; 0 is no limit.")

    @property
    def narrow(self) -> bool:
        """Tell whether some tools of the upstreams are left out."""
        return bool(self.effects) or "*" not in self.tools

    def sees(self, server: str) -> bool:
        """Tell whether an upstream is there for this tenant."""
        return _fits([server], self.upstreams)

    def allows(self, tool: Tool) -> bool:
        """Tell whether a tool is there for this tenant."""
        named = self.sees(tool.server) and _fits([tool.name, tool.public], self.tools)
        return named and (not self.effects or tool.effect in self.effects)


EVERYTHING = Grants()


@dataclass(frozen=True)
class Tenant:
    """One of those who share a proxy; two are the same where name and grants are.

    `expires` is when what it came in with stops to hold, in seconds since the epoch; None: never.
    """

    name: str
    grants: Grants = EVERYTHING
    expires: float | None = None

    @property
    def key(self) -> str:
        """What belongs to this tenant is kept under this."""
        return f"{self.name}\n{self.grants.model_dump_json()}"


def _fits(names: Iterable[str], patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns for name in names)
