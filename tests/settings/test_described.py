"""What the models say of every setting, and the files that are written from it."""

from __future__ import annotations

import re
import shutil
import tomllib
from pathlib import Path

import pytest

from proxy.settings import __main__ as pages
from proxy.settings import load
from proxy.settings.described import ONE, VARIABLES, as_toml, tables, toml
from proxy.settings.reload import SECTIONS, later, taken
from schemas.config import Config, Repair, Upstream

ROOT = Path(__file__).parents[2]
LONG = "a value that is as long as a key"
OIDC = 'audience = "mend"\ngrants = { staff = {} }\n'
"""What an issuer needs beside it."""
EVERY = [(table, one) for table in tables() for one in table.settings]


@pytest.mark.parametrize("name", pages.FILES)
def test_the_files_are_what_the_models_say(name: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8") == pages.text(name), "python -m proxy.settings"


def test_every_table_of_the_models_is_described() -> None:
    names = {table.name.partition(".")[0] for table in tables()}
    assert names == {"upstreams", *SECTIONS}
    assert {f"upstreams.{ONE}", f"upstreams.{ONE}.tools", f"upstreams.{ONE}.oauth", "workflow.budget"} <= {
        table.name for table in tables()
    }
    assert {one.key for table, one in EVERY if table.name == "repair"} == set(Repair.model_fields)


@pytest.mark.parametrize(("table", "one"), EVERY, ids=[f"{table.name}.{one.key}" for table, one in EVERY])
def test_each_setting_has_a_meaning_and_an_example_that_loads(table, one, tmp_path: Path) -> None:
    assert table.meaning.endswith(".")
    assert one.meaning.endswith(".")
    assert one.example != one.default
    beside = {
        f"upstreams.{ONE}": "" if one.key in ("command", "url") else 'command = "x"\n',
        f"upstreams.{ONE}.oauth": 'client_id = "x"\n' if one.key == "client_secret" else "",
        f"upstreams.{ONE}.tools": "",
        "replicas": {"address": f'key = "{LONG}"\n', "key": 'address = "http://x"\n'}.get(one.key, ""),
    }
    above = f'[upstreams.{ONE}]\nurl = "https://x"\n' if table.name.endswith((".oauth", ".tools")) else ""
    more = beside.get(table.name, "") or (OIDC if one.key == "issuer" and table.name == "http.oidc" else "")
    if one.key in ("grant", "private_key"):
        more = (
            'issuer = "https://x"\nclient_id = "x"\n'
            + {
                "grant": 'client_secret = "x"\n',
                "private_key": 'grant = "client_credentials"\n',
            }[one.key]
        )
    file = tmp_path / "proxy.toml"
    file.write_text(f"{above}[{table.name}]\n{more}{one.key} = {toml(one.example)}\n", encoding="utf-8")
    names = re.findall(r"\$\{(\w+)\}", toml(one.example))
    assert load(file, env=dict.fromkeys(names, LONG)).config != Config()


def test_what_an_upstream_may_say_loads_when_its_marks_of_comment_are_taken_away() -> None:
    text = "\n".join(line.removeprefix("# ") for line in as_toml().partition("# ---")[0].splitlines())
    assert set(tomllib.loads(text)["upstreams"][ONE]) == set(Upstream.model_fields)


def test_what_is_told_of_a_change_is_what_a_running_proxy_does() -> None:
    """Each key is changed to its example: it waits for a restart exactly where the page says so."""
    started = Config()
    for table, one in EVERY:
        section, _, inner = table.name.partition(".")
        if section == "upstreams":
            continue
        value = {one.key: one.example, **(tomllib.loads(OIDC) if one.key == "issuer" else {})}
        if section == "replicas" and one.key in ("address", "key"):
            value = {"address": "http://x", "key": LONG}
        for part in reversed(inner.split(".") if inner else []):
            value = {part: value}
        new = Config.model_validate({section: value})
        key = f"{section}.{inner or one.key}"
        waits = bool(later(started, new))
        assert waits is (taken(key) == "after a restart"), key


def test_what_goes_one_way_only_is_told_so() -> None:
    assert taken("journal.redact") == "more names at once, fewer after a restart"
    more = Config.model_validate({"journal": {"redact": ["a"]}})
    assert (later(Config(), more), later(more, Config())) == ([], ["journal.redact"])
    off = Config.model_validate({"evolution": {"memory": False}})
    assert (later(Config(), off), later(off, Config())) == ([], ["evolution.memory"])


def test_every_variable_that_the_program_reads_is_on_the_page() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    read = {
        name
        for folder in ("proxy", "schemas", "catalog_cache")
        for file in (ROOT / folder).rglob("*.py")
        for name in re.findall(r"MCP_MEND_[A-Z]+", file.read_text(encoding="utf-8"))
    }
    assert set(VARIABLES.values()) < read
    for name in read:
        assert f"| `{name}` |" in page


def test_a_file_without_its_marks_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "docs").mkdir()
    for name in pages.FILES:
        shutil.copy(ROOT / name, tmp_path / name)
    monkeypatch.setattr(pages, "ROOT", tmp_path)
    assert pages.text("proxy.toml").endswith("# To here\n")
    file = tmp_path / "proxy.toml"
    file.write_text(file.read_text(encoding="utf-8").replace("# To here\n", ""), encoding="utf-8")
    with pytest.raises(ValueError, match="# To here"):
        pages.text("proxy.toml")
