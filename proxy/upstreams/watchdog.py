"""A tiny shell process that ends our children's process groups when we die without a chance to do it ourselves.

It reads the current group ids from a pipe, line by line; when the pipe closes (however we ended) it ends the last
ones it was told. An orderly exit tells it an empty list first.
"""

from __future__ import annotations

import os
import shutil
import subprocess

_SCRIPT = """
trap '' INT TERM HUP
groups=
while read -r line; do groups=$line; done
[ -n "$groups" ] || exit 0
for g in $groups; do kill -s TERM -- "-$g" 2>/dev/null; done
sleep 1
for g in $groups; do kill -s KILL -- "-$g" 2>/dev/null; done
"""


class Watchdog:
    """Keeps the list of process groups that must not outlive this process; inert where there is no POSIX shell."""

    def __init__(self) -> None:
        self._groups: set[int] = set()
        self._shell: subprocess.Popen[bytes] | None = None

    def add(self, group: int) -> None:
        """Guard one process group."""
        self._groups.add(group)
        self._tell()

    def discard(self, group: int) -> None:
        """Stop guarding a group that has ended."""
        if group in self._groups:
            self._groups.discard(group)
            self._tell()

    def close(self) -> None:
        """Let the watchdog go; groups that are still guarded are ended by it."""
        shell, self._shell = self._shell, None
        if shell is not None and shell.stdin is not None:
            shell.stdin.close()
            shell.wait()

    def _tell(self) -> None:
        shell = self._shell if self._shell is not None else self._start()
        if shell is None or shell.stdin is None:
            return
        line = " ".join(str(group) for group in sorted(self._groups)) + "\n"
        try:
            os.write(shell.stdin.fileno(), line.encode())
        except BrokenPipeError:
            self._shell = None

    def _start(self) -> subprocess.Popen[bytes] | None:
        program = shutil.which("sh") if os.name == "posix" else None
        if program is None:
            return None
        self._shell = subprocess.Popen(  # noqa: S603 (a fixed script, no input of others)
            [program, "-c", _SCRIPT],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
        )
        return self._shell
