"""A browser driven by the W3C WebDriver protocol: the few requests that these tests need, and no library."""

from __future__ import annotations

import base64
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx2

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
MISSING = "there is no chromium with its chromedriver: apt-get install chromium chromium-driver"

KEYS = {"enter": "\ue007", "escape": "\ue00c", "down": "\ue015"}
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage", "--hide-scrollbars"),
)

Seen = TypeVar("Seen")


class Browser:
    """One open window."""

    def __init__(self, client: httpx2.Client, session: str) -> None:
        self._client = client
        self._at = f"/session/{session}"

    def _ask(self, verb: str, path: str, **body: Any) -> Any:
        response = self._client.request(verb, f"{self._at}{path}", json=body if verb == "POST" else None)
        value = response.json()["value"]
        assert response.status_code == 200, value
        return value

    def open(self, address: str) -> None:
        """Go to an address, and wait until it is loaded."""
        self._ask("POST", "/url", url=address)

    @property
    def address(self) -> str:
        """Where the window is."""
        return self._ask("GET", "/url")

    def size(self, width: int, height: int) -> None:
        """Give the window a size."""
        self._ask("POST", "/window/rect", width=width, height=height)

    def run(self, script: str, *args: Any) -> Any:
        """Run a script's body in the page; what it returns."""
        return self._ask("POST", "/execute/sync", script=script, args=list(args))

    def later(self, script: str, *args: Any) -> Any:
        """Run a script's body that calls its last argument when it is done."""
        return self._ask("POST", "/execute/async", script=script, args=list(args))

    def text(self, selector: str) -> str:
        """The text of the first element that fits."""
        return self.run("return document.querySelector(arguments[0])?.innerText ?? ''", selector)

    def count(self, selector: str) -> int:
        """How many elements fit."""
        return self.run("return document.querySelectorAll(arguments[0]).length", selector)

    def click(self, selector: str) -> None:
        """Click the first element that fits, as a person does."""
        found = self._ask("POST", "/element", using="css selector", value=selector)
        self._ask("POST", f"/element/{found[_ELEMENT]}/click")

    def type(self, text: str) -> None:
        """Press keys, wherever the focus is; one of `KEYS` by its name."""
        pressed = [KEYS[text]] if text in KEYS else list(text)
        actions = [{"type": kind, "value": key} for key in pressed for kind in ("keyDown", "keyUp")]
        self._ask("POST", "/actions", actions=[{"type": "key", "id": "keyboard", "actions": actions}])

    def until(self, see: Callable[[], Seen], seconds: float = 20) -> Seen:
        """Wait until something is seen; fails after so many seconds."""
        end = time.monotonic() + seconds
        while not (seen := see()):
            assert time.monotonic() < end, f"not seen in time at {self.address}:\n{self.text('body')[:2000]}"
            time.sleep(0.05)
        return seen

    def picture(self, path: Path) -> None:
        """Save what is seen as a PNG."""
        path.write_bytes(base64.b64decode(self._ask("GET", "/screenshot")))

    def close(self) -> None:
        """Close the window."""
        self._client.request("DELETE", self._at)


@contextmanager
def browser(folder: Path, width: int = 1280, height: int = 860) -> Generator[Browser]:
    """A headless Chromium with an empty profile; it and its driver have ended when this is left."""
    assert CHROMIUM, MISSING
    assert DRIVER, MISSING
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([DRIVER, f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=90) as client:
            for _ in range(400):
                try:
                    client.get("/status")
                    break
                except httpx2.TransportError:
                    assert process.poll() is None, "chromedriver has ended"
                    time.sleep(0.05)
            flags = [*_FLAGS, f"--user-data-dir={folder}", f"--window-size={width},{height}"]
            wanted = {"browserName": "chrome", "goog:chromeOptions": {"binary": CHROMIUM, "args": flags}}
            answer = client.post("/session", json={"capabilities": {"alwaysMatch": wanted}}).json()["value"]
            assert "sessionId" in answer, answer
            window = Browser(client, answer["sessionId"])
            try:
                yield window
            finally:
                window.close()
    finally:
        process.terminate()
        process.wait(20)
