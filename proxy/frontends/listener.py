"""Where one process serves HTTP: a socket of its own, or what its parent shares among several workers."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import socket
import threading
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from proxy.frontends.admission import LOOPBACK
from schemas.config import Http, Replicas

SOCKETS, KEY = "MEND_WORKER_SOCKETS", "MEND_WORKER_KEY"
"""What a worker is given by its parent: the numbers of both sockets, and the key of session ids."""


@dataclass(frozen=True)
class Listener:
    """Where one process serves: its sockets, the one for everybody first, and what it is to other replicas."""

    sockets: Sequence[socket.socket]
    replicas: Replicas


@contextmanager
def listener(
    http: Http, replicas: Replicas, host: str, port: int, stop: asyncio.Event, *, guarded: bool = False
) -> Generator[Listener]:
    """Where this process is to serve: at an address of its own, or as a worker at what its parent has given it.

    Raises what `listening` does. `stop` is set when the parent of a worker is gone.
    """
    given = os.environ.pop(SOCKETS, "")
    if not given:
        with listening(http, host, port, guarded=guarded) as made:
            yield Listener([made], replicas)
        return
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket(fileno=int(number))) for number in given.split()]
        for each in sockets:
            each.setblocking(False)  # noqa: FBT003 (the socket's own signature)
        address = f"http://127.0.0.1:{sockets[1].getsockname()[1]}"
        _end_with_parent(stop)
        yield Listener(sockets, Replicas(address=address, key=os.environ.pop(KEY), leave_seconds=0))


def _end_with_parent(stop: asyncio.Event) -> None:
    """Set the event once stdin ends, which the parent holds open."""
    loop = asyncio.get_running_loop()

    def wait() -> None:
        while os.read(0, 1):
            pass
        loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=wait, name="mcp-mend parent", daemon=True).start()


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in LOOPBACK


@contextmanager
def listening(config: Http, host: str, port: int, *, guarded: bool = False) -> Generator[socket.socket]:
    """A listening socket; its protocol is named, as asyncio turns Nagle's delay off only where it is.

    Raises `PermissionError` where others can reach the address and no token guards it, `OSError` where it is taken;
    `guarded` tells that there are tokens of tenants.
    """
    if not is_loopback(host) and not config.token and not guarded:
        reason = (
            f"{host} can be reached by others: set http.token in the configuration, make a token with "
            "`mcp-mend token create`, or listen on 127.0.0.1"
        )
        raise PermissionError(reason)
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP, flags=socket.AI_PASSIVE)
    family, kind, protocol, _, address = found[0]
    with socket.socket(family, kind, protocol) as made:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
        made.listen(2048)
        made.setblocking(False)  # noqa: FBT003 (the socket's own signature)
        yield made
