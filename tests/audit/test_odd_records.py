"""Records that almost are what they look like: whatever stands in a field, a file is read to its end."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import anyio
import pytest

from proxy.audit.auditing import audited
from proxy.audit.report import report
from proxy.store.redact import Redaction
from schemas.catalog import Catalog
from schemas.config import Config

FOLDER = Path(__file__).parent / "transcripts"
ODD: list[Any] = [
    None,
    True,
    0,
    -1.5,
    "",
    "x",
    "{",
    "[]",
    [],
    {},
    [None],
    {"": None},
    [[]],
    {"content": 3},
    "\ud800",
    10**30,
]


def spoilt(value: Any, chance: random.Random) -> Any:
    """The same value with some of what is in it replaced, left out or put elsewhere."""
    if chance.random() < 0.06:
        return chance.choice(ODD)
    if isinstance(value, dict):
        kept = [(key, spoilt(inner, chance)) for key, inner in value.items() if chance.random() > 0.03]
        return dict(kept)
    if isinstance(value, list):
        items = [spoilt(item, chance) for item in value]
        return items[::-1] if chance.random() < 0.03 else items
    return value


def records(path: Path) -> list[Any]:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".json":
        return [json.loads(text)]
    found: list[Any] = []
    for line in text.splitlines():
        try:
            found.append(json.loads(line[max(0, line.find("{")) :].removesuffix(" { metadata: undefined }")))
        except ValueError:
            continue
    return found


@pytest.mark.parametrize("file", sorted(FOLDER.iterdir()), ids=lambda path: path.name)
def test_a_transcript_with_odd_fields_ends_in_a_report(file: Path, tmp_path: Path) -> None:
    whole = records(file)
    for seed in range(12):
        chance = random.Random(f"{file.name} {seed}")  # noqa: S311  a seed makes a fault come again
        path = tmp_path / f"{seed}.jsonl"
        lines = (json.dumps(spoilt(record, chance)) for record in whole)
        path.write_text("\n".join(lines), encoding="utf-8")
    files = sorted(tmp_path.iterdir())
    found = anyio.run(audited, files, Config(), Catalog(), lambda _: None)
    told = report(found, Redaction())
    assert len(told["files"]) == 12
    json.dumps(told)
