"""A shop in a Claude Desktop configuration."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from .desk import SHOP, Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    shop = {"command": sys.executable, "args": [str(SHOP), str(desk.log)], "env": {"SHOP_SIGN": "open"}}
    desk.config.write_text(json.dumps({"globalShortcut": "Ctrl+Space", "mcpServers": {"shop": shop}}))
    return desk
