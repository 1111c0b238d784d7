"""Holds up what upstreams say while the client that hears them does not read, so that nothing piles up between them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Backpressure:
    """On or off for all who follow it; those that begin while it is on are held from the start."""

    def __init__(self) -> None:
        self._off = asyncio.Event()
        self._off.set()
        self._followers: set[Callable[[bool], None]] = set()

    @property
    def on(self) -> bool:
        """Tell whether nothing shall be read now."""
        return not self._off.is_set()

    def put(self, *, on: bool) -> None:
        """Hold everybody up, or let everybody go on."""
        if on == self.on:
            return
        (self._off.clear if on else self._off.set)()
        for follower in tuple(self._followers):
            follower(on)

    def follow(self, follower: Callable[[bool], None]) -> Callable[[], None]:
        """Be told of every change; returns how to stop."""
        self._followers.add(follower)
        if self.on:
            follower(True)  # noqa: FBT003 (the one thing it says)
        return lambda: self._followers.discard(follower)

    async def off(self) -> None:
        """Wait until reading may go on."""
        await self._off.wait()
