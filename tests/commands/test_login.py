"""`mcp-mend login` and `logout` against a real authorization server, with a browser that asks nobody."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest

from proxy.upstreams.auth.logins import LoginFile
from tests.doors import ROOT, Locked, locked, mend


@pytest.fixture(scope="module")
def server() -> Generator[Locked]:
    with locked() as running:
        yield running


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Locked) -> Path:
    """A configuration that names the server, state of its own for each test, and a server that behaves."""
    monkeypatch.setenv("MCP_MEND_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    server.well()
    file = tmp_path / "my.toml"
    file.write_text(f'[upstreams.tickets]\nurl = "{server.url}"\n[planner]\nbackend = "none"\n', encoding="utf-8")
    return file


def token(server: Locked) -> str | None:
    return anyio.run(LoginFile(server.url).read).token


def called(tool: str, text: str | None, *words: str) -> tuple[dict[str, Any], str]:
    """What a client gets that calls one tool through the proxy, and what stands on its stderr."""
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}}
    lines = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": tool, "arguments": {"text": text}}},
    ]
    pipe = subprocess.PIPE
    command = [sys.executable, "-m", "proxy.cli", *words]
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as proxy:
        assert proxy.stdin is not None
        assert proxy.stdout is not None
        for line in lines:
            proxy.stdin.write(json.dumps(line) + "\n")
        proxy.stdin.flush()
        replies = [json.loads(proxy.stdout.readline()) for _ in range(2)]
        _, told = proxy.communicate(timeout=30)
    return next(reply for reply in replies if reply["id"] == 2), told


def test_a_login_lets_doctor_in_and_a_logout_shuts_it_out(server: Locked, config: Path) -> None:
    refused = mend("doctor", "--config", str(config))
    assert re.search(r"FAIL +tickets +it wants you to log in: run `mcp-mend login tickets`", refused.stdout)
    done = mend("login", "tickets")
    assert (done.returncode, done.stdout) == (0, "logged in to tickets: 1 tools\n"), done.stderr
    assert f"{server.url.removesuffix('/mcp')}/authorize?" in done.stderr
    assert re.search(r"ok +tickets +1 tools", mend("doctor", "--config", str(config)).stdout)
    assert mend("logout", "tickets", "--config", str(config)).stdout == "logged out of tickets\n"
    assert token(server) is None
    assert mend("logout", "tickets", "--config", str(config)).stdout == "nobody was logged in to tickets\n"


def test_a_logout_during_a_renewal_is_not_undone_by_it(server: Locked, config: Path) -> None:
    assert mend("login", "tickets", "--config", str(config)).returncode == 0

    async def renewing() -> subprocess.CompletedProcess[str]:
        kept = LoginFile(server.url)
        async with kept.alone():
            leaving = asyncio.create_task(asyncio.to_thread(mend, "logout", "tickets", "--config", str(config)))
            await asyncio.wait({leaving}, timeout=3)
            await kept.write(await kept.read())
        return await leaving

    assert asyncio.run(renewing()).stdout == "logged out of tickets\n"
    assert token(server) is None


def test_a_wrapped_server_is_logged_in_to_by_its_address_and_its_token_written_down_nowhere(
    server: Locked, tmp_path: Path
) -> None:
    assert mend("login", "--url", server.url).returncode == 0
    secret = token(server)
    reply, told = called("echo", secret, "wrap", "--url", server.url)
    assert reply["result"]["content"][0]["text"] == secret
    assert "upstream ready" in told
    written = [told, *(file.read_text(errors="replace") for file in (tmp_path / "state").glob("journal*"))]
    assert any("[redacted]" in text for text in written)
    assert not any(str(secret) in text for text in written)


def test_a_call_to_a_server_that_waits_for_a_login_is_not_answered_by_another(config: Path) -> None:
    other = (
        f"command = {json.dumps(sys.executable)}\nargs = [{json.dumps(str(ROOT / 'tests' / 'servers' / 'echo.py'))}]"
    )
    config.write_text(config.read_text(encoding="utf-8") + f"[upstreams.other]\n{other}\n", encoding="utf-8")
    reply, told = called("tickets__echo", "x", "serve", "--config", str(config))
    said = "tickets is not available: it wants you to log in: run `mcp-mend login tickets`"
    assert reply["error"]["message"] == said
    assert said.partition(": ")[2] in told


@pytest.mark.parametrize(
    ("ways", "said"),
    [
        ({"deny": True}, "not logged in to tickets: the server says access_denied: the person said no"),
        ({"wrong_state": True}, "not logged in to tickets: State parameter mismatch"),
        ({"token_status": 500}, "not logged in to tickets: Token exchange failed (500)"),
    ],
)
def test_a_login_that_fails_says_why_and_keeps_the_tokens_there_were(
    server: Locked, config: Path, ways: dict[str, object], said: str
) -> None:
    assert mend("login", "tickets", "--config", str(config)).returncode == 0
    before = token(server)
    server.behave(**ways)
    done = mend("login", "tickets", "--config", str(config))
    assert (done.returncode, said in done.stderr) == (1, True), done.stderr
    assert "Traceback" not in done.stderr
    assert token(server) == before is not None


def test_a_person_who_never_comes_is_not_waited_for_for_ever(config: Path) -> None:
    done = mend("login", "tickets", "--config", str(config), "--timeout", "1", browser="true %s")
    assert (done.returncode, "nobody logged in to tickets within 1 s" in done.stderr) == (1, True), done.stderr


def test_the_answer_of_a_browser_elsewhere_can_be_pasted(server: Locked, config: Path) -> None:
    line = [sys.executable, "-m", "proxy.cli", "login", "tickets", "--no-browser", "--config", str(config)]
    pipe = subprocess.PIPE
    with subprocess.Popen(line, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as person:
        assert person.stdin is not None
        assert person.stderr is not None
        found = next(filter(None, (re.search(r"http://\S+/authorize\S+", line) for line in person.stderr)))
        sent_to = httpx2.get(found[0]).headers["location"]
        person.stdin.write(f"\nhello?\n{sent_to}\n")
        person.stdin.flush()
        out, _ = person.communicate(timeout=30)
    assert out == "logged in to tickets: 1 tools\n"
    assert token(server)


def test_a_client_that_was_registered_beforehand_returns_to_its_own_place(server: Locked, config: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    place = f"http://localhost:{port}/oauth/callback"
    known = f'client_id = "known", client_secret = "${{SECRET:-known-secret}}", redirect_uri = "{place}"'
    config.write_text(f'[upstreams.tickets]\nurl = "{server.url}"\noauth = {{ {known}, scope = "read more" }}\n')
    registered = server.seen("registered")
    done = mend("login", "tickets", "--config", str(config))
    assert done.returncode == 0, done.stderr
    assert f"localhost%3A{port}%2Foauth%2Fcallback" in done.stderr
    assert server.seen("registered") == registered
    assert (server.seen("authorized")[-1], server.seen("scope")[-1]) == ("known", "read more")
    assert "known-secret" not in LoginFile(server.url).path.read_text(encoding="utf-8")
    server.behave(revoke=True)
    assert re.search(r"ok +tickets +1 tools", mend("doctor", "--config", str(config)).stdout)
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # the log-in's last connections still end
        taken.bind(("127.0.0.1", port))
        taken.listen()
        refused = mend("login", "tickets", "--config", str(config))
    assert f"{place} cannot be used" in refused.stderr


def test_what_needs_no_login_is_told(server: Locked, config: Path) -> None:
    server.behave(open=True)
    assert mend("login", "tickets", "--config", str(config)).stdout == "tickets asks for no login\n"
    own = '[upstreams.own]\nurl = "https://x/mcp"\nheaders = {authorization = "mine"}\n'
    config.write_text(f'[upstreams.program]\ncommand = "x"\n{own}', encoding="utf-8")
    for name, said in {
        "program": "only servers with a url want a login",
        "own": "there is nothing to log in to",
        "nobody": "no server is called 'nobody'; there are: program, own",
    }.items():
        refused = mend("login", name, "--config", str(config))
        assert (refused.returncode, said in refused.stderr) == (2, True), refused.stderr


def test_the_help_shows_how(config: Path) -> None:
    del config
    assert "mcp-mend login tickets" in mend("login", "--help").stdout
    assert "Usage" in mend("login").stderr
