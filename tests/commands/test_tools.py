"""`tools list` and `tools call` on real servers, and how arguments are written on a command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from proxy.commands.tools.values import ArgumentError, read_arguments

ROOT = Path(__file__).parents[2]
SCHEMAS: dict[str, Any] = {
    "count": {"type": "integer"},
    "price": {"type": ["number", "null"]},
    "on": {"type": "boolean"},
    "name": {"type": "string"},
    "either": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
    "maybe": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
    "tags": {"type": "array"},
    "free": {},
}


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("count=5", 5),
        ("count=five", "five"),
        ("count=true", "true"),
        ("count=5.0", "5.0"),
        ("price=5", 5),
        ("price=5.5", 5.5),
        ("price=null", None),
        ("on=true", True),
        ("name=5", "5"),
        ("either=5", "5"),
        ("maybe=5", 5),
        ('tags=["a"]', ["a"]),
        ("tags=a", "a"),
        ("free=5", "5"),
        ("unknown=5", "5"),
        ("unknown:=5", 5),
        ('name:="5"', "5"),
        ("name=a=b", "a=b"),
        ("name=", ""),
    ],
)
def test_a_value_is_what_the_schema_wants_else_text(word: str, expected: object) -> None:
    (value,) = read_arguments([word], SCHEMAS).values()
    assert (type(value), value) == (type(expected), expected)


def test_arguments_may_be_one_json_object() -> None:
    assert read_arguments(['{"a": {"b": 1}}'], {}) == {"a": {"b": 1}}
    assert read_arguments([], {}) == {}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["a"], "write key=value"),
        (["a:={"], "a: not JSON"),
        (["{a}"], "the arguments: not JSON"),
        (["a=1", "a=2"], "given twice"),
    ],
)
def test_what_is_no_argument_is_refused(words: list[str], said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        read_arguments(words, {})


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder with a configuration of a shop and of a server that is not there."""
    script = ROOT / "tests" / "servers" / "shop.py"
    servers = {
        "shop": {"command": sys.executable, "args": [str(script), str(tmp_path / "shop.log")]},
        "gone": {"command": "no-such-program"},
    }
    (tmp_path / "c.json").write_text(json.dumps({"mcpServers": servers}), encoding="utf-8")
    return tmp_path


def mend(folder: Path, *args: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "HOME": str(folder), "MCP_MEND_HOME": str(folder / "state"), "PYTHONPATH": str(ROOT)}
    env |= {"MCP_MEND_CONFIG": str(folder / "c.json"), "COLUMNS": "120"}
    line = [sys.executable, "-c", "from proxy.cli import main; main()", *args]
    return subprocess.run(line, env=env, input=stdin, capture_output=True, text=True, timeout=60, check=False)


def test_tools_are_listed_with_their_arguments(shop: Path) -> None:
    done = mend(shop, "tools", "list", "--server", "shop")
    assert (done.returncode, done.stderr) == (0, "")
    row = next(line for line in done.stdout.splitlines() if "search_products" in line)
    assert "query* department max_price" in row
    done = mend(shop, "tools", "list", "--json")
    assert done.returncode == 1
    assert "gone cannot be asked" in done.stderr
    listed = [json.loads(line) for line in done.stdout.splitlines()]
    assert listed[0]["inputSchema"]["required"] == ["query"]
    assert "shp" in mend(shop, "tools", "list", "--server", "shp").stderr


def test_a_call_prints_what_came_back(shop: Path) -> None:
    done = mend(shop, "tools", "call", "search_products", "query=rake", "max_price=20")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["count"] == 1
    done = mend(shop, "tools", "call", "get_product", "-", "--json", "--server", "shop", stdin='{"sku": "hose-30"}')
    assert json.loads(done.stdout)["structuredContent"]["product"]["price"] == 42


def test_a_call_is_repaired_and_the_change_shown(shop: Path) -> None:
    done = mend(shop, "tools", "call", "search_products", "ask=rake", "--server", "shop")
    assert done.returncode == 0
    assert json.loads(done.stdout)["count"] == 1
    assert '-        "ask": "rake"' in done.stderr
    assert "rename_argument" in done.stderr
    shown = mend(shop, "log", "diff", "last").stdout
    assert '+        "query": "rake"' in shown
    off = mend(shop, "tools", "call", "search_products", "ask=rake", "--server", "shop", "--mode", "off")
    assert (off.returncode, off.stdout) == (1, "")
    assert "Input validation error" in off.stderr


def test_a_name_and_an_argument_that_are_both_mended_are_both_shown(shop: Path) -> None:
    done = mend(shop, "tools", "call", "serch_products", "ask=rake", "--server", "shop")
    assert done.returncode == 0
    views = [done.stderr, *(mend(shop, "log", *view).stdout for view in (["show"], ["diff"], ["list"]))]
    views.append(mend(shop, "log", "watch", "--since", "1h", "--kind", "repair", "-n", "1").stdout)
    for said in views:
        assert all(word in said for word in ("serch_products", "search_products", "ask", "query")), said
    for said in views[:3]:
        assert "before it: Unknown tool: serch_products" in said
        assert "before it: Input validation error" not in said


def test_a_call_that_fails_exits_with_1(shop: Path) -> None:
    done = mend(shop, "tools", "call", "get_product", "sku=none-99", "--server", "shop")
    assert done.returncode == 1
    assert "no product with sku 'none-99'" in done.stderr
    assert mend(shop, "tools", "call", "quite_another", "--server", "shop").returncode == 1
    assert mend(shop, "tools", "call", "get_product", "what", "--server", "shop").returncode == 2
