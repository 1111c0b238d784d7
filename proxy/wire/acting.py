"""For whom something is done: a tenant, or ("") whoever runs the proxy. Tasks begun meanwhile are done for the same."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

_tenant: ContextVar[str] = ContextVar("tenant", default="")


def tenant() -> str:
    """The name of the tenant for whom this is done; "" for whoever runs the proxy."""
    return _tenant.get()


@contextmanager
def acting_for(name: str) -> Generator[None]:
    """Have everything within the block, and every task begun there, be done for this tenant."""
    before = _tenant.set(name)
    try:
        yield
    finally:
        _tenant.reset(before)
