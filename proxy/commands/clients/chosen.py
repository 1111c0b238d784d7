"""Which client and which of its files a command is about."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from proxy.commands.clients.change import Refusal
from proxy.commands.clients.places import Surroundings, files
from proxy.commands.clients.table import CLIENTS, Client
from proxy.commands.nearest import Choice

client_argument = click.argument("client", type=Choice(list(CLIENTS)), metavar="CLIENT")
some_client_argument = click.argument("client", type=Choice(list(CLIENTS)), metavar="CLIENT", required=False)
project_option = click.option("--project", is_flag=True, help="The file in this folder that is for one project.")


def surroundings() -> Surroundings:
    """The machine that this runs on."""
    return Surroundings(sys.platform, Path.home(), os.environ)


def found_files(client: Client, file: Path | None = None, *, project: bool = False) -> list[Path]:
    """The files to look into: the one that is named, else those that are there, else the one that would be made."""
    if file is not None:
        return [file]
    if project and not client.project:
        raise Refusal(f"{client.title} has no file for one project; --file names one")
    found = [Path(client.project)] if project else files(client.places, surroundings())
    if not found:
        raise Refusal(f"{client.title} has no fixed place for its file; --file names it")
    return found
