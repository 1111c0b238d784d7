"""Every message that docs/troubleshooting.md quotes is one that the program prints."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "troubleshooting.md"
QUOTED = re.findall(r"(?m)^### `(.+)`$", PAGE.read_text(encoding="utf-8"))
GAP = "\0"


def texts() -> list[str]:
    """Every text in the code of the program, what is put into it as a gap."""
    found: list[str] = []
    for folder in ("proxy", "schemas", "catalog_cache"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.JoinedStr):
                    parts = (part.value if isinstance(part, ast.Constant) else GAP for part in node.values)
                    found.append("".join(map(str, parts)))
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found.append(node.value)
    return found


TEXTS = texts()


def test_the_page_quotes_messages() -> None:
    assert len(QUOTED) > 20
    assert len(QUOTED) == len(set(QUOTED))


@pytest.mark.parametrize("message", QUOTED)
def test_a_quoted_message_stands_in_the_code(message: str) -> None:
    """Words in capitals stand for what differs from time to time."""
    wanted = re.sub(r"\b[A-Z][A-Z]+\b", GAP, message)
    assert any(wanted in re.sub(r"\b[A-Z][A-Z]+\b", GAP, text) for text in TEXTS), wanted


REFUSING = {"refuse", "Refusal", "UsageError", "BadParameter", "ConfigError", "CannotResumeError"}
REMEDY = re.compile(r";|`mcp-mend|\b(?:write|say|give|name|names|expected|belong to|only servers with|nothing to)\b")


def refusals() -> list[str]:
    """Every sentence that ends a command, but those that another part of the program wrote."""
    found: list[str] = []
    for file in sorted((ROOT / "proxy").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in REFUSING:
                for part in node.args[:1]:
                    found += [text for text in map(said, part.elts if isinstance(part, ast.List) else [part]) if text]
    return found


def said(node: ast.expr) -> str:
    """The sentence that a part of the code is, what is put into it as a gap; nothing where it has no two words."""
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    text = "".join(str(part.value) if isinstance(part, ast.Constant) else GAP for part in parts)
    return text if len(re.findall(r"[a-z]{2,}", text)) > 1 else ""


def test_refusals_are_found() -> None:
    assert len(refusals()) > 30


@pytest.mark.parametrize("message", refusals())
def test_a_refusal_names_its_remedy_or_stands_on_the_page(message: str) -> None:
    on_page = [re.sub(r"\b[A-Z][A-Z]+\b", GAP, quoted) for quoted in QUOTED]
    assert REMEDY.search(message) or any(quoted in message for quoted in on_page), message
