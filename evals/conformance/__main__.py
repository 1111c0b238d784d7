"""Compare the official conformance suites direct and behind us: no check that passes directly may fail or vanish.

    python -m evals.conformance [--cache FOLDER] [--out FOLDER]

Needs npm, which fetches Node 22 and the suites by package name into the cache. Exits with 1 where a check was lost.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

from evals.overhead.__main__ import free_port

EVERYTHING = Path(__file__).parents[2] / "tests" / "servers" / "everything.py"
SUITE = "node_modules/@modelcontextprotocol/conformance/dist/index.js"
PACKAGES = {
    "node": "node@22",
    "stable": "@modelcontextprotocol/conformance@0.1.16",
    "alpha": "@modelcontextprotocol/conformance@0.2.0-alpha.12",
}
LEGS: dict[str, tuple[str, list[str]]] = {
    "0.1.16": ("stable", []),
    "2025-11-25": ("alpha", ["--suite", "all", "--spec-version", "2025-11-25"]),
    "2026-07-28": ("alpha", ["--suite", "all", "--spec-version", "2026-07-28"]),
}
CLIENT = {
    "2025-11-25": [
        "initialize",
        "tools_call",
        "elicitation-sep1034-client-defaults",
        "sse-retry",
        "json-schema-2020-12-preservation",
    ],
    "2026-07-28": [
        "tools_call",
        "request-metadata",
        "sep-2322-client-request-state",
        "http-standard-headers",
        "http-custom-headers",
        "http-invalid-tool-headers",
        "json-schema-ref-no-deref",
        "json-schema-2020-12-preservation",
    ],
}
"""Scenarios of the client suite, but for those about OAuth."""
_SINCE_2025_11 = [
    *("metadata-default", "metadata-var1", "metadata-var2", "metadata-var3", "basic-cimd", "pre-registration"),
    *("scope-from-www-authenticate", "scope-from-scopes-supported", "scope-omitted-when-undefined", "scope-step-up"),
    *("scope-retry-limit", "token-endpoint-auth-basic", "token-endpoint-auth-post", "token-endpoint-auth-none"),
]
_SINCE_2026_07 = [
    *("resource-mismatch", "offline-access-scope", "offline-access-not-supported", "authorization-server-migration"),
    *("iss-supported", "iss-not-advertised", "iss-supported-missing", "iss-wrong-issuer", "iss-unexpected"),
    *("iss-normalized", "metadata-issuer-mismatch"),
]
OAUTH = {
    "2025-03-26": ["2025-03-26-oauth-metadata-backcompat", "2025-03-26-oauth-endpoint-fallback"],
    "2025-11-25": _SINCE_2025_11,
    "2026-07-28": [*_SINCE_2025_11, *_SINCE_2026_07],
    "extensions": ["client-credentials-jwt", "client-credentials-basic"],
}
"""Scenarios of the client suite about OAuth, all but three extensions that the SDK's client does not pass either."""
AT_ONCE = 2
"""Scenarios of the client suite run at the same time."""
PATIENCE = 120
"""Seconds for one of them: behind the proxy it starts a process for each login, and machines are shared."""

Checks = Counter[tuple[str, str]]
"""How often each (scenario, check) passed."""


def fetch(cache: Path) -> None:
    """Install what is missing."""
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit("npm is needed: it fetches the official suites")
    for folder, package in PACKAGES.items():
        if not (cache / folder / "node_modules").is_dir():
            options = ["--silent", "--no-audit", "--no-fund", "--prefix", str(cache / folder)]
            subprocess.run([npm, "install", *options, package], check=True)  # noqa: S603


@contextmanager
def listening(command: list[str], url: str, env: dict[str, str]) -> Iterator[str]:
    """Run a server until this is left; gives its address once it answers."""
    server = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603
    try:
        for _ in range(200):
            try:
                urllib.request.urlopen(url, timeout=5)  # noqa: S310 (an address of our own)
            except urllib.error.HTTPError:
                break
            except OSError:
                time.sleep(0.1)
                continue
            break
        yield url
    finally:
        server.terminate()
        server.wait()


def run(cache: Path, leg: str, url: str, out: Path) -> tuple[Checks, int]:
    """The checks of one leg that passed, and how many failed."""
    suite, options = LEGS[leg]
    node = cache / "node" / "node_modules" / ".bin" / "node"
    command = [str(node), str(cache / suite / SUITE), "server", "--url", url, *options, "-o", str(out)]
    with (out.parent / f"{out.name}.log").open("w") as log:
        subprocess.run(command, stdout=log, stderr=log, check=False)  # noqa: S603
    return counted(out)


def run_clients(cache: Path, leg: str, scenarios: list[str], out: Path, *, through: bool) -> tuple[Checks, int]:
    """The same for the client suite, where a client of ours is watched by the suite's servers."""
    node = cache / "node" / "node_modules" / ".bin" / "node"
    client = f"{sys.executable} -m evals.conformance.client" + (" --through-mend" if through else "")
    version = ["--spec-version", leg] if leg != "extensions" else []

    def run_one(scenario: str) -> None:
        command = [str(node), str(cache / "alpha" / SUITE), "client", "--command", client, "--scenario", scenario]
        with (out.parent / f"{out.name}-{scenario.replace('/', '-')}.log").open("w") as log:
            options = [*version, "--timeout", str(PATIENCE * 1000), "-o", str(out)]
            subprocess.run([*command, *options], stdout=log, stderr=log, check=False)  # noqa: S603

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(run_one, scenarios))
    return counted(out)


def counted(out: Path) -> tuple[Checks, int]:
    """The checks that passed, and how many failed."""
    passed: Checks = Counter()
    failed = 0
    for file in out.rglob("checks.json"):
        scenario = file.parent.name.removeprefix("server-").rsplit("-", 6)[0]
        for check in json.loads(file.read_text(encoding="utf-8")):
            passed[scenario, check["id"]] += check["status"] == "SUCCESS"
            failed += check["status"] == "FAILURE"
    return +passed, failed


def compare_clients(cache: Path, out: Path) -> list[str]:
    """Print the rows of the client suite; the checks that were lost, and lost again in a second run."""
    lost: list[str] = []
    legs = [(leg, "client suite", scenarios) for leg, scenarios in CLIENT.items()]
    legs += [(leg, "client suite, OAuth", [f"auth/{each}" for each in scenarios]) for leg, scenarios in OAUTH.items()]
    for leg, suite, scenarios in legs:
        folder = out / f"{suite}-{leg}"
        folder.mkdir(parents=True, exist_ok=True)
        plain, plain_failed = run_clients(cache, leg, scenarios, folder / "direct", through=False)
        mended, mended_failed = run_clients(cache, leg, scenarios, folder / "behind", through=True)
        row = f"{plain.total()} / {plain_failed} | {mended.total()} / {mended_failed}"
        print(f"| {leg}, {suite} | {row} |", flush=True)
        missing = plain - mended
        again = [each for each in scenarios if any(each.endswith(scenario) for scenario, _ in missing)]
        if again:
            print(f"once more behind mcp-mend, since some checks hang on time: {', '.join(again)}", flush=True)
            missing -= run_clients(cache, leg, again, folder / "again", through=True)[0]
        lost += [f"{suite} {leg}: {scenario}: {check}" for scenario, check in missing]
    return lost


def main() -> None:
    """Run every leg both ways, print the table, and name each check that was lost."""
    parser = argparse.ArgumentParser(prog="python -m evals.conformance")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "mcp-mend" / "conformance")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    fetch(options.cache)
    lost: list[str] = []
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        out = options.out or home / "out"
        env = {**os.environ, "MCP_MEND_HOME": str(home)}
        direct, ours = free_port(), free_port()
        upstream = f"http://127.0.0.1:{direct}/mcp"
        config = home / "mend.toml"
        config.write_text(f'[upstreams.everything]\nurl = "{upstream}"\n', encoding="utf-8")
        stack.enter_context(listening([sys.executable, str(EVERYTHING), str(direct)], upstream, env))
        serve = [sys.executable, "-m", "proxy.cli", "serve", "--config", str(config), "--http", f"127.0.0.1:{ours}"]
        behind = f"http://127.0.0.1:{ours}/servers/everything/mcp"
        stack.enter_context(listening(serve, behind, env))
        print("| suite | direct: passed / failed | behind mcp-mend: passed / failed |\n| --- | --- | --- |")
        for leg in LEGS:
            (out / leg).mkdir(parents=True, exist_ok=True)
            plain, plain_failed = run(options.cache, leg, upstream, out / leg / "direct")
            mended, mended_failed = run(options.cache, leg, behind, out / leg / "behind")
            print(f"| {leg} | {plain.total()} / {plain_failed} | {mended.total()} / {mended_failed} |", flush=True)
            lost += [f"{leg}: {scenario}: {check}" for scenario, check in plain - mended]
        lost += compare_clients(options.cache, out)
    for check in lost:
        print(f"lost behind mcp-mend: {check}")
    sys.exit(1 if lost else 0)


if __name__ == "__main__":
    main()
