"""A real MCP server as most are written: the SDK's own functions with annotations, and a bit of everything.

Usage: python garden.py LOG. The first line of LOG holds the process id, the others the calls that had an effect.
"""

# pyright: basic
from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import anyio
from mcp import types
from mcp.server import MCPServer
from mcp.server.mcpserver import Context, Image
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import BaseModel, Field

LOG = Path(sys.argv[1])
DOT = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c63fccfc0500f0004850180a8cc6ad1"
    "0000000049454e44ae426082"
)
READ = types.ToolAnnotations(read_only_hint=True)
WRITE = types.ToolAnnotations(read_only_hint=False, destructive_hint=False)
server = MCPServer("garden", log_level="CRITICAL")


class Bed(BaseModel):
    """A bed and what grows in it."""

    bed_number: int
    plants: list[str]


@server.tool(annotations=READ)
def get_bed(bed_number: Annotated[int, Field(strict=True)], max_plants: int = 3) -> Bed:
    """Look one bed up."""
    if bed_number > 5:
        raise ToolError(f"there is no bed {bed_number}")
    return Bed(bed_number=bed_number, plants=["beans", "peas", "leeks"][:max_plants])


@server.tool(annotations=WRITE)
def sow_seeds(bed_number: int, plant: str) -> str:
    """Sow seeds into a bed."""
    note({"tool": "sow_seeds", "arguments": {"bed_number": bed_number, "plant": plant}})
    return f"{plant} sown"


@server.tool(annotations=READ, structured_output=False)
def show_photo() -> list[Any]:
    """Show a photo of the garden."""
    return ["the garden", Image(data=DOT, format="png")]


@server.tool(annotations=READ)
async def measure_growth(context: Context) -> str:
    """Measure every bed, one after the other."""
    for done in range(1, 4):
        await context.report_progress(done, 3, f"bed {done}")
        await anyio.sleep(0.05)
    return "measured"


@server.tool(annotations=READ)
async def watch_grass() -> str:
    """Watch the grass grow, which does not end."""
    note({"watching": True})
    try:
        await anyio.sleep_forever()
    finally:
        note({"watching": False})
    return "grown"


@server.resource("garden://plan")
def plan() -> str:
    """The plan of the garden."""
    return "beans left, peas right"


@server.prompt()
def advise(plant: str) -> str:
    """Ask for advice."""
    return f"How do I grow {plant}?"


def note(line: dict[str, Any]) -> None:
    with LOG.open("a") as log:
        log.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    note({"pid": os.getpid()})
    server.run()
