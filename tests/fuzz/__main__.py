"""Fuzz one target with coverage, by command: `uv run --with atheris python -m tests.fuzz refusal --seconds 300`.

Starts from the corpus of the target, keeps what reaches new code in a folder of its own, and leaves what breaks a law
in a file named crash-...; what is worth keeping goes into tests/fuzz/corpus under a name that says what it is.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import click


@click.command()
@click.argument("target")
@click.option("--seconds", default=60, show_default=True, help="How long to look.")
def main(target: str, seconds: int) -> None:
    """Look for bytes that break TARGET."""
    import atheris  # type: ignore[import-not-found]

    with atheris.instrument_imports(include=["proxy", "catalog_cache", "schemas"]):
        from tests.fuzz.targets import TARGETS
    if target not in TARGETS:
        raise click.BadParameter(f"no such target; there are {', '.join(TARGETS)}")
    kept = tempfile.mkdtemp(prefix=f"fuzz-{target}-")
    corpus = Path(__file__).with_name("corpus") / target
    atheris.Setup([sys.argv[0], f"-max_total_time={seconds}", "-max_len=4096", kept, str(corpus)], TARGETS[target])
    atheris.Fuzz()


main()
