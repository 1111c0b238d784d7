"""What is kept of logins, encrypted by a key of the environment."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from proxy.upstreams.auth.logins import Login, LoginFile
from proxy.upstreams.auth.sealed import KEY, SealedError

URL = "https://tickets.example.com/mcp"
TOKEN = "tickets-token-of-ada"
RIGHT, WRONG = "the right key, which is long enough", "a wrong key, which is long enough too"


@pytest.fixture
async def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LoginFile:
    monkeypatch.setenv(KEY, RIGHT)
    file = LoginFile(URL, tmp_path)
    await file.write(replace(Login(URL), tokens={"access_token": TOKEN}))
    return file


async def read(kept: LoginFile) -> Login:
    return await LoginFile(URL, kept.path.parent).read()


async def test_a_token_is_not_to_be_read_in_the_file_and_is_there_again(kept: LoginFile) -> None:
    assert TOKEN not in kept.path.read_text()
    assert (await read(kept)).token == TOKEN


@pytest.mark.parametrize(("key", "said"), [(WRONG, "not the key"), ("", "set MCP_MEND_KEY"), ("short", "needs 32")])
async def test_without_the_key_it_says_so_and_the_file_stays(
    kept: LoginFile, monkeypatch: pytest.MonkeyPatch, key: str, said: str
) -> None:
    before = kept.path.read_bytes()
    monkeypatch.setenv(KEY, key)
    with capture_logs() as logs:
        assert (await read(kept)).token is None
    assert said in logs[0]["reason"]
    assert kept.path.read_bytes() == before
    monkeypatch.setenv(KEY, RIGHT)
    assert (await read(kept)).token == TOKEN


async def test_what_was_kept_before_there_was_a_key_is_read_and_then_encrypted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = LoginFile(URL, tmp_path)
    await file.write(replace(Login(URL), tokens={"access_token": TOKEN}))
    assert TOKEN in file.path.read_text()
    monkeypatch.setenv(KEY, RIGHT)
    assert (await read(file)).token == TOKEN
    await file.write(await read(file))
    assert TOKEN not in file.path.read_text()


async def test_a_key_that_is_too_short_writes_nothing_readable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY, "short")
    file = LoginFile(URL, tmp_path)
    with pytest.raises(SealedError, match="needs 32"):
        await file.write(replace(Login(URL), tokens={"access_token": TOKEN}))
    assert not file.path.exists()
