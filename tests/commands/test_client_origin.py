"""The command line that is written starts the mcp-mend that wrote it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from proxy.commands.clients.origin import Origin, here
from proxy.settings.selfcall import ours

GIT = {"url": "https://example.com/me/mcp-mend.git", "vcs_info": {"vcs": "git", "commit_id": "0" * 40}}


def origin(
    folder: Path, *, cached: bool = False, program: bool = True, direct: dict[str, object] | None = None
) -> Origin:
    scripts = folder / "cache" / "archive-v0" / "x" / "bin"
    scripts.mkdir(parents=True)
    if cached:
        (folder / "cache" / "CACHEDIR.TAG").touch()
    (scripts.parent / "CACHEDIR.TAG").touch()
    if program:
        (scripts / "mcp-mend").touch()
    return Origin(scripts.parent, (folder / "none", scripts), "/usr/bin/python3", direct)


def test_the_program_of_an_environment_that_stays_is_named(tmp_path: Path) -> None:
    found = origin(tmp_path, direct={"url": "file:///src", "dir_info": {"editable": True}})
    assert found.line == [str(found.prefix / "bin" / "mcp-mend")]


def test_without_a_program_python_starts_it(tmp_path: Path) -> None:
    assert origin(tmp_path, program=False).line == ["/usr/bin/python3", "-P", "-m", "proxy.cli"]


@pytest.mark.parametrize(
    ("direct", "line"),
    [
        (None, ["uvx", "mcp-mend"]),
        ({"url": "file:///src/mcp%20mend", "dir_info": {}}, ["uvx", "--from", "/src/mcp mend", "mcp-mend"]),
        (
            {"url": "file:///src", "dir_info": {"editable": True}},
            ["uv", "run", "--project", "/src", "mcp-mend"],
        ),
        (
            {"url": "https://example.com/mcp_mend-1-py3-none-any.whl", "archive_info": {}},
            ["uvx", "--from", "https://example.com/mcp_mend-1-py3-none-any.whl", "mcp-mend"],
        ),
        (GIT, ["uvx", "--from", "git+https://example.com/me/mcp-mend.git", "mcp-mend"]),
        (
            {**GIT, "vcs_info": {"vcs": "git", "requested_revision": "v1"}, "subdirectory": "py"},
            ["uvx", "--from", "git+https://example.com/me/mcp-mend.git@v1#subdirectory=py", "mcp-mend"],
        ),
    ],
)
def test_out_of_a_cache_uv_is_told_again_what_it_was_told(
    tmp_path: Path, direct: dict[str, object] | None, line: list[str]
) -> None:
    found = origin(tmp_path, cached=True, direct=direct)
    assert found.line == line
    us = ours(line[0], [*line[1:], "wrap", "--name", "a", "--", "x", "y"])
    assert us is not None
    assert us.wrapped == ("x", "y")


def test_what_is_written_here_answers() -> None:
    done = subprocess.run([*here().line, "--version"], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.startswith("mcp-mend ")
