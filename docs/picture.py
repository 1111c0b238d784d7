"""Record what a command of mcp-mend prints as a picture: `python docs/picture.py` writes docs/demo.svg.

The command is really run, on a terminal of its own; needs a system that has them (Linux, macOS). Another command:
`python docs/picture.py FILE.svg log list`.
"""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

WIDTH = 110
FORMAT = """<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: {char_height}px; line-height: {line_height}px; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""  # noqa: E501  one element a line
"""rich's own without its web fonts: a page that shows the picture loads nothing else. The ground is dark and opaque."""


def printed(arguments: list[str]) -> str:
    """What the command writes on a terminal; raises `CalledProcessError` where it fails."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "proxy.cli", *arguments]
    with tempfile.TemporaryDirectory() as home:
        env = {**os.environ, "MCP_MEND_HOME": home, "COLUMNS": str(WIDTH), "TERM": "xterm-256color"}
        env.pop("NO_COLOR", None)
        with subprocess.Popen(  # noqa: S603  our own program
            command, stdin=subprocess.DEVNULL, stdout=theirs, stderr=subprocess.DEVNULL, env=env
        ) as run:
            os.close(theirs)
            read = bytearray()
            try:
                while piece := os.read(ours, 65536):
                    read += piece
            except OSError:
                pass  # Linux says so that the other end is closed
            finally:
                os.close(ours)
        if run.returncode:
            raise subprocess.CalledProcessError(run.returncode, command, bytes(read))
    return read.decode().replace("\r\n", "\n")


def picture(text: str, title: str) -> str:
    """The text as an SVG."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, highlight=False)
    console.print(Text.from_ansi(text))
    return console.export_svg(title=title, code_format=FORMAT, unique_id="terminal")


if __name__ == "__main__":
    name, *arguments = sys.argv[1:] or [str(Path(__file__).with_name("demo.svg")), "demo"]
    Path(name).write_text(picture(printed(arguments), " ".join(["mcp-mend", *arguments])), encoding="utf-8")
