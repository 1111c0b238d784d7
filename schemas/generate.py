"""Write the JSON Schema files of plan, report and configuration beside the models they come from.

Run as `python -m schemas.generate`; editors and clients read the files, a test keeps them equal to the models.
"""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import BaseModel

from schemas.config import Config
from schemas.plan import Submission
from schemas.report import Report

FILES: dict[str, type[BaseModel]] = {
    "plan.schema.json": Submission,
    "report.schema.json": Report,
    "config.schema.json": Config,
}
"""File name to the model it describes; a report is described as it is written, the others as they are read."""


def schema_text(name: str) -> str:
    """The text of one file."""
    schema = FILES[name].model_json_schema(mode="serialization" if FILES[name] is Report else "validation")
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def write(folder: Path) -> None:
    """Write every file into a folder."""
    for name in FILES:
        (folder / name).write_text(schema_text(name), encoding="utf-8")


if __name__ == "__main__":
    write(Path(__file__).parent)
