"""`mcp-mend model`: list, pull and find the planner's models."""

from __future__ import annotations

import click

from proxy.commands.nearest import Group
from proxy.commands.options import refuse


@click.group(cls=Group)
def model() -> None:
    """The planner's models: list them, pull one, print where one lies.

    \b
    mcp-mend model list
    """


@model.command("list")
def list_models() -> None:
    """Show every model that can be used or pulled by name."""
    from proxy.model import models

    here = models.installed()
    click.echo(f"{models.INSTALLED:<18} {'installed' if here else 'not installed':<14} Apache-2.0   98 MB  the default")
    for offer in models.OFFERS:
        state = "here" if (models.models_folder() / offer.file).is_file() else "to pull"
        click.echo(f"{offer.name:<18} {state:<14} {offer.licence}  {offer.size:>4} MB  {offer.about}")
    if not models.library():
        click.echo("The library that runs them is not installed: install mcp-mend[planner].")


@model.command()
@click.argument("name")
def pull(name: str) -> None:
    """Fetch the model NAME from the Hugging Face hub; an attempt that broke off goes on where it was."""
    from proxy.model import models

    offer = models.offered(name)
    if offer is None:
        refuse(f"there is no model {name!r} to pull; `mcp-mend model list` shows those that there are")
    click.echo(f"{offer.name}: {offer.repository}, {offer.size} MB, licence {offer.licence}", err=True)
    try:
        path = models.pull(offer)
    except models.ModelProblem as problem:
        refuse(str(problem))
    click.echo(f'Use it with [planner] model = "{offer.name}".', err=True)
    click.echo(path)


@model.command()
@click.argument("name", default="")
def path(name: str) -> None:
    """Print the file of the model NAME (or of a path), the default one where none is named."""
    from proxy.model import models

    try:
        click.echo(models.resolve(name))
    except models.ModelProblem as problem:
        refuse(str(problem))
