"""The nginx.conf of `deploy/`, for any number of replicas on this machine."""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from pathlib import Path

FILE = Path(__file__).parents[2] / "deploy" / "nginx.conf"
_OF_ONE = re.compile(r"proxy-([12]):8765|owner-([12]);")


def in_ids(address: str) -> str:
    """How the ids of sessions begin that the replica at this address owns."""
    return urlsafe_b64encode(f"http://{address}".encode()).decode().rstrip("=")


def balancer(port: int, replicas: Sequence[int], *, anywhere: bool = False) -> str:
    """What nginx follows on a port, for replicas at these: each line on the first is written for every one.

    `anywhere` sends the requests of a session to any replica, as a balancer does that knows nothing of ids.
    """
    hosts = [f"127.0.0.1:{each}" for each in replicas]
    written: list[str] = []
    for line in FILE.read_text(encoding="utf-8").splitlines():
        about = _OF_ONE.search(line)
        if about is None:
            written.append(line)
        elif "1" in about.groups():
            written += [_line(line, number, hosts) for number in range(len(hosts))]
    text = "\n".join(written)
    if anywhere:
        text = text.replace("http://$replica;", "http://replicas;")
    return text.replace("listen 8080;", f"listen 127.0.0.1:{port};").replace(" /tmp/", " FOLDER/")


def _line(line: str, number: int, hosts: Sequence[str]) -> str:
    other = hosts[(number + 1) % len(hosts)]
    line = line.replace(in_ids("proxy-1:8765"), in_ids(hosts[number])).replace("owner-1", f"owner-{number + 1}")
    return line.replace("proxy-1:8765", hosts[number]).replace("proxy-2:8765", other)
