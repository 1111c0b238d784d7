"""The servers of `mcp-mend demo`, for an installed program that has no `proxy.toml` beside it."""

from __future__ import annotations

from schemas.config import Config, Upstream

DEMO_UPSTREAMS = {
    "unit-converter": Upstream(
        command="uvx", args=["--from", "unit-converter-mcp==0.1.2", "--with", "mcp<2", "unit-converter-mcp"]
    ),
    "time": Upstream(
        command="uvx", args=["--from", "mcp-server-time==2026.10.19", "mcp-server-time", "--local-timezone", "UTC"]
    ),
}
"""The same as in the root's `proxy.toml`."""


def for_demo(config: Config) -> Config:
    """The configuration with the demo's servers, its own entries of these names first; other servers stay out."""
    return config.model_copy(
        update={"upstreams": {name: config.upstreams.get(name, given) for name, given in DEMO_UPSTREAMS.items()}}
    )
