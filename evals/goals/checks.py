"""Whether a goal was reached: checks of the final value, and of the world that was left behind.

A value check is `{"any": true}`, `{"none": true}` (nothing may be claimed), `{"number": n}` (the only number in the
value) or `{"has": [...], "not": [...]}` (texts that stand in the value, and that do not). A world check names a `file`,
a `folder`, what must be `absent`, or words of a `git` command in the repository.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evals.goals.setting import git

_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w])")
_TOLERANCE = 1e-6


def right(goal: Mapping[str, Any], value: Any, place: Path, *, claimed: bool) -> bool:
    """Tell whether the goal was reached, by what was claimed and by the world."""
    if goal["value"].get("none"):
        return not claimed
    return claimed and holds(goal["value"], value) and all(_stands(check, place) for check in goal.get("world", ()))


def holds(check: Mapping[str, Any], value: Any) -> bool:
    """Tell whether a value passes its check."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return bool(check.get("any")) or _text_holds(check, text)


def _text_holds(check: Mapping[str, Any], text: str) -> bool:
    if "number" in check:
        found = {float(each) for each in _NUMBER.findall(text)}
        return len(found) == 1 and abs(found.pop() - check["number"]) <= _TOLERANCE
    if "is" in check and text.strip() != check["is"]:
        return False
    lines: Sequence[str] = check.get("line_has", ())
    if lines and not any(all(part in line for part in lines) for line in text.splitlines()):
        return False
    return all(part in text for part in check.get("has", ())) and not any(part in text for part in check.get("not", ()))


def _stands(check: Mapping[str, Any], place: Path) -> bool:
    if "folder" in check:
        return (place / check["folder"]).is_dir()
    if "absent" in check:
        return not (place / check["absent"]).exists()
    if "git" in check:
        try:
            return _text_holds(check, git(place / "repo", *check["git"]))
        except subprocess.CalledProcessError:
            return False
    path = place / check["file"]
    return path.is_file() and _text_holds(check, path.read_text())
